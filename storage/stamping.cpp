#include "storage/stamping.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "messages/limits.hpp"
#include "storage/bases.hpp"
#include "storage/capture.hpp"
#include "storage/counting.hpp"
#include "storage/drifting.hpp"
#include "storage/priorities.hpp"

namespace tandem::storage {
namespace {

// Julian day of the unix epoch, and milliseconds a day: https://www.sqlite.org/lang_datefunc.html
constexpr double unix_epoch_day = 2440587.5;
constexpr double day_ms = 86'400'000.0;

/// One stamping. Hints are taken in the order in which they were written; many hints on one row become one
/// change, because a row that this group has logged already keeps its pos.
class stamper {
public:
  stamper(core& c, admission& admitted, conflict_store& conflicts)
      : c_{c}, admitted_{admitted}, conflicts_{conflicts}, counters_{c, admitted, conflicts}, bases_{c},
        group_start_{c.head}, now_ms_{c.now_ms()} {
    // Only these hints tell of rows that may be gone; most groups have none, and need not look.
    auto& query = c_.cached("SELECT EXISTS (SELECT 1 FROM tandem_pending WHERE (o & 7) IN (3, 4))");
    const statement_guard guard{query};
    query.step();
    may_be_gone_ = query.integer(0);
  }

  void take(tracked_table& table, std::string_view key, const hint& what, std::int64_t wall_ms,
            std::int64_t pending_id) {
    stamp_ = stamp_for(wall_ms);
    auto record = table.record(key);
    if (!may_be_gone_ || table.exists(key))
      take_present(table, key, what, std::move(record), pending_id);
    else
      take_absent(table, key, what, std::move(record), pending_id);
  }

  /// Call last.
  void finish() {
    if (has_open_bases_)
      bases_.drop_open();
    if (const auto policies = c_.table_named(policies_table); !policies || !touched.contains(policies->info.id))
      return;
    counters_.level(true);
    level_bases(c_);
  }

  stamp_report report;
  std::set<std::uint32_t> touched; ///< ids of tables

private:
  // Writes made while nothing of ours ran keep the time at which they were made. Only the past is believed.
  local_stamp stamp_for(std::int64_t wall_ms) {
    const auto ms = std::min(wall_ms, now_ms_);
    if (!has_stamped_ || messages::hlc_of_ms(ms) > c_.hlc) {
      c_.hlc = std::max(c_.hlc + 1, messages::hlc_of_ms(ms));
      has_stamped_ = true;
    }
    return {c_.hlc, c_.self_site};
  }

  std::uint64_t log_once(tracked_table& table, std::string_view key, const row_record* record) {
    if (record)
      for (const auto& group : record->groups())
        if (group.origin.pos > group_start_ && group.origin.via == via_here)
          return group.origin.pos;
    ++report.rows;
    touched.insert(table.info.id);
    return c_.append_log(table, key, via_here);
  }

  void take_present(tracked_table& table, std::string_view key, const hint& what, std::optional<row_record> record,
                    std::int64_t pending_id) {
    if (!record) {
      record_insert(table, key);
      counters_.count_written(table, key, table.info.own_cells, stamp_);
    } else if (record->is_quarantined) {
      keep_hidden_row(table, key, *record);
      rewrite(table, key, *record, table.info.own_cells);
      counters_.count_written(table, key, table.info.own_cells, stamp_);
    } else {
      auto cells = cells_of(table, what);
      if (!c_.late_columns.empty())
        add_late(table, key, what, *record, cells);
      if (!table.info.based.empty() && (what.kind == hint_kind::deleted || what.kind == hint_kind::displaced))
        keep_replaced(table, key, *record, pending_id);
      if (cells.empty())
        return; // the row was there before the hint and still is, or another hint tells how it came back
      rewrite(table, key, *record, cells, what.kind, pending_id);
      counters_.count_written(table, key, cells, stamp_);
    }
    admitted_.note_written(table, key);
  }

  void record_insert(tracked_table& table, std::string_view key) {
    const auto remains = c_.find_tombstone(table, key);
    const auto pos = log_once(table, key, remains ? &remains->record : nullptr);
    const auto record = written_whole(table.info, {stamp_, pos, via_here}, remains ? &remains->record : nullptr);
    if (remains) {
      keep_bases(table, key, remains->record, table.info.own_cells, remains->values, pos);
      c_.remove_tombstone(table, key);
    }
    table.put_record(key, record);
  }

  // Only the first hint on a row tells what others may know.
  void keep_bases(const tracked_table& table, std::string_view key, const row_record& before, const column_set& cells,
                  const row_values& values, std::uint64_t pos) {
    table.info.based.each([&](std::uint32_t column) {
      const auto& had = origin_of(table.info, before, column);
      const auto place = table.cell_index(column);
      const bool is_of_group = had.pos > group_start_ && had.via == via_here;
      if (place >= 0 && cells.has(column) && !is_of_group)
        bases_.keep(table.info, key, column, had, values[static_cast<std::size_t>(place)].view(), pos);
    });
  }

  // A row that was removed, and is there again: the insert is told of by a later hint, and gets its pos then.
  void keep_replaced(tracked_table& table, std::string_view key, const row_record& record, std::int64_t pending_id) {
    if (const auto values = table.deleted_values(pending_id))
      keep_bases(table, key, record, table.info.own_cells, *values, 0);
    has_open_bases_ = true;
  }

  void rewrite(tracked_table& table, std::string_view key, row_record& record, const column_set& cells,
               hint_kind kind = hint_kind::inserted, std::int64_t pending_id = 0) {
    const auto pos = log_once(table, key, &record);
    if (!table.info.based.empty() && kind == hint_kind::inserted)
      bases_.close(table.info, key, pos);
    else if (!table.info.based.empty())
      if (const auto values = table.deleted_values(pending_id))
        keep_bases(table, key, record, cells, *values, pos);
    record.write(cells, {stamp_, pos, via_here}, table.info.all_cells);
    table.put_record(key, record);
    if (table.info.unique_keys.size() + table.info.foreign_keys.size() > 0 || c_.has_quarantine)
      admitted_.note_vacated(table, key);
  }

  // The app wrote a row under a key whose row was set aside: the new one stands, the hidden one stays
  // findable.
  void keep_hidden_row(tracked_table& table, std::string_view key, row_record& record) {
    conflict_entry entry;
    entry.kind = conflict_kind::insert;
    entry.table = &table;
    entry.key = key;
    entry.current = value{value_view::of_blob(pack_named_cells(table.info, *table.read(key)))};
    entry.current_stamp = stamp_;
    entry.other = value{value_view::of_blob(pack_named_cells(table.info, admitted_.quarantined_values(table, key)))};
    entry.other_stamp = record.of(life_column).written;
    entry.rule = "written anew while its row was in quarantine";
    conflicts_.record(entry);
    admitted_.drop_quarantined(table, key, "replaced");
    record.is_quarantined = false;
  }

  void take_absent(tracked_table& table, std::string_view key, const hint& what, std::optional<row_record> record,
                   std::int64_t pending_id) {
    // An update keeps no more than texts from before.
    const auto values = what.kind == hint_kind::updated ? std::nullopt : table.deleted_values(pending_id);
    const auto cells = cells_of(table, what);
    if (!record) {
      // Deleted in this very group, by an earlier hint: what was written in between belongs to its remains,
      // and the last delete's values are the row's last.
      auto remains = c_.find_tombstone(table, key);
      if (!remains || remains->record.of(life_column).pos <= group_start_)
        return;
      if (!cells.empty())
        remains->record.write(cells, {stamp_, log_once(table, key, &remains->record), via_here}, table.info.all_cells);
      if (values)
        remains->values = *values;
      c_.put_tombstone(table, key, *remains);
      return;
    }
    if (record->is_quarantined)
      return;
    auto written = cells;
    written.add(life_column);
    const auto pos = log_once(table, key, &*record);
    record->write(written, {stamp_, pos, via_here}, table.info.all_cells);
    table.remove_record(key);
    c_.put_tombstone(table, key, {*record, values.value_or(row_values(table.info.cells.size()))});
    admitted_.note_vacated(table, key);
  }

  // The cells that a hint says were written.
  column_set cells_of(const tracked_table& table, const hint& what) const {
    if (what.kind == hint_kind::inserted)
      return table.info.own_cells;
    if (what.kind != hint_kind::updated)
      return {};
    auto known = table.info.own_cells;
    if (const auto left = c_.left_columns.find(table.info.id); left != c_.left_columns.end())
      known.add(left->second);
    auto result = what.columns;
    result.keep(known);
    return result;
  }

  // The trigger that wrote the hint may be older than some columns, and could not tell of them. Those that still
  // have their default count as never written, so that they do not win over what others have written.
  void add_late(tracked_table& table, std::string_view key, const hint& what, const row_record& record,
                column_set& cells) {
    const auto late = c_.late_columns.find(table.info.id);
    if (late == c_.late_columns.end() || what.kind != hint_kind::updated)
      return;
    const auto values = table.read(key);
    late->second.each([&](std::uint32_t id) {
      const auto cell = table.cell_index(id);
      if (values && cell >= 0 && table.info.is_unwritten(id, record.of(id).pos) &&
          !((*values)[static_cast<std::size_t>(cell)] == table.info.column_with_id(id)->fallback))
        cells.add(id);
    });
  }

  core& c_;
  admission& admitted_;
  conflict_store& conflicts_;
  counter_book counters_;
  base_book bases_;
  std::uint64_t group_start_;
  std::int64_t now_ms_;
  bool has_stamped_ = false;
  bool has_open_bases_ = false;
  bool may_be_gone_ = true;
  local_stamp stamp_;
};

std::int64_t unix_ms_of(double julian_day) {
  return std::llround((julian_day - unix_epoch_day) * day_ms);
}

/// One row of tandem_pending.
struct noted_hint {
  tracked_table* table = nullptr;
  hint what;
  std::int64_t wall_ms = 0;
  std::int64_t id = 0;
};

/// The next hints, with their keys beside them; fewer than rows_at_once at the end.
struct hint_batch {
  std::vector<noted_hint> hints;
  std::vector<std::string> keys;

  void read(core& c, statement& pending, stamp_report& report) {
    hints.clear();
    keys.clear();
    const auto correction_ms = c.options.hint_correction_ms ? c.options.hint_correction_ms() : 0;
    constexpr int first_key_column = 4 + 4; // id, t, o, w, then again id, t, o, w of the star
    while (hints.size() < limits::rows_at_once && pending.step()) {
      const auto table = c.table_with_id(static_cast<std::uint32_t>(pending.integer(1)));
      if (!report.hints++)
        report.oldest_hint_ms = unix_ms_of(pending.real(3));
      if (!table || pending.is_null(first_key_column))
        continue; // no longer tracked, or a row without a key, which nothing can name
      keys.push_back(table->app_key(pending, first_key_column));
      const auto wall_ms = c.options.hint_times ? unix_ms_of(pending.real(3)) + correction_ms : c.now_ms();
      hints.push_back({table, hint::unpack(pending.unsigned_integer(2)), wall_ms, pending.integer(0)});
    }
  }

  /// Has the records of all these rows read, table by table.
  void read_records_ahead() const {
    std::size_t first = 0;
    for (std::size_t i = 1; i <= hints.size(); ++i)
      if (i == hints.size() || hints[i].table != hints[first].table) {
        if (i - first > 1)
          hints[first].table->records.read_ahead(std::span{keys}.subspan(first, i - first));
        first = i;
      }
  }
};

} // namespace

stamp_report stamp_hints(core& c, admission& admitted, conflict_store& conflicts) {
  stamper work{c, admitted, conflicts};
  auto& hints = c.cached("SELECT id, t, o, w, * FROM tandem_pending ORDER BY id");
  {
    const statement_guard guard{hints};
    hint_batch batch;
    for (batch.read(c, hints, work.report); !batch.hints.empty(); batch.read(c, hints, work.report)) {
      batch.read_records_ahead();
      for (std::size_t i = 0; i < batch.hints.size(); ++i) {
        const auto& each = batch.hints[i];
        work.take(*each.table, batch.keys[i], each.what, each.wall_ms, each.id);
      }
      if (batch.hints.size() < limits::rows_at_once)
        break; // a statement that has come to its end would start over when stepped again
    }
  }
  if (work.report.hints) {
    c.db.execute("DELETE FROM tandem_pending");
    for (const auto& [id, table] : c.tables)
      c.db.execute("DELETE FROM " + table->info.deleted_table());
    work.finish();
  }
  work.report.head = c.head;
  for (const auto id : work.touched)
    work.report.tables.push_back(c.table_with_id(id)->info.name);
  std::ranges::sort(work.report.tables);
  work.report.urgency = priority_of(c, work.touched);
  return std::move(work.report);
}

} // namespace tandem::storage
