// why: where one row stands on its way to each peer, and what holds it up.
#include <iostream>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "demos/node/arguments.hpp"
#include "demos/node/as_json.hpp"
#include "demos/node/command.hpp"
#include "demos/node/text.hpp"

namespace tandem::node {

namespace {

struct why_arguments {
  std::string database;
  std::string table;
  std::string key;
  bool is_json = false;
};

int why(const why_arguments& arguments) {
  auto replica = open_for_reading(arguments.database);
  const auto report = replica.why(arguments.table, as_json_value(arguments.key));
  if (arguments.is_json) {
    print(as_json(report));
    return exit_done;
  }
  std::cout << report.table << " " << report.key_json << ": " << report.state << "\n";
  for (const auto& cell : report.cells) {
    std::cout << "  " << (cell.column.empty() ? "(the row)" : cell.column) << ": written "
              << as_time(messages::ms_of_hlc(cell.written.hlc)) << " at site " << cell.written.site.to_short() << ", "
              << (cell.via == "here" ? "here" : "came by " + cell.via) << "\n";
  }
  for (const auto& sentence : report.sentences) {
    std::cout << sentence << "\n";
  }
  return exit_done;
}

} // namespace

void add_why(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<why_arguments>();
  auto* command = program.add_subcommand("why", "Where one row stands on its way to each peer");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  command->add_option("TABLE", arguments->table, "A tracked table")->required();
  command->add_option("KEY", arguments->key, "The row's primary key; a JSON array where it has several columns")
      ->required();
  command->add_flag("--json", arguments->is_json, "One JSON document");
  command->footer("Examples:\n  tandem why notes.db notes 42\n  tandem why shop.db PlaylistTrack '[1, 3402]'");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      return why(*arguments);
    };
  });
}

} // namespace tandem::node
