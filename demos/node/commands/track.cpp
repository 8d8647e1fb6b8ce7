// track, untrack: which tables sync.
#include <algorithm>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "demos/node/arguments.hpp"
#include "demos/node/command.hpp"
#include "demos/node/progress.hpp"
#include "demos/node/text.hpp"

namespace tandem::node {

namespace {

struct track_arguments {
  std::string database;
  std::vector<std::string> tables;
  std::vector<std::string> policies;
  std::vector<std::string> aliases;
  std::vector<std::string> priorities;
  bool is_all = false;
};

void set_priorities(storage::replica& replica, const std::vector<storage::table_priority>& priorities) {
  for (const auto& each : priorities) {
    replica.set_priority(each.table, each.level);
    std::cout << "Changes of " << each.table << " are " << messages::name_of(each.level) << " now.\n";
  }
}

int track(track_arguments arguments) {
  const bool names_nothing = !arguments.is_all && arguments.tables.empty();
  const bool has_options = !arguments.policies.empty() || !arguments.aliases.empty() || !arguments.priorities.empty();
  if ((arguments.is_all && !arguments.tables.empty()) || (names_nothing && !has_options)) {
    throw wrong_usage{"track wants either the names of tables or --all, or a --policy, --priority or --alias of a "
                      "table that is tracked"};
  }
  auto aliases = parse_aliases(arguments.aliases);
  std::vector<storage::table_priority> priorities;
  std::ranges::transform(arguments.priorities, std::back_inserter(priorities), parse_priority);
  auto replica = storage::replica::open(arguments.database);
  // Before anything else looks at the migrated tables, so that renamed columns keep their history.
  std::erase_if(aliases, [&](const storage::alias& each) {
    const bool is_known = std::ranges::count(arguments.tables, each.table) == 0;
    if (is_known) {
      replica.add_alias(each);
    }
    return is_known;
  });
  if (names_nothing && arguments.policies.empty()) {
    set_priorities(replica, priorities);
    if (!arguments.aliases.empty()) {
      std::cout << "Noted " << counted(arguments.aliases.size(), "former name") << ".\n";
    }
    return exit_done;
  }
  if (arguments.is_all) {
    arguments.tables = replica.untracked_tables();
  }
  if (arguments.tables.empty() && arguments.policies.empty()) {
    std::cout << "Nothing new to track.\n";
    set_priorities(replica, priorities);
    return exit_done;
  }
  std::vector<storage::policy> policies;
  for (const auto& policy : arguments.policies) {
    policies.push_back(parse_policy(policy, arguments.tables));
  }
  const progress shown{"Tracking " + counted(arguments.tables.size(), "table")};
  const auto report = replica.track(arguments.tables, policies);
  for (const auto& each : aliases) {
    replica.add_alias(each);
  }
  std::uint64_t rows = 0;
  for (const auto& [table, count] : report.tables) {
    rows += count;
  }
  std::cout << "Tracking " << counted(report.tables.size(), "more table") << " with " << counted(rows, "row") << ".\n";
  for (const auto& [table, count] : report.tables) {
    std::cout << "  " << table << "  " << counted(count, "row") << "\n";
  }
  for (const auto& note : report.notes) {
    std::cout << "Note: " << note << "\n";
  }
  set_priorities(replica, priorities);
  return exit_done;
}

} // namespace

void add_track(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<track_arguments>();
  auto* command = program.add_subcommand("track", "Sync tables of an app's database from now on");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  command->add_option("TABLE", arguments->tables, "Tables to track; all or none of them");
  command->add_flag("--all", arguments->is_all, "Every table that can be tracked and is not yet");
  command
      ->add_option("--policy", arguments->policies,
                   "TABLE[.COLUMN]=POLICY: how conflicts are settled: lww, ask, keep_first; of a column also max, min, "
                   "counter, text, callback; of a table also row, delete_wins, update_wins")
      ->allow_extra_args(false)
      ->take_all();
  command
      ->add_option("--alias", arguments->aliases,
                   "TABLE.OLD=NEW or OLD_TABLE=NEW_TABLE: what other versions of the app call it; needed only where a "
                   "migration made a table anew, for ALTER TABLE RENAME is followed by itself")
      ->allow_extra_args(false)
      ->take_all();
  command
      ->add_option("--priority", arguments->priorities,
                   "TABLE=critical|normal|background: how soon its changes leave this replica: at once; when it suits "
                   "the link; a few times a second, unless something else leaves anyway")
      ->allow_extra_args(false)
      ->take_all();
  command->footer(
      "The app goes on as before: changes are noted down by triggers in plain SQL, whoever writes.\n"
      "Examples:\n  tandem track notes.db notes tags\n  tandem track notes.db --all --policy notes.title=ask\n"
      "  tandem track notes.db --policy notes=row,delete_wins");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      return track(*arguments);
    };
  });
}

void add_untrack(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<track_arguments>();
  auto* command = program.add_subcommand("untrack", "Sync tables no more");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  command->add_option("TABLE", arguments->tables, "Tables to forget; their rows stay")->required();
  command->footer(
      "With the last table goes everything named tandem_* in the file.\nExample:\n  tandem untrack notes.db tags");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      auto replica = storage::replica::open(arguments->database);
      replica.untrack(arguments->tables);
      std::cout << "Forgot " << counted(arguments->tables.size(), "table") << "; the rows stay.\n";
      return exit_done;
    };
  });
}

} // namespace tandem::node
