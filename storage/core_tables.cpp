// What the core knows of the tracked tables: read from what Tandem noted of them and from the app's own schema.
#include <algorithm>
#include <sstream>
#include <string>

#include <sqlite3.h>

#include "storage/capture.hpp"
#include "storage/core.hpp"
#include "storage/layout.hpp"

namespace tandem::storage {
namespace {

// A table that was made anew with a key of another kind is another table: no record of the old one names its rows.
bool has_another_key(const table& found, const std::string& fingerprint) {
  if (found.key.empty())
    return true;
  return !fingerprint.empty() && fingerprint.ends_with("\nrowid") != found.has_integer_key;
}

} // namespace

// Gives the columns their ids, and adds those that are known but not in the app's table.
void core::load_columns(table& into) {
  statement ids{db, "SELECT id, name, since, type FROM tandem_columns WHERE t = ?"};
  ids.bind(into.id);
  while (ids.step()) {
    const auto id = static_cast<std::uint32_t>(ids.integer(0));
    const std::string name{ids.text(1)};
    const auto own = std::ranges::find_if(into.columns, [&](const table_column& each) {
      return !each.is_gone && sqlite3_stricmp(each.name.c_str(), name.c_str()) == 0;
    });
    const bool is_gone = own == into.columns.end();
    auto& column = is_gone ? into.columns.emplace_back() : *own;
    column.id = id;
    column.since = ids.unsigned_integer(2);
    into.since = std::max(into.since, column.since);
    if (is_gone) {
      column.name = name;
      column.is_gone = true;
      into.all_cells.add(id);
    }
    if (is_gone || into.is_kept())
      column.declared_type = ids.text(3);
  }
  statement aliases{db, "SELECT col, name FROM tandem_aliases WHERE t = ?"};
  aliases.bind(into.id);
  while (aliases.step()) {
    const auto column =
        std::ranges::find(into.columns, static_cast<std::uint32_t>(aliases.integer(0)), &table_column::id);
    if (aliases.integer(0) == 0)
      into.former_names.emplace_back(aliases.text(1));
    else if (column != into.columns.end())
      column->former_names.emplace_back(aliases.text(1));
  }
}

void core::load_tables() {
  tables.clear();
  needs_repair = false;
  statement query{db, "SELECT id, name, fingerprint FROM tandem_tables ORDER BY id"};
  while (query.step()) {
    const auto id = static_cast<std::uint32_t>(query.integer(0));
    const auto trigger = "tandem_insert_" + std::to_string(id);
    auto found = read_table(db, query.text(1));
    if (!found) {
      // ALTER TABLE RENAME takes our triggers along, and so tells the new name.
      statement renamed{db, "SELECT tbl_name FROM sqlite_schema WHERE type = 'trigger' AND name = ?"};
      renamed.bind(trigger);
      if (renamed.step())
        found = read_table(db, renamed.text(0));
    }
    if (!found || has_another_key(*found, std::string{query.text(2)})) {
      needs_repair = true;
      continue;
    }
    found->id = id;
    statement captured{
        db, "SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND name = ? AND tbl_name = ? COLLATE NOCASE"};
    captured.bind(trigger, found->stored_as);
    needs_repair = needs_repair || found->fingerprint() != query.text(2) || !captured.step();
    load_columns(*found);
    // A column that came by ALTER TABLE joins in when captures are repaired.
    std::erase_if(found->cells, [&](std::size_t index) { return found->columns[index].id == 0; });
    found->own_cells.add(life_column);
    for (const auto index : found->cells)
      found->own_cells.add(found->columns[index].id);
    found->all_cells.add(found->own_cells);
    found->based = based_columns(id);
    tables[id] = std::make_unique<tracked_table>(db, std::move(*found), has_tombstones);
  }
}

column_set core::based_columns(std::uint32_t table) {
  column_set result;
  std::istringstream in{meta_text("texts")}; // pairs of table and column id
  for (std::uint32_t of = 0, column = 0; in >> of >> column;)
    if (of == table)
      result.add(column);
  return result;
}

void core::read_counters(std::string_view text) {
  counters_text_ = text;
  counters.clear();
  std::istringstream in{counters_text_};
  for (std::uint32_t table = 0, column = 0; in >> table >> column;)
    counters[table].push_back(column);
}

void core::set_counters(const std::string& text) {
  if (text == counters_text_)
    return;
  set_meta_text("counters", text);
  read_counters(text);
}

} // namespace tandem::storage
