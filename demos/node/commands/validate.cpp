// validate: does Tandem keep its promises on this machine?
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
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
#include "monitor/baseline.hpp"
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
  std::string report;
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

/// "17.5x better", "1.2x worse", "just so"; empty where there is nothing to compare with.
std::string factor_of(const monitor::figure& each, const monitor::target& wanted, const std::optional<double>& bound) {
  const auto found = monitor::times_better(each.value, bound, wanted.better);
  if (!found) {
    return "";
  }
  if (*found == 1) {
    return "just so";
  }
  return *found > 1 ? shown(*found) + "x better" : shown(1 / *found) + "x worse";
}

void print_figures(const validation& report) {
  std::vector<std::vector<std::string>> rows{{"what", "reached", "", "floor", "against it", "goal", "against it", ""}};
  for (const auto& wanted : monitor::targets()) {
    for (const auto& each : report.figures) {
      if (each.name == wanted.name) {
        rows.push_back({title_of(each.name, each.transport), shown(each.value), std::string{wanted.unit},
                        shown(wanted.floor, wanted.better), factor_of(each, wanted, wanted.floor),
                        shown(wanted.goal, wanted.better), factor_of(each, wanted, wanted.goal),
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

validation read_validation(const std::string& path) {
  const auto document = nlohmann::json::parse(read_file(path), nullptr, false);
  try {
    return monitor::report_from_json(document);
  } catch (const failure& problem) {
    throw failure{problem.code(), path + ": " + problem.what()};
  }
}

void print_changes(const std::vector<monitor::change>& changes, const std::string& before, const std::string& after) {
  std::vector<std::vector<std::string>> rows{{"what", before, after, "", "with 99 % confidence"}};
  for (const auto& each : changes) {
    const auto* wanted = monitor::target_named(each.name);
    rows.push_back({title_of(each.name, each.transport), shown(each.before), shown(each.after),
                    std::string{wanted ? wanted->unit : ""}, in_words(each)});
  }
  std::cout << as_table(rows);
}

/// What has changed for sure, for people, beside the document or table on the standard output.
void tell_changes(const monitor::baseline_result& against) {
  for (const auto& each : against.doubts) {
    std::cerr << "tandem: " << each << "\n";
  }
  for (const auto& each : against.changes) {
    if (each.is_sure) {
      std::cerr << title_of(each.name, each.transport) << ": " << shown(each.before) << " -> " << shown(each.after)
                << ", " << in_words(each) << " than the baseline\n";
    }
  }
  std::cerr << summary(against) << "\n";
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

nlohmann::json as_document(const std::vector<monitor::change>& of_two_settings) {
  auto result = nlohmann::json::array();
  for (const auto& each : of_two_settings) {
    auto entry = monitor::to_json(each);
    result.push_back({{"name", each.name},
                      {"a", each.before},
                      {"b", each.after},
                      {"b_times_worse", each.times_worse},
                      {"low", entry["low"]},
                      {"high", entry["high"]},
                      {"better", !each.is_sure     ? "none"
                                 : each.is_worse() ? "a"
                                                   : "b"}});
  }
  return result;
}

/// Says for each figure which setting is better, by how much and how sure that is.
int compare_two(const validate_arguments& arguments, const programme_options& options) {
  const auto& names = arguments.compared;
  const auto found = compare_settings(options, as_options(names[0]), as_options(names[1]));
  const auto changes = monitor::compare_beside(found.one, found.other, arguments.noise_percent / 100);
  if (arguments.is_json) {
    print(as_document(changes));
  } else {
    print_changes(changes, "A: " + names[0], "B: " + names[1]);
  }
  if (!arguments.html.empty()) {
    write_file(arguments.html, to_html(found.one, names[0], found.other, names[1], changes));
  }
  return exit_done;
}

/// The baseline that a run with this effort and database is to be held against, if there is one that can be.
std::optional<validation> baseline_for(const validate_arguments& arguments, double effort,
                                       const std::string& database) {
  if (arguments.baseline.empty() || arguments.saves || !fs::exists(arguments.baseline)) {
    return std::nullopt;
  }
  auto result = read_validation(arguments.baseline);
  if (const auto why = monitor::why_incomparable(result, effort, database); !why.empty()) {
    throw failure{failure_code::protocol, arguments.baseline + " is no baseline for this run: " + why +
                                              "; measure alike, or --save a new baseline"};
  }
  return result;
}

void save_baseline(const std::string& path, const validation& report) {
  write_file(path, to_json(report).dump() + "\n");
  std::cerr << "saved as the baseline: " << path << "\n";
  if (const auto why = monitor::why_restless(report, "meanwhile"); !why.empty()) {
    std::cerr << "tandem: " << why << ", and --save a new baseline\n";
  }
  if (!holds(report)) {
    std::cerr << "tandem: this baseline itself misses a floor, or something could not be measured for it; what is as "
                 "bad later will not be named\n";
  }
}

/// The standard output, and the page if one is asked for. `against`: null if there is no baseline.
void write_report(const validate_arguments& arguments, const validation& report,
                  const monitor::baseline_result* against) {
  if (arguments.is_json) {
    auto document = to_json(report);
    if (against) {
      document["baseline"] = to_json(*against);
    }
    print(document);
  } else {
    print_report(report);
    if (against) {
      std::cout << "\n";
      print_changes(against->changes, "baseline", "now");
    }
  }
  if (!arguments.html.empty()) {
    write_file(arguments.html, to_html(report, against));
  }
}

int finish(const validate_arguments& arguments, const validation& report, const std::optional<validation>& before) {
  std::optional<monitor::baseline_result> against;
  if (before) {
    against = monitor::hold_against(*before, report, arguments.noise_percent / 100);
  }
  write_report(arguments, report, against ? &*against : nullptr);
  if (against) {
    tell_changes(*against);
  } else if (!arguments.baseline.empty()) {
    save_baseline(arguments.baseline, report);
  }
  return holds(report) && (!against || against->is_fine()) ? exit_done : exit_failure;
}

int validate(const validate_arguments& arguments) {
  if (!arguments.report.empty()) {
    const auto report = read_validation(arguments.report);
    return finish(arguments, report, baseline_for(arguments, report.effort, report.database));
  }
  if (!arguments.database.empty() && !fs::exists(arguments.database)) {
    throw failure{failure_code::not_found, arguments.database + " does not exist; name an existing database, or none"};
  }
  const auto database = arguments.database.empty() ? "" : fs::canonical(arguments.database).string();
  const auto before = baseline_for(arguments, arguments.effort, database);
  programme_options options;
  options.original = arguments.database;
  options.much = {arguments.effort};
  options.on_progress = [](const std::string& what) {
    std::cerr << "measuring " << what << "\n";
  };
  if (!arguments.compared.empty()) {
    return compare_two(arguments, options);
  }
  return finish(arguments, run_programme(options), before);
}

} // namespace

void add_validate(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<validate_arguments>();
  auto* command = program.add_subcommand("validate", "Measure whether Tandem keeps its promises on this machine");
  auto* database = command->add_option("DB", arguments->database,
                                       "Measure with a copy of this database; if not given, with a fresh one");
  command->add_flag("--json", arguments->is_json, "One JSON document, with all samples");
  command->add_option("--html", arguments->html, "Write a page with plots to this file");
  command->add_option("--baseline", arguments->baseline,
                      "Compare with the report in this file; if there is none yet, save this one there");
  command
      ->add_option("--report", arguments->report,
                   "Measure nothing: show the report that --json printed into this file, and compare it")
      ->excludes(database);
  command
      ->add_option("--ab", arguments->compared,
                   "Two settings, each options of `tandem serve` without their dashes: measure with the one and the "
                   "other in turns, and say which is better")
      ->expected(2)
      ->excludes("--baseline")
      ->excludes("--report");
  command->add_flag("--save", arguments->saves, "Save to the baseline's file even if there is one");
  command->add_option("--noise", arguments->noise_percent, "By how many percent two runs may differ anyway (10)")
      ->check(CLI::Range(0.0, 1'000.0));
  command->add_option("--effort", arguments->effort, "0.1 measures a tenth of everything, for a quick look (1)")
      ->check(CLI::Range(0.01, 10.0));
  command->footer(
      "Starts a hub and two devices in a folder of their own and measures them. Exit 0 if every floor is met and "
      "nothing is worse than the baseline.\n"
      "Examples:\n  tandem validate\n  tandem validate notes.db --html report.html\n"
      "  tandem validate --baseline before.json\n  tandem validate --report today.json --baseline before.json\n"
      "  tandem validate --ab batch-window-ms=2 batch-window-ms=50");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      return validate(*arguments);
    };
  });
}

} // namespace tandem::node
