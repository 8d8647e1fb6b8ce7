// conflicts: what was settled, how, and what people choose instead.
#include "demos/node/commands/conflicts.hpp"

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "demos/node/arguments.hpp"
#include "demos/node/as_json.hpp"
#include "demos/node/command.hpp"
#include "demos/node/text.hpp"

namespace tandem::node {

namespace {

/// Enough of an id for people to tell conflicts apart; any unique prefix is understood.
constexpr std::size_t id_characters = 10;

struct conflict_arguments {
  std::string database;
  std::string id;
  std::string take;
  std::string value;
  std::string fields;
  std::string new_key;
  std::string user;
  bool is_value = false;
  bool is_forced = false;
  bool is_all = false;
  bool is_json = false;
};

std::string place_of(const storage::conflict& conflict) {
  return conflict.column.empty() ? conflict.table : conflict.table + "." + conflict.column;
}

std::string quarantine_as_text(const std::vector<storage::quarantined_row>& quarantine) {
  std::vector<std::vector<std::string>> rows{{"table", "key", "set aside because"}};
  for (const auto& row : quarantine) {
    rows.push_back({shortened(row.table, 28), shortened(row.key_json, 20), shortened(row.reason, 100)});
  }
  return as_table(rows, "");
}

int list(const conflict_arguments& arguments) {
  auto replica = open_for_reading(arguments.database);
  const auto conflicts = replica.conflicts(!arguments.is_all);
  const auto quarantine = replica.quarantine();
  if (arguments.is_json) {
    nlohmann::json document{{"conflicts", nlohmann::json::array()}, {"quarantine", nlohmann::json::array()}};
    for (const auto& conflict : conflicts) {
      document["conflicts"].push_back(as_json(conflict));
    }
    for (const auto& row : quarantine) {
      document["quarantine"].push_back(as_json(row));
    }
    print(document);
    return exit_done;
  }
  const auto total = replica.status().conflicts_total;
  if (conflicts.empty()) {
    std::cout << "No conflict is open.";
    std::cout << (total > 0 ? " Settled ones: tandem audit " + arguments.database + "\n" : "\n");
  } else {
    std::cout << as_text(conflicts);
  }
  if (!quarantine.empty()) {
    std::cout << "\nRows set aside until they fit again:\n" << quarantine_as_text(quarantine);
  }
  return exit_done;
}

void describe(const storage::conflict& conflict, const std::string& database) {
  std::cout << "Conflict " << conflict.id << " (" << name_of(conflict.kind) << "), " << conflict.state << "\n"
            << "  where       " << place_of(conflict) << ", key " << conflict.key_json << "\n"
            << "  current     " << conflict.current_json << "\n              written "
            << as_time(messages::ms_of_hlc(conflict.current.hlc)) << " at site " << conflict.current.site.to_short()
            << "\n"
            << "  other       " << conflict.other_json << "\n              written "
            << as_time(messages::ms_of_hlc(conflict.other.hlc)) << " at site " << conflict.other.site.to_short() << "\n"
            << (conflict.base_json.empty() ? "" : "  base        " + conflict.base_json + "\n") << "  policy      "
            << conflict.rule << "\n";
  if (conflict.settled_ms != 0) {
    std::cout << "  settled     by " << (conflict.settled_who.empty() ? "" : conflict.settled_who + " at ")
              << conflict.settled_by << ", " << as_time(conflict.settled_ms) << "\n";
  }
  for (const auto& each : conflict.settlements) {
    std::cout << "  choice      " << each.choice << ", by " << (each.who.empty() ? "" : each.who + " at ") << "site "
              << each.written.site.to_short() << ", " << as_time(each.ms) << "\n              " << each.value_json
              << " in place of " << each.replaced_json << "\n";
  }
  if (conflict.is_contested) {
    std::cout << "  contested   settled on several devices at once; the later choice stands\n";
  }
  if (conflict.is_overtaken) {
    std::cout << "  overtaken   written anew since\n";
  }
  if (!conflict.trouble.empty()) {
    std::cout << "  trouble     nothing can be done about it here, for " << conflict.trouble << "\n";
  }
  std::cout << "Choose: tandem conflicts " << database << " resolve " << conflict.id.substr(0, id_characters)
            << " --take other\n";
}

int show(const conflict_arguments& arguments) {
  const auto conflict = open_for_reading(arguments.database).find_conflict(arguments.id);
  if (arguments.is_json) {
    print(as_json(conflict));
  } else {
    describe(conflict, arguments.database);
  }
  return exit_done;
}

int choose(const conflict_arguments& arguments, storage::resolution::kind take, const std::string& value_json = {}) {
  const storage::resolution choice{arguments.id, take, value_json, arguments.user, arguments.is_forced};
  const auto conflict = storage::replica::open(arguments.database).resolve(choice);
  if (arguments.is_json) {
    print(as_json(conflict));
  } else {
    std::cout << place_of(conflict) << ", key " << conflict.key_json << ": conflict "
              << conflict.id.substr(0, id_characters) << " is now " << conflict.state << ".\n";
  }
  return exit_done;
}

int resolve(const conflict_arguments& arguments) {
  using kind = storage::resolution::kind;
  const int ways = static_cast<int>(arguments.is_value) + static_cast<int>(!arguments.take.empty()) +
                   static_cast<int>(!arguments.fields.empty()) + static_cast<int>(!arguments.new_key.empty());
  if (ways != 1) {
    throw wrong_usage{"conflicts resolve wants one of --take current, --take other, --value V, --fields JSON, "
                      "--reinsert-as KEY"};
  }
  if (arguments.is_value) {
    return choose(arguments, kind::take_value, as_json_value(arguments.value));
  }
  if (!arguments.fields.empty()) {
    return choose(arguments, kind::take_fields, arguments.fields);
  }
  if (!arguments.new_key.empty()) {
    return choose(arguments, kind::reinsert, as_json_value(arguments.new_key));
  }
  return choose(arguments, arguments.take == "other" ? kind::take_other : kind::take_current);
}

} // namespace

std::string as_text(const std::vector<storage::conflict>& conflicts) {
  std::vector<std::vector<std::string>> rows{{"id", "state", "kind", "where", "key", "current", "other", "settled by"}};
  for (const auto& conflict : conflicts) {
    const auto state = conflict.state + (conflict.is_contested ? " (contested)" : "");
    const auto by = conflict.settled_who.empty() ? conflict.settled_by : conflict.settled_who;
    rows.push_back({conflict.id.substr(0, id_characters), shortened(state, 24), name_of(conflict.kind),
                    shortened(place_of(conflict), 28), shortened(conflict.key_json, 20),
                    shortened(conflict.current_json, 28), shortened(conflict.other_json, 28), shortened(by, 12)});
  }
  return as_table(rows, "");
}

void add_conflicts(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<conflict_arguments>();
  auto* command = program.add_subcommand("conflicts", "Writes that met in one cell or row, and rows set aside");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  command->add_flag("--json", arguments->is_json, "One JSON document");
  command->require_subcommand(0, 1);
  command->fallthrough();
  command->footer(
      "A choice is a new write: it syncs like any other, and settles the conflict on every device.\n"
      "Examples:\n  tandem conflicts notes.db\n  tandem conflicts notes.db show 3f2a\n"
      "  tandem conflicts notes.db resolve 3f2a --take other\n"
      "  tandem conflicts notes.db resolve 3f2a --value '\"a third way\"' --user Ann\n"
      "  tandem conflicts notes.db resolve 3f2a --fields '{\"title\": \"other\", \"note\": {\"value\": \"both\"}}'\n"
      "  tandem conflicts notes.db resolve 3f2a --reinsert-as 17\n  tandem conflicts notes.db undo 3f2a");
  const auto runs = [arguments, &chosen](int (*action)(const conflict_arguments&)) {
    return [arguments, action, &chosen] {
      chosen = [arguments, action] {
        return action(*arguments);
      };
    };
  };
  command->preparse_callback([runs](std::size_t) { runs(list)(); });

  auto* listing = command->add_subcommand("list", "Open conflicts and rows set aside (what no further word means too)");
  listing->add_flag("--all", arguments->is_all, "Settled conflicts too");
  listing->callback(runs(list));

  auto* showing = command->add_subcommand("show", "One conflict: both values, who wrote them and when");
  showing->add_option("ID", arguments->id, "The conflict's id, or the first characters of it")->required();
  showing->callback(runs(show));

  auto* resolving = command->add_subcommand("resolve", "Choose what shall stand");
  resolving->add_option("ID", arguments->id, "The conflict's id, or the first characters of it")->required();
  resolving->add_option("--take", arguments->take, "Which of both values")->check(CLI::IsMember({"current", "other"}));
  resolving->add_option_function<std::string>(
      "--value",
      [arguments](const std::string& value) {
        arguments->value = value;
        arguments->is_value = true;
      },
      "Another value: JSON, or else plain text");
  resolving->add_option("--fields", arguments->fields,
                        "Of a whole row: a JSON object of columns, each with \"current\", \"other\" or {\"value\": V}");
  resolving->add_option("--reinsert-as", arguments->new_key,
                        "Of two rows inserted under one key: insert the one that lost under this key");
  const auto add_common = [arguments](CLI::App& to, const char* forced) {
    to.add_option("--user", arguments->user, "Your name, for the audit trail");
    to.add_flag("--force", arguments->is_forced, forced);
  };
  add_common(*resolving, "Even if it was settled already");
  resolving->callback(runs(resolve));

  auto* undoing = command->add_subcommand("undo", "Take a settlement back");
  undoing->add_option("ID", arguments->id, "The conflict's id, or the first characters of it")->required();
  add_common(*undoing, "Even if the cell or row was written anew since");
  undoing->callback(
      runs([](const conflict_arguments& asked) { return choose(asked, storage::resolution::kind::undo); }));
}

} // namespace tandem::node
