#include "storage/drifting.hpp"

#include <array>

#include "storage/stamping.hpp"

namespace tandem::storage {

row_record written_whole(const table& of, const cell_origin& origin, const row_record* remains) {
  if (of.own_cells.covers(of.all_cells))
    return row_record{origin};
  if (remains) {
    auto result = *remains;
    result.write(of.own_cells, origin, of.all_cells);
    return result;
  }
  row_record result{origin};
  auto others = of.all_cells;
  others.remove(of.own_cells);
  result.write(others, unwritten, of.all_cells);
  return result;
}

value aside_value_at(core& c, const tracked_table& table, std::int64_t slot, std::uint32_t column) {
  auto& query = c.cached("SELECT val FROM tandem_aside WHERE t = ?1 AND slot = ?2 AND col = ?3");
  const statement_guard guard{query};
  query.bind(table.info.id, slot, column);
  return query.step() ? value{query.value(0)} : value{};
}

value aside_value(core& c, tracked_table& table, std::string_view key, std::uint32_t column) {
  return aside_value_at(c, table, table.slot_of(key), column);
}

void put_aside(core& c, tracked_table& table, std::string_view key, std::uint32_t column, const value_view& given) {
  auto& put = c.cached("REPLACE INTO tandem_aside(t, slot, col, val) VALUES (?1, ?2, ?3, ?4)");
  put.bind(table.info.id, table.slot_of(key), column, given).run();
}

void put_column_aside(core& c, tracked_table& from, const table_column& column) {
  const auto cell = static_cast<std::size_t>(from.cell_index(column.id));
  const auto& info = from.info;
  statement rows{c.db, "SELECT " + info.key_list() + ", " + quoted(column.name) + " FROM " + info.app_table()};
  while (rows.step())
    if (!rows.is_null(0))
      put_aside(c, from, from.app_key(rows, 0), column.id, rows.value(static_cast<int>(info.key.size())));
  statement quarantined{c.db, "SELECT k, vals FROM tandem_quarantine WHERE t = ?1"};
  quarantined.bind(info.id);
  while (quarantined.step())
    put_aside(c, from, quarantined.blob(0), column.id, unpack_cells(info, quarantined.blob(1))[cell].view());
  statement dead{c.db, "SELECT k, vals FROM tandem_dead WHERE t = ?1"};
  dead.bind(info.id);
  while (dead.step())
    put_aside(c, from, dead.blob(0), column.id, unpack_cells(info, dead.blob(1))[cell].view());
  c.cached("UPDATE tandem_columns SET gone = 1, type = ?3 WHERE t = ?1 AND id = ?2")
      .bind(info.id, column.id, column.declared_type)
      .run();
}

namespace {

/// Values that waited for their column, row by row.
class installer {
public:
  installer(core& c, admission& admitted, conflict_store& conflicts)
      : c_{c}, admitted_{admitted}, conflicts_{conflicts} {}

  void run() {
    for (const auto& [id, table] : c_.tables)
      for (const auto index : table->info.cells)
        install(*table, index);
  }

private:
  void install(tracked_table& table, std::size_t index) {
    const auto& column = table.info.columns[index];
    statement waiting{c_.db, "SELECT slot, val FROM tandem_aside WHERE t = ?1 AND col = ?2"};
    waiting.bind(table.info.id, column.id);
    bool any = false;
    while (waiting.step()) {
      any = true;
      put_in_place(table, column, waiting.integer(0), value{waiting.value(1)});
    }
    waiting.reset();
    if (any)
      c_.cached("DELETE FROM tandem_aside WHERE t = ?1 AND col = ?2").bind(table.info.id, column.id).run();
  }

  void put_in_place(tracked_table& table, const table_column& column, std::int64_t slot, const value& given) {
    const auto cell = static_cast<std::size_t>(table.cell_index(column.id));
    std::string key;
    const auto record = table.record_at(slot, key);
    if (!record) {
      if (auto remains = c_.tombstone_at(table, slot)) {
        remains->values[cell] = given;
        c_.put_tombstone(table, remains->key, *remains);
      }
      return;
    }
    if (record->is_quarantined) {
      auto values = admitted_.quarantined_values(table, key);
      values[cell] = given;
      admitted_.put_quarantined_values(table, key, values);
      return;
    }
    auto values = table.read(key);
    if (!values || (*values)[cell] == given)
      return; // deleted meanwhile, which its hint will tell, or there already
    if (!((*values)[cell] == column.fallback))
      keep_what_the_app_wrote(table, key, *record, column, (*values)[cell], given);
    else
      write(table, key, column, std::move(*values), given);
  }

  // The migration, or the app since, has written the new column: later than what waited for it.
  void keep_what_the_app_wrote(tracked_table& table, std::string_view key, row_record record,
                               const table_column& column, const value& here, const value& waited) {
    conflict_entry entry;
    entry.kind = conflict_kind::cell;
    entry.table = &table;
    entry.key = key;
    entry.column = column.id;
    entry.rule = "lww";
    entry.current = here;
    entry.current_stamp = c_.next_stamp();
    entry.other = waited;
    entry.other_stamp = record.of(column.id).written;
    conflicts_.record(entry);
    column_set one;
    one.add(column.id);
    record.write(one, {entry.current_stamp, c_.append_log(table, key, via_here), via_here}, table.info.all_cells);
    table.put_record(key, record);
  }

  void write(tracked_table& table, std::string_view key, const table_column& column, row_values values,
             const value& given) {
    admitted_.note_vacated(table, key);
    const std::array columns{column.id};
    const std::array views{given.view()};
    if (table.update(key, columns, views) == 0) {
      admitted_.note_written(table, key);
      return;
    }
    values[static_cast<std::size_t>(table.cell_index(column.id))] = given;
    table.remove(key);
    admitted_.set_aside_new(table, key, values);
  }

  core& c_;
  admission& admitted_;
  conflict_store& conflicts_;
};

} // namespace

void install_waiting(core& c, admission& admitted, conflict_store& conflicts) {
  installer{c, admitted, conflicts}.run();
}

stamp_report take_up(core& c, admission& admitted, conflict_store& conflicts) {
  if (c.needs_repair) {
    c.repair_captures();
    install_waiting(c, admitted, conflicts);
    admitted.reconsider_all();
  }
  return stamp_hints(c, admitted, conflicts);
}

stamp_report settle_pending(core& c) {
  conflict_store conflicts{c};
  admission admitted{c, conflicts};
  auto result = take_up(c, admitted, conflicts);
  admitted.settle();
  return result;
}

} // namespace tandem::storage
