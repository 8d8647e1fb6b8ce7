// track, untrack: which tables sync.
#include <iostream>
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
  bool is_all = false;
};

int track(track_arguments arguments) {
  if (arguments.is_all ? !arguments.tables.empty() : arguments.tables.empty() && arguments.policies.empty()) {
    throw wrong_usage{"track wants either the names of tables or --all, or a --policy of a table that is tracked"};
  }
  auto replica = storage::replica::open(arguments.database);
  if (arguments.is_all) {
    arguments.tables = replica.untracked_tables();
  }
  if (arguments.tables.empty() && arguments.policies.empty()) {
    std::cout << "Nothing new to track.\n";
    return exit_done;
  }
  std::vector<storage::policy> policies;
  for (const auto& policy : arguments.policies) {
    policies.push_back(parse_policy(policy, arguments.tables));
  }
  const progress shown{"Tracking " + counted(arguments.tables.size(), "table")};
  const auto report = replica.track(arguments.tables, policies);
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
      ->add_option(
          "--policy", arguments->policies,
          "TABLE[.COLUMN]=POLICY: how conflicts are settled: lww, ask, keep_first, max, min; of a table also row, "
          "delete_wins, update_wins")
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
