// validate: does Tandem keep its promises on this machine?
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "demos/node/arguments.hpp"
#include "demos/node/as_json.hpp"
#include "demos/node/command.hpp"
#include "demos/node/text.hpp"
#include "demos/node/validation/programme.hpp"
#include "messages/failure.hpp"
#include "monitor/advice.hpp"
#include "monitor/html_report.hpp"

namespace tandem::node {

namespace {

namespace fs = std::filesystem;
using messages::failure;
using messages::failure_code;

struct validate_arguments {
  std::string database;
  std::string html;
  std::string baseline;
  double effort = 1;
  double noise_percent = 10;
  std::vector<std::string> compared;
  bool saves = false;
  bool is_json = false;
};

std::string shown(double value) {
  std::ostringstream text;
  text.precision(3);
  if (std::abs(value) >= 1'000) {
    return with_commas(static_cast<std::uint64_t>(std::llround(value)));
  }
  text << value;
  return text.str();
}

std::string shown(const std::optional<double>& bound, monitor::direction better) {
  return bound ? (better == monitor::direction::smaller_is_better ? "<= " : ">= ") + shown(*bound) : "";
}

std::string title_of(const std::string& name, const std::string& transport) {
  const auto* wanted = monitor::target_named(name);
  return std::string{wanted ? wanted->title : name} + (transport.empty() ? "" : " (" + transport + ")");
}

void print_figures(const validation& report) {
  std::vector<std::vector<std::string>> rows{{"what", "reached", "", "floor", "goal", ""}};
  for (const auto& wanted : monitor::targets()) {
    for (const auto& each : report.figures) {
      if (each.name == wanted.name) {
        rows.push_back({title_of(each.name, each.transport), shown(each.value), std::string{wanted.unit},
                        shown(wanted.floor, wanted.better), shown(wanted.goal, wanted.better),
                        std::string{name_of(verdict_of(each))}});
      }
    }
  }
  std::cout << as_table(rows);
}

/// The ways of a page side by side, and how each bridge does against HTTP.
void print_ways(const validation& report) {
  const auto compared = monitor::compare_ways(report);
  if (compared.empty()) {
    return;
  }
  std::vector<std::vector<std::string>> rows{{"a page's way against HTTP", "", "", "HTTP", ""}};
  for (const auto& each : compared) {
    const auto* wanted = monitor::target_named(each.name);
    rows.push_back({title_of(each.name, each.transport), shown(each.value), std::string{wanted->unit},
                    shown(each.by_http), shown(each.times_better) + " x as good"});
  }
  std::cout << "\n" << as_table(rows);
}

void print_report(const validation& report) {
  std::cout << "\n"
            << report.machine.processor << ", " << report.machine.cores << " cores, SQLite " << report.machine.sqlite
            << "; " << as_duration(report.seconds * 1'000) << "\n\n";
  print_figures(report);
  print_ways(report);
  for (const auto* all : {&report.omissions, &report.absences}) {
    for (const auto& each : *all) {
      std::cout << "\nNot measured: " << each.what << ": " << each.why << "\n";
    }
  }
  const auto steps = monitor::recommendations(report);
  std::cout << (steps.empty() ? "" : "\nWhat to do\n");
  for (const auto& each : steps) {
    std::cout << "  " << each.evidence << ": " << each.cause << "; " << each.step << ".\n";
  }
  std::cout << (holds(report) ? "\nEvery floor is met.\n" : "\nNot every floor is met.\n");
}

std::string read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    throw failure{failure_code::not_found, path + " can't be read"};
  }
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out << text;
  out.close();
  if (!out) {
    throw failure{failure_code::storage, path + " can't be written"};
  }
}

validation read_baseline(const std::string& path) {
  const auto document = nlohmann::json::parse(read_file(path), nullptr, false);
  try {
    return monitor::report_from_json(document);
  } catch (const failure& problem) {
    throw failure{problem.code(), path + ": " + problem.what()};
  }
}

/// True if nothing has become worse.
bool print_changes(const validation& before, const validation& after, double noise) {
  const auto& then = before.machine;
  const auto& now = after.machine;
  if (then.processor != now.processor || then.cores != now.cores) {
    std::cerr << "tandem: the baseline is of another machine (" << then.processor << ", " << then.cores
              << " cores); what differs may be the machine's doing\n";
  }
  bool is_fine = true;
  for (const auto& each : compare(before, after, noise)) {
    if (!each.is_sure) {
      continue;
    }
    const bool is_worse = each.times_worse > 1;
    is_fine = is_fine && !is_worse;
    std::cerr << title_of(each.name, each.transport) << ": " << shown(each.before) << " -> " << shown(each.after)
              << ", " << shown(is_worse ? each.times_worse : 1 / each.times_worse) << " times "
              << (is_worse ? "worse" : "better") << " than the baseline\n";
  }
  return is_fine;
}

/// "batch-window-ms=20" as "--batch-window-ms=20", and "no-measuring" as "--no-measuring".
std::vector<std::string> as_options(const std::string& setting) {
  std::vector<std::string> result;
  std::istringstream each{setting};
  for (std::string word; each >> word;) {
    std::ranges::replace(word.begin(),
                         word.begin() + static_cast<std::ptrdiff_t>(std::min(word.find('='), word.size())), '_', '-');
    result.push_back("--" + word);
  }
  return result;
}

/// Says for each figure which setting is better, by how much and how sure that is.
int compare_two(const validate_arguments& arguments, const programme_options& options) {
  const auto& names = arguments.compared;
  const auto found = compare_settings(options, as_options(names[0]), as_options(names[1]));
  std::vector<std::vector<std::string>> rows{{"what", "A: " + names[0], "B: " + names[1], "", "B is", "with 99 %"}};
  nlohmann::json document = nlohmann::json::array();
  for (const auto& each : monitor::compare_beside(found.one, found.other, arguments.noise_percent / 100)) {
    const auto* wanted = monitor::target_named(each.name);
    const auto verdict = !each.is_sure          ? std::string{"no difference"}
                         : each.times_worse > 1 ? shown(each.times_worse) + " times worse"
                                                : shown(1 / each.times_worse) + " times better";
    rows.push_back({title_of(each.name, each.transport), shown(each.before), shown(each.after),
                    std::string{wanted ? wanted->unit : ""}, verdict,
                    shown(each.low) + " to " + shown(each.high) + " times worse"});
    document.push_back({{"name", each.name},
                        {"a", each.before},
                        {"b", each.after},
                        {"b_times_worse", each.times_worse},
                        {"low", each.low},
                        {"high", each.high},
                        {"better", !each.is_sure          ? "none"
                                   : each.times_worse > 1 ? "a"
                                                          : "b"}});
  }
  if (arguments.is_json) {
    print(document);
  } else {
    std::cout << as_table(rows);
  }
  return exit_done;
}

int validate(const validate_arguments& arguments) {
  if (!arguments.database.empty() && !fs::exists(arguments.database)) {
    throw failure{failure_code::not_found, arguments.database + " does not exist; name an existing database, or none"};
  }
  const bool compares = !arguments.baseline.empty() && !arguments.saves && fs::exists(arguments.baseline);
  const auto before = compares ? read_baseline(arguments.baseline) : validation{};
  programme_options options;
  options.original = arguments.database;
  options.much = {arguments.effort};
  options.on_progress = [](const std::string& what) {
    std::cerr << "measuring " << what << "\n";
  };
  if (!arguments.compared.empty()) {
    return compare_two(arguments, options);
  }
  const auto report = run_programme(options);
  if (arguments.is_json) {
    print(to_json(report));
  } else {
    print_report(report);
  }
  if (!arguments.html.empty()) {
    write_file(arguments.html, to_html(report));
  }
  bool is_fine = holds(report);
  if (compares) {
    is_fine = print_changes(before, report, arguments.noise_percent / 100) && is_fine;
  } else if (!arguments.baseline.empty()) {
    write_file(arguments.baseline, to_json(report).dump() + "\n");
  }
  return is_fine ? exit_done : exit_failure;
}

} // namespace

void add_validate(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<validate_arguments>();
  auto* command = program.add_subcommand("validate", "Measure whether Tandem keeps its promises on this machine");
  command->add_option("DB", arguments->database,
                      "Measure with a copy of this database; if not given, with a fresh one");
  command->add_flag("--json", arguments->is_json, "One JSON document, with all samples");
  command->add_option("--html", arguments->html, "Write a page with plots to this file");
  command->add_option("--baseline", arguments->baseline,
                      "Compare with the report in this file; if there is none yet, save this one there");
  command
      ->add_option("--ab", arguments->compared,
                   "Two settings, each options of `tandem serve` without their dashes: measure with the one and the "
                   "other in turns, and say which is better")
      ->expected(2)
      ->excludes("--baseline");
  command->add_flag("--save", arguments->saves, "Save to the baseline's file even if there is one");
  command->add_option("--noise", arguments->noise_percent, "By how many percent two runs may differ anyway (10)")
      ->check(CLI::Range(0.0, 1'000.0));
  command->add_option("--effort", arguments->effort, "0.1 measures a tenth of everything, for a quick look (1)")
      ->check(CLI::Range(0.01, 10.0));
  command->footer(
      "Starts a hub and two devices in a folder of their own and measures them. Exit 0 if every floor is met and "
      "nothing is worse than the baseline.\n"
      "Examples:\n  tandem validate\n  tandem validate notes.db --html report.html\n"
      "  tandem validate --baseline before.json\n  tandem validate --ab batch-window-ms=2 batch-window-ms=50");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      return validate(*arguments);
    };
  });
}

} // namespace tandem::node
