// why: where one row stands on its way to each peer, and what holds it up.
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

struct why_arguments {
  std::string database;
  std::string table;
  std::string key;
  bool is_json = false;
};

/// One line for all cells that were written together.
void print_cells(const std::vector<storage::row_report::cell>& cells) {
  for (auto first = cells.begin(); first != cells.end();) {
    const auto next = std::find_if(first, cells.end(), [&](const auto& cell) { return cell.pos != first->pos; });
    std::string columns;
    for (auto cell = first; cell != next; ++cell) {
      columns += (cell == first ? "" : ", ") + (cell->column.empty() ? "(the row itself)" : cell->column);
    }
    std::cout << "  " << columns << "\n    written " << as_time(messages::ms_of_hlc(first->written.hlc)) << " at site "
              << first->written.site.to_short() << (first->via == "here" ? ", here" : ", came by " + first->via)
              << "\n";
    first = next;
  }
}

int why(const why_arguments& arguments) {
  auto replica = open_for_reading(arguments.database);
  const auto report = replica.why(arguments.table, as_json_value(arguments.key));
  if (arguments.is_json) {
    print(as_json(report));
    return exit_done;
  }
  std::cout << report.table << " " << report.key_json << ": " << report.state << "\n";
  print_cells(report.cells);
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
