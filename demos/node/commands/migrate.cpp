// migrate: an app's schema migration, run where SQLite alone would refuse it.
#include <iostream>
#include <memory>
#include <string>

#include "demos/node/arguments.hpp"
#include "demos/node/command.hpp"

namespace tandem::node {

namespace {

struct migrate_arguments {
  std::string database;
  std::string sql;
};

} // namespace

void add_migrate(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<migrate_arguments>();
  auto* command = program.add_subcommand("migrate", "Run a migration that drops columns of tracked tables");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  command->add_option("SQL", arguments->sql, "Statements, without BEGIN and COMMIT: all of them or none")->required();
  command->footer(
      "Only DROP COLUMN needs it: any SQLite may run the rest. The values stay for devices of other versions.\n"
      "Example:\n  tandem migrate notes.db 'ALTER TABLE notes DROP COLUMN colour'");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      storage::replica::open(arguments->database).migrate(arguments->sql);
      std::cout << "Migrated.\n";
      return exit_done;
    };
  });
}

} // namespace tandem::node
