#include "storage/keeping.hpp"

#include <algorithm>
#include <array>

#include <sqlite3.h>

#include "messages/limits.hpp"
#include "storage/drifting.hpp"
#include "storage/tracking.hpp"

namespace tandem::storage {
namespace {

/// The rows of tandem_kept that name tables which were tracked once stand under this number.
constexpr int formerly_tracked = 0;

bool is_same_name(const std::string& left, const std::string& right) {
  return sqlite3_stricmp(left.c_str(), right.c_str()) == 0;
}

// In a database of its own, so that nothing of the app's is in the way, nor harmed.
table as_created(const messages::table_schema& theirs) {
  replica_options scratch_options;
  scratch_options.mode = open_mode::create;
  database scratch{":memory:", scratch_options};
  auto first_only = theirs;
  first_only.ddl.resize(std::min<std::size_t>(first_only.ddl.size(), 1));
  create_as_told(scratch, first_only);
  auto result = read_table(scratch, theirs.name);
  const auto keys = static_cast<std::size_t>(std::ranges::count_if(
      theirs.columns, [](const messages::column_schema& each) { return each.key_position != 0; }));
  if (!result || result->key.empty() || keys != result->key.size())
    throw failure{failure_code::schema,
                  "the peer's table " + quoted(theirs.name) + " is not what it creates, or has no primary key"};
  for (const auto& each : theirs.columns)
    if (each.key_position > keys)
      throw failure{failure_code::schema, "the peer's table " + quoted(theirs.name) + " counts its key wrongly"};
  return std::move(*result);
}

std::string create_sql(const std::string& name, const table& created, const messages::table_schema& theirs) {
  std::vector<std::string> keys(created.key.size());
  std::vector<std::string> columns;
  for (const auto& each : theirs.columns)
    if (each.key_position)
      keys[each.key_position - 1] = quoted(each.name);
  for (const auto& key : keys)
    columns.push_back(key + (created.has_integer_key ? " INTEGER PRIMARY KEY" : ""));
  for (const auto& each : theirs.columns)
    if (!each.key_position)
      columns.push_back(quoted(each.name));
  if (!created.has_integer_key)
    columns.push_back("PRIMARY KEY(" + joined(keys, ", ") + ")");
  return "CREATE TABLE main." + quoted(name) + "(" + joined(columns, ", ") + ")";
}

void refuse_what_was_tracked(core& c, const std::string& name) {
  statement former{c.db, "SELECT 1 FROM tandem_kept WHERE t = ?1 AND sql = ?2 COLLATE NOCASE"};
  former.bind(formerly_tracked, name);
  if (former.step())
    throw failure{failure_code::schema, "the peer tracks table " + quoted(name) +
                                            ", which was tracked here once; track it again: `tandem track " +
                                            c.db.path() + " " + name + "`"};
}

} // namespace

void begin_keeping(core& c, const messages::table_schema& theirs) {
  refuse_what_was_tracked(c, theirs.name);
  for (const auto& each : theirs.former_names)
    refuse_what_was_tracked(c, each);
  if (theirs.columns.size() > limits::columns_max)
    throw failure{failure_code::limit, "the peer's table " + quoted(theirs.name) + " has too many columns"};
  const auto created = as_created(theirs);
  const auto id = c.meta("table_ids") + 1;
  const auto stored_as = std::string{kept_prefix} + std::to_string(id);
  c.db.execute(create_sql(stored_as, created, theirs));
  int number = 0;
  auto& put = c.cached("INSERT INTO tandem_kept(t, n, sql) VALUES (?1, ?2, ?3)");
  put.bind(id, number, theirs.name).run();
  for (const auto& sql : theirs.ddl)
    put.bind(id, ++number, sql).run();
  begin_tracking_with_rows(c, stored_as);
  auto& alias =
      c.cached("INSERT OR IGNORE INTO tandem_aliases(t, col, name) VALUES (?1, (SELECT id FROM tandem_columns "
               "WHERE t = ?1 AND name = ?2 COLLATE NOCASE), ?3)");
  for (const auto& each : theirs.former_names)
    c.cached("INSERT OR IGNORE INTO tandem_aliases(t, col, name) VALUES (?1, 0, ?2)").bind(id, each).run();
  for (const auto& column : theirs.columns) {
    c.cached("UPDATE tandem_columns SET type = ?3 WHERE t = ?1 AND name = ?2 COLLATE NOCASE")
        .bind(id, column.name, column.declared_type)
        .run();
    for (const auto& each : column.former_names)
      alias.bind(id, column.name, each).run();
  }
}

void remember_untracked(core& c, const std::string& name) {
  forget_untracked(c, name);
  c.cached("INSERT INTO tandem_kept(t, n, sql) VALUES (?1, (SELECT coalesce(max(n), 0) + 1 FROM tandem_kept WHERE t = "
           "?1), ?2)")
      .bind(formerly_tracked, name)
      .run();
}

void forget_untracked(core& c, const std::string& name) {
  c.cached("DELETE FROM tandem_kept WHERE t = ?1 AND sql = ?2 COLLATE NOCASE").bind(formerly_tracked, name).run();
}

// --- putting in place --------------------------------------------------------------------------

namespace {

/// Moves the rows of one table. `kept` is the table as it was kept; its rows are still there.
class returning_table {
public:
  returning_table(core& c, const table& kept) : c_{c}, kept_{kept} {}

  /// From here on the app's table stands for the kept one: under its ids, with its records.
  void take_over(const std::string& name) {
    auto described = *read_table(c_.db, name);
    described.id = kept_.id;
    refuse_another_key(described);
    tracked_table from{c_.db, kept_, c_.has_tombstones};
    for (const auto index : kept_.cells)
      if (const auto& column = kept_.columns[index]; !described.column_named(column.name))
        put_column_aside(c_, from, column); // this version of the app does not have it; others may
    c_.cached("DELETE FROM tandem_kept WHERE t = ?1").bind(kept_.id).run();
    capture(c_, described);
  }

  std::uint64_t move_rows(admission& admitted, conflict_store& conflicts) {
    auto& table = *c_.table_with_id(kept_.id);
    {
      tracked_table from{c_.db, kept_, c_.has_tombstones};
      keep_what_the_app_has(table, from, conflicts);
      statement rows{c_.db, "SELECT " + kept_.key_list() + " FROM " + kept_.app_table()};
      while (rows.step()) {
        const auto key = from.app_key(rows, 0);
        if (!table.exists(key))
          put_in_place(table, from, key, admitted);
      }
    }
    c_.db.execute("DROP TABLE " + kept_.app_table());
    return static_cast<std::uint64_t>(c_.db.integer("SELECT count(*) FROM " + table.info.rows_table()));
  }

private:
  void refuse_another_key(const table& described) {
    bool fits = described.key.size() == kept_.key.size() && described.has_integer_key == kept_.has_integer_key;
    for (std::size_t i = 0; fits && i < kept_.key.size(); ++i)
      fits = is_same_name(described.columns[described.key[i]].name, kept_.columns[kept_.key[i]].name);
    if (!fits)
      throw failure{failure_code::schema, "table " + quoted(kept_.name) +
                                              " has another primary key at the peers whose rows are kept for it (" +
                                              kept_.key_list() + "); nothing was tracked"};
  }

  /// What was kept of the row, in the places of the app's table; what nobody wrote is what the app's default says.
  row_values values_for(const table& to, tracked_table& from, const row_record& record, const row_values& kept) const {
    row_values result;
    for (const auto index : to.cells) {
      const auto& column = to.columns[index];
      const auto place = from.cell_index(column.id);
      const bool is_written = place >= 0 && !from.info.is_unwritten(column.id, record.of(column.id).pos);
      result.push_back(is_written ? kept[static_cast<std::size_t>(place)] : column.fallback);
    }
    return result;
  }

  void keep_what_the_app_has(tracked_table& table, tracked_table& from, conflict_store& conflicts) {
    const auto written = c_.next_stamp();
    statement rows{c_.db, "SELECT " + table.info.key_list() + " FROM " + table.info.app_table()};
    while (rows.step()) {
      if (rows.is_null(0))
        continue;
      const auto key = table.app_key(rows, 0);
      const auto record = table.record(key);
      if (record && !keep_other(table, from, key, *record, written, conflicts))
        continue;
      const cell_origin origin{written, c_.append_log(table, key, via_here), via_here};
      const auto remains = c_.find_tombstone(table, key);
      if (remains)
        c_.remove_tombstone(table, key);
      const auto* before = record ? &*record : remains ? &remains->record : nullptr;
      table.put_record(key, written_whole(table.info, origin, before));
    }
  }

  /// False if both rows are the same.
  bool keep_other(tracked_table& table, tracked_table& from, std::string_view key, const row_record& record,
                  const local_stamp& written, conflict_store& conflicts) {
    const auto kept = from.read(key);
    if (!kept)
      return true;
    const auto here = *table.read(key);
    const auto other = values_for(table.info, from, record, *kept);
    if (here == other)
      return false;
    conflict_entry entry;
    entry.kind = conflict_kind::insert;
    entry.table = &table;
    entry.key = key;
    entry.current = value{value_view::of_blob(pack_named_cells(table.info, here))};
    entry.current_stamp = written;
    entry.other = value{value_view::of_blob(pack_named_cells(table.info, other))};
    entry.other_stamp = record.of(life_column).written;
    entry.rule = "lww";
    conflicts.record(entry);
    return true;
  }

  void put_in_place(tracked_table& table, tracked_table& from, std::string_view key, admission& admitted) {
    const auto record = table.record(key);
    const auto kept = from.read(key);
    if (!record || !kept)
      return;
    const auto values = values_for(table.info, from, *record, *kept);
    if (table.insert(key, views_of(values)))
      admitted.set_aside_new(table, key, values);
    else
      admitted.note_written(table, key);
  }

  core& c_;
  const table kept_;
};

} // namespace

void put_kept_in_place(core& c, std::span<const std::string> names, track_report& report) {
  if (names.empty())
    return;
  std::vector<returning_table> tables;
  for (const auto& name : names)
    tables.emplace_back(c, c.tracked(name).info);
  for (std::size_t i = 0; i < names.size(); ++i)
    tables[i].take_over(names[i]);
  c.refresh_tables();
  conflict_store conflicts{c};
  admission admitted{c, conflicts};
  for (std::size_t i = 0; i < names.size(); ++i)
    report.tables.emplace_back(names[i], tables[i].move_rows(admitted, conflicts));
  install_waiting(c, admitted, conflicts);
  admitted.settle();
  c.save();
}

} // namespace tandem::storage
