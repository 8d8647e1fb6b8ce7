// audit: the trail of all conflicts: searched, exported, and how long it is kept.
#include <algorithm>
#include <charconv>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "demos/node/arguments.hpp"
#include "demos/node/as_json.hpp"
#include "demos/node/command.hpp"
#include "demos/node/commands/conflicts.hpp"
#include "demos/node/text.hpp"
#include "messages/limits.hpp"

namespace tandem::node {

namespace {

constexpr std::size_t id_characters = 10; ///< as in the list of conflicts

struct audit_arguments {
  std::string database;
  std::string table;
  std::string since;
  std::int64_t keep_days = -1;  ///< negative: not asked
  std::int64_t keep_count = -1; ///< negative: not asked
  bool is_json = false;
  bool is_export = false;
};

/// "7d" or "12h" before now, or a UTC time as "2026-11-23" or "2026-11-23T14:30". Unix milliseconds.
std::int64_t parse_since(const std::string& text) {
  constexpr std::int64_t hour_ms = 3'600'000;
  if (text.empty()) {
    return 0;
  }
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit{end, text.data() + text.size()};
  if (problem == std::errc{} && number >= 0 && number < limits::audit_keep_days_max && (unit == "d" || unit == "h")) {
    return storage::system_clock_ms() - number * (unit == "d" ? limits::day_ms : hour_ms);
  }
  for (const char* format : {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"}) {
    std::tm when{};
    const char* rest = strptime(text.c_str(), format, &when);
    if (rest != nullptr && *rest == '\0') {
      return static_cast<std::int64_t>(timegm(&when)) * 1000;
    }
  }
  throw wrong_usage{"--since wants 7d, 12h, 2026-11-23 or 2026-11-23T14:30 (UTC), not '" + text + "'"};
}

/// When anything last happened to it.
std::int64_t last_ms(const storage::conflict& conflict) {
  auto result = messages::ms_of_hlc(std::max(conflict.current.hlc, conflict.other.hlc));
  result = std::max(result, conflict.settled_ms);
  for (const auto& each : conflict.settlements) {
    result = std::max(result, each.ms);
  }
  return result;
}

std::vector<storage::conflict> found(const audit_arguments& arguments) {
  const auto since_ms = parse_since(arguments.since);
  auto conflicts = open_for_reading(arguments.database).conflicts();
  std::erase_if(conflicts, [&](const storage::conflict& each) {
    return (!arguments.table.empty() && each.table != arguments.table) || last_ms(each) < since_ms;
  });
  return conflicts;
}

void export_line(const storage::conflict& conflict, nlohmann::json line) {
  line["conflict"] = conflict.id;
  auto all = as_json(conflict);
  for (const char* name : {"kind", "table", "key", "column", "current", "other", "base", "current_stamp", "other_stamp",
                           "rule", "state", "overtaken", "contested"}) {
    line[name] = all[name];
  }
  std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

/// One line for each settlement: what the policy let stand, and each choice of a person or of the host's callback.
void export_lines(const std::vector<storage::conflict>& conflicts) {
  for (const auto& conflict : conflicts) {
    const auto all = as_json(conflict);
    if (conflict.state != "open" && conflict.state != "overtaken") {
      export_line(conflict, {{"by", "policy"},
                             {"settlement", conflict.id},
                             {"choice", "current"},
                             {"value", all["current"]},
                             {"replaced", all["other"]},
                             {"settled_ms", messages::ms_of_hlc(std::max(conflict.current.hlc, conflict.other.hlc))}});
    }
    for (const auto& each : conflict.settlements) {
      auto line = as_json(each);
      line["settlement"] = line["id"];
      line.erase("id");
      line["by"] = each.choice == "callback" ? "callback" : each.choice == "text" ? "policy" : "person";
      line["site"] = each.written.site.to_hex();
      export_line(conflict, std::move(line));
    }
  }
}

int keep(const audit_arguments& arguments) {
  auto replica = storage::replica::open(arguments.database);
  auto kept = replica.current_audit_limits();
  if (arguments.keep_days >= 0) {
    kept.keep_ms = arguments.keep_days * limits::day_ms;
  }
  if (arguments.keep_count >= 0) {
    kept.keep_count = static_cast<std::uint64_t>(arguments.keep_count);
  }
  replica.set_audit_limits(kept);
  replica.stamp_pending();
  std::uint64_t removed = 0;
  for (bool is_done = false; !is_done;) {
    const auto step = replica.prune_audit(limits::audit_prune_max);
    removed += step.removed;
    is_done = step.is_done;
  }
  if (arguments.is_json) {
    print({{"removed", removed}, {"keep_ms", kept.keep_ms}, {"keep_count", kept.keep_count}});
  } else {
    std::cout << counted(removed, "settled conflict") << " removed; kept are "
              << (kept.keep_count == 0 ? "all" : "the newest " + with_commas(kept.keep_count)) << " that are "
              << (kept.keep_ms == 0
                      ? "of any age"
                      : "younger than " + counted(static_cast<std::uint64_t>(kept.keep_ms / limits::day_ms), "day"))
              << ", and all open ones.\n";
  }
  return exit_done;
}

int audit(const audit_arguments& arguments) {
  if (arguments.keep_days >= 0 || arguments.keep_count >= 0) {
    if (arguments.is_export || !arguments.table.empty() || !arguments.since.empty()) {
      throw wrong_usage{"--keep-days and --keep-count hold for the whole audit trail; ask for other things apart"};
    }
    return keep(arguments);
  }
  const auto conflicts = found(arguments);
  if (arguments.is_export) {
    export_lines(conflicts);
  } else if (arguments.is_json) {
    nlohmann::json document{{"entries", nlohmann::json::array()}};
    for (const auto& conflict : conflicts) {
      document["entries"].push_back(as_json(conflict));
    }
    print(document);
  } else if (!conflicts.empty()) {
    std::cout << as_text(conflicts);
    for (const auto& each : conflicts) {
      if (each.kind == storage::conflict_kind::refused) {
        std::cout << each.id.substr(0, id_characters) << " was refused by rule " << each.rule << "\n    "
                  << each.other_json << "\n";
      }
    }
  } else if (!arguments.table.empty() || !arguments.since.empty()) {
    std::cout << "Nothing of that is in the audit trail.\n";
  } else {
    std::cout << "The audit trail is empty: no two writes have met in one cell.\n";
  }
  return exit_done;
}

} // namespace

void add_audit(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<audit_arguments>();
  auto* command = program.add_subcommand("audit", "Every conflict ever settled, with both values");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  auto* as_document = command->add_flag("--json", arguments->is_json, "One JSON document");
  command->add_flag("--export", arguments->is_export, "JSON lines, one for each settlement (docs/audit.md)")
      ->excludes(as_document);
  command->add_option("--table", arguments->table, "Only conflicts of this table");
  command->add_option("--since", arguments->since, "Only what happened since: 7d, 12h, 2026-11-23, 2026-11-23T14:30");
  command->add_option("--keep-days", arguments->keep_days, "Keep settled conflicts so long from now on; 0: for ever")
      ->check(CLI::Range(std::int64_t{0}, limits::audit_keep_days_max));
  command->add_option("--keep-count", arguments->keep_count, "Keep the newest so many from now on; 0: all")
      ->check(CLI::NonNegativeNumber);
  command->footer(
      "Any losing value can be brought back: tandem conflicts DB resolve ID --take other\n"
      "What is removed is removed on every device. Open conflicts stay.\nExamples:\n  tandem audit notes.db\n"
      "  tandem audit notes.db --table notes --since 7d\n  tandem audit notes.db --export > audit.jsonl\n"
      "  tandem audit notes.db --keep-days 365");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      return audit(*arguments);
    };
  });
}

} // namespace tandem::node
