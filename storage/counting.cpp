#include "storage/counting.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "storage/conflict_store.hpp"
#include "storage/policies.hpp"

namespace tandem::storage {
namespace {

__extension__ using wide = __int128;

// Of one rounding each for some thousand sites; far less than what anybody counts by.
constexpr double sum_tolerance = 1e-9;

bool is_number(const value_view& each) {
  return each.type == value_type::integer || each.type == value_type::real;
}

double as_real(const value_view& each) {
  if (each.type == value_type::integer)
    return static_cast<double>(each.integer);
  return each.type == value_type::real ? each.real : 0;
}

std::int64_t as_integer(const value_view& each) {
  return each.type == value_type::integer ? each.integer : 0;
}

value of_wide(wide sum) {
  using limits = std::numeric_limits<std::int64_t>;
  return value{
      value_view::of_integer(static_cast<std::int64_t>(std::clamp(sum, wide{limits::min()}, wide{limits::max()})))};
}

// SQLite has no NaN: it keeps NULL in its place.
value of_real(double sum) {
  return std::isnan(sum) ? value{} : value{value_view::of_real(sum)};
}

} // namespace

value sum_of(std::span<const value> parts) {
  wide whole = 0;
  double real = 0;
  bool is_real = false, any = false;
  for (const auto& each : parts) {
    const auto part = each.view();
    any = any || is_number(part);
    is_real = is_real || part.type == value_type::real;
    whole += as_integer(part);
    real += as_real(part);
  }
  if (!any)
    return {};
  return is_real ? of_real(real) : of_wide(whole);
}

value recounted(const value& own, const value& known, const value& wanted) {
  if (wanted.type == value_type::null && known.type == value_type::null)
    return own;
  const std::array all{own.view(), known.view(), wanted.view()};
  if (std::ranges::any_of(all, [](const value_view& each) { return each.type == value_type::real; }))
    return of_real(as_real(all[0]) + (as_real(all[2]) - as_real(all[1])));
  return of_wide(wide{as_integer(all[0])} + as_integer(all[2]) - as_integer(all[1]));
}

bool shows_sum(const value& shown, const value& sum) {
  const auto left = shown.view();
  const auto right = sum.view();
  if (compare_values(left, right) == 0)
    return true;
  if (!is_number(left) || !is_number(right) || (left.type != value_type::real && right.type != value_type::real))
    return false;
  const auto apart = std::abs(as_real(left) - as_real(right));
  return apart <= sum_tolerance * std::max(std::abs(as_real(left)), std::abs(as_real(right)));
}

bool is_uncountable(const value_view& each) {
  return each.type == value_type::text || each.type == value_type::blob;
}

// --- what was counted --------------------------------------------------------------------------

counter_book::counted counter_book::read_counts(const table& of, std::string_view key, std::uint32_t column) {
  auto& query = c_.cached("SELECT site, total FROM main.tandem_counts WHERE tbl = ?1 AND k = ?2 AND col = ?3 "
                          "ORDER BY site");
  const statement_guard guard{query};
  query.bind_at(1, of.name);
  query.bind_blob(2, key);
  query.bind_at(3, of.column_with_id(column)->name);
  counted result;
  parts_.clear();
  while (query.step()) {
    ++result.rows;
    parts_.emplace_back(query.value(1));
    if (query.blob(0) == c_.self.site.view())
      result.own = parts_.back();
  }
  result.sum = sum_of(parts_);
  return result;
}

void counter_book::put_count(const table& of, std::string_view key, std::uint32_t column, std::string_view site,
                             const value& total, std::optional<local_stamp> stamp) {
  auto& rows = c_.tracked(counts_table);
  const std::array row_key{value_view::of_text(of.name), value_view::of_blob(key),
                           value_view::of_text(of.column_with_id(column)->name), value_view::of_blob(site)};
  const std::array columns{rows.info.columns[rows.info.cells.front()].id};
  const std::array values{total.view()};
  write_here(c_, rows, packed_values(row_key), columns, values, stamp);
}

void counter_book::count(const table& of, std::string_view key, std::uint32_t column, const value& shown,
                         std::optional<local_stamp> stamp) {
  const auto known = read_counts(of, key, column);
  // An insert counts even where it counts nothing, or others would take its value for one that was never counted.
  if (known.rows == 0 || !shows_sum(shown, known.sum))
    put_count(of, key, column, c_.self.site.view(), recounted(known.own, known.sum, shown), stamp);
}

void counter_book::count_written(tracked_table& table, std::string_view key, const column_set& cells,
                                 std::optional<local_stamp> stamp) {
  const auto counters = c_.counters.find(table.info.id);
  if (counters == c_.counters.end())
    return;
  std::optional<row_values> values;
  for (const auto column : counters->second) {
    const auto place = table.cell_index(column);
    if (place < 0 || !cells.has(column))
      continue;
    if (const auto record = values ? std::nullopt : table.record(key))
      values = values_of(table, key, *record);
    if (!values)
      return;
    count(table.info, key, column, (*values)[static_cast<std::size_t>(place)], stamp);
  }
}

// --- what came from peers ----------------------------------------------------------------------

void counter_book::note_received(const tracked_table& table, std::string_view key, bool is_concurrent,
                                 bool is_refused) {
  if (!has_received_)
    c_.db.execute("CREATE TEMP TABLE IF NOT EXISTS tandem_recount(t INTEGER, k BLOB, concurrent INTEGER, "
                  "refused INTEGER, PRIMARY KEY(t, k)) WITHOUT ROWID; DELETE FROM temp.tandem_recount");
  has_received_ = true;
  auto& put =
      c_.cached("INSERT INTO temp.tandem_recount(t, k, concurrent, refused) VALUES (?1, ?2, ?3, ?4) ON CONFLICT "
                "DO UPDATE SET concurrent = max(concurrent, excluded.concurrent), "
                "refused = max(refused, excluded.refused)");
  put.bind_at(1, table.info.id);
  put.bind_blob(2, key);
  put.bind_at(3, static_cast<int>(is_concurrent));
  put.bind_at(4, static_cast<int>(is_refused));
  put.run();
}

void counter_book::note_count(std::string_view counts_key) {
  const auto parts = unpacked_values(counts_key);
  const auto table = parts.size() == 4 && parts[0].type == value_type::text ? c_.table_named(parts[0].bytes) : nullptr;
  if (table && c_.counters.contains(table->info.id) && parts[1].type == value_type::blob)
    note_received(*table, parts[1].bytes, false, false);
}

void counter_book::show_received(std::uint64_t pos) {
  if (!has_received_)
    return;
  statement rows{c_.db, "SELECT t, k, concurrent, refused FROM temp.tandem_recount"};
  while (rows.step())
    if (const auto table = c_.table_with_id(static_cast<std::uint32_t>(rows.integer(0))))
      show_row(*table, rows.blob(1), rows.integer(2) != 0, rows.integer(3) != 0, pos);
  rows.reset();
  c_.db.execute("DELETE FROM temp.tandem_recount");
  has_received_ = false;
}

std::optional<row_values> counter_book::values_of(tracked_table& table, std::string_view key,
                                                  const row_record& record) {
  return record.is_quarantined ? admitted_.quarantined_values(table, key) : table.read(key);
}

void counter_book::show_row(tracked_table& table, std::string_view key, bool is_concurrent, bool is_refused,
                            std::uint64_t pos) {
  const auto counters = c_.counters.find(table.info.id);
  const auto record = table.record(key);
  if (counters == c_.counters.end() || !record)
    return; // dead: what was counted shows when the row comes back
  auto values = values_of(table, key, *record);
  if (!values)
    return;
  for (const auto column : counters->second) {
    const auto place = table.cell_index(column);
    if (place < 0)
      continue;
    const auto shown = (*values)[static_cast<std::size_t>(place)];
    const auto known = read_counts(table.info, key, column);
    const auto& origin = record->of(column);
    if (known.rows == 0) {
      put_count(table.info, key, column, {}, shown); // its writer does not know of the policy yet
    } else if (shows_sum(shown, known.sum)) {
      continue;
    } else if (is_refused) {
      count(table.info, key, column, shown, {}); // what the author has counted is taken back
    } else {
      const bool is_uncounted = !is_concurrent && origin.pos > pos && origin.via != via_here;
      if (is_uncounted || is_uncountable(shown.view()))
        keep_uncounted(table, key, *record, column, shown, known.sum);
      show(table, key, *table.record(key), column, *values, known.sum);
    }
  }
}

void counter_book::show(tracked_table& table, std::string_view key, row_record record, std::uint32_t column,
                        row_values& values, const value& sum) {
  values[static_cast<std::size_t>(table.cell_index(column))] = sum;
  column_set one;
  one.add(column);
  record.write(one, {c_.next_stamp(), c_.append_log(table, key, via_here), via_here}, table.info.all_cells);
  table.put_record(key, record);
  if (record.is_quarantined) {
    admitted_.put_quarantined_values(table, key, values);
    return;
  }
  const std::array columns{column};
  const std::array views{sum.view()};
  admitted_.note_vacated(table, key);
  if (table.update(key, columns, views) == 0) {
    admitted_.note_written(table, key);
    return;
  }
  table.remove(key);
  admitted_.set_aside_new(table, key, values);
}

// A write that nobody counted must not vanish: it goes to the audit trail, from where it can be brought back.
void counter_book::keep_uncounted(tracked_table& table, std::string_view key, const row_record& record,
                                  std::uint32_t column, const value& shown, const value& sum) {
  conflict_entry entry;
  entry.kind = conflict_kind::cell;
  entry.table = &table;
  entry.key = key;
  entry.column = column;
  entry.rule = name_of(cell_policy::counter);
  entry.current = sum;
  entry.current_stamp = c_.next_stamp();
  entry.other = shown;
  entry.other_stamp = record.of(column).written;
  conflicts_.record(entry);
}

// --- policies that come and go -----------------------------------------------------------------

void counter_book::level(bool is_setter) {
  const auto before = c_.counters;
  std::string text;
  const policy_book policies{c_};
  for (const auto& [id, table] : c_.tables)
    if (const auto policy = policies.of(id))
      for (const auto& [column, rule] : policy->columns)
        if (rule == cell_policy::counter)
          text += std::to_string(id) + " " + std::to_string(column) + " ";
  c_.set_counters(text);
  for (const auto& [id, columns] : c_.counters) {
    std::vector<std::uint32_t> fresh;
    const auto known = before.find(id);
    for (const auto column : columns)
      if (known == before.end() || std::ranges::count(known->second, column) == 0)
        fresh.push_back(column);
    if (!fresh.empty())
      begin_counting(*c_.table_with_id(id), fresh, is_setter);
  }
}

void counter_book::begin_counting(tracked_table& table, const std::vector<std::uint32_t>& columns, bool is_setter) {
  table.records.flush();
  statement slots{c_.db, "SELECT slot FROM main." + table.info.rows_table()};
  std::string key;
  while (slots.step()) {
    const auto record = table.record_at(slots.integer(0), key);
    auto values = record ? values_of(table, key, *record) : std::nullopt;
    if (!values)
      continue;
    for (const auto column : columns) {
      const auto shown = (*values)[static_cast<std::size_t>(table.cell_index(column))];
      const auto known = read_counts(table.info, key, column);
      if (known.rows == 0) {
        put_count(table.info, key, column, {}, shown);
      } else if (shows_sum(shown, known.sum)) {
        continue;
      } else if (is_setter) {
        count(table.info, key, column, shown, {});
      } else {
        keep_uncounted(table, key, *record, column, shown, known.sum);
        show(table, key, *table.record(key), column, *values, known.sum);
      }
    }
  }
}

} // namespace tandem::storage
