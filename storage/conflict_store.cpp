#include "storage/conflict_store.hpp"

#include <algorithm>
#include <array>

#include <xxhash.h>

#include "storage/drifting.hpp"

namespace tandem::storage {
namespace {

std::string hex128(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  site_id as_site; // for its hex digits only
  std::copy(std::begin(bytes.digest), std::end(bytes.digest), as_site.bytes.begin());
  return as_site.to_hex();
}

conflict_kind kind_named(std::string_view name) {
  for (const auto kind : {conflict_kind::cell, conflict_kind::insert, conflict_kind::deletion, conflict_kind::row,
                          conflict_kind::constraint, conflict_kind::refused})
    if (name_of(kind) == name)
      return kind;
  return conflict_kind::cell;
}

// The same conflict found at two places is one row: nothing in the id depends on who found it.
std::string id_of(core& c, const conflict_entry& entry) {
  std::string bytes{name_of(entry.kind)};
  const auto append = [&](std::string_view part) {
    append_varint(bytes, part.size());
    bytes += part;
  };
  append(entry.table->info.name);
  append(entry.key);
  append(entry.column == life_column ? std::string{} : entry.table->info.column_with_id(entry.column)->name);
  std::array stamps{c.stamp_of(entry.current_stamp), c.stamp_of(entry.other_stamp)};
  std::ranges::sort(stamps);
  for (const auto& each : stamps) {
    append_fixed64(bytes, each.hlc);
    bytes += each.site.view();
  }
  return hex128(XXH3_128bits(bytes.data(), bytes.size()));
}

std::string_view settled_by_policy(const conflict_entry& entry) {
  return entry.rule.empty() ? std::string_view{"lww"} : std::string_view{entry.rule};
}

std::string text_key(std::string_view id) {
  const auto view = value_view::of_text(id);
  return packed_values({&view, 1});
}

} // namespace

std::string_view name_of(conflict_kind kind) {
  switch (kind) {
  case conflict_kind::cell:
    return "cell";
  case conflict_kind::insert:
    return "insert";
  case conflict_kind::deletion:
    return "deletion";
  case conflict_kind::row:
    return "row";
  case conflict_kind::constraint:
    return "constraint";
  case conflict_kind::refused:
    return "refused";
  }
  return "cell";
}

void write_here(core& c, tracked_table& table, std::string_view key, std::span<const std::uint32_t> columns,
                std::span<const value_view> values, std::optional<local_stamp> given) {
  auto record = table.record(key);
  column_set cells;
  for (const auto column : columns)
    cells.add(column);
  const auto stamp = given ? *given : c.next_stamp();
  const cell_origin origin{stamp, c.append_log(table, key, via_here), via_here};
  int constraint = 0;
  if (record) {
    constraint = table.update(key, columns, values);
    record->write(cells, origin, table.info.all_cells);
    table.put_record(key, *record);
  } else {
    std::vector<value_view> all(table.info.cells.size());
    for (std::size_t i = 0; i < columns.size(); ++i)
      all[static_cast<std::size_t>(table.cell_index(columns[i]))] = values[i];
    constraint = table.insert(key, all);
    const auto remains = c.find_tombstone(table, key);
    if (remains)
      c.remove_tombstone(table, key);
    table.put_record(key, written_whole(table.info, origin, remains ? &remains->record : nullptr));
  }
  if (constraint)
    throw failure{failure_code::storage, "can't write row " + key_to_json(key) + " of " + quoted(table.info.name) +
                                             ": a constraint of the table does not admit the value"};
}

std::string conflict_store::record(const conflict_entry& entry, bool* is_new) {
  const auto id = id_of(c_, entry);
  const auto key = text_key(id);
  auto& rows = table();
  if (is_new)
    *is_new = false;
  const bool is_forgotten = (c_.options.faults & fault_skip_audit) && entry.kind != conflict_kind::constraint;
  if (is_forgotten || rows.record(key) || c_.find_tombstone(rows, key))
    return id;
  const auto current = c_.stamp_of(entry.current_stamp);
  const auto other = c_.stamp_of(entry.other_stamp);
  const auto& later = std::max(current, other);
  std::vector<std::uint32_t> columns;
  std::vector<value_view> values;
  const auto put = [&](std::string_view name, const value_view& each) {
    columns.push_back(rows.info.column_named(name)->id);
    values.push_back(each);
  };
  const auto column = entry.table->info.column_with_id(entry.column);
  put("kind", value_view::of_text(name_of(entry.kind)));
  put("tbl", value_view::of_text(entry.table->info.name));
  put("k", value_view::of_blob(entry.key));
  put("col", column ? value_view::of_text(column->name) : value_view::of_null());
  put("current", entry.current.view());
  put("current_hlc", value_view::of_integer(static_cast<std::int64_t>(current.hlc)));
  put("current_site", value_view::of_blob(current.site.view()));
  put("other", entry.other.view());
  put("other_hlc", value_view::of_integer(static_cast<std::int64_t>(other.hlc)));
  put("other_site", value_view::of_blob(other.site.view()));
  put("rule", value_view::of_text(entry.rule));
  put("state", value_view::of_text(entry.is_open ? "open" : "settled"));
  const auto by =
      entry.kind == conflict_kind::refused ? c_.self.site.to_short() : std::string{settled_by_policy(entry)};
  put("settled_by", entry.is_open ? value_view::of_null() : value_view::of_text(by));
  put("settled_ms", entry.is_open ? value_view::of_null() : value_view::of_integer(messages::ms_of_hlc(later.hlc)));
  // Replicas find the same conflict one after the other: whoever finds it late must not write over what a person
  // has chosen meanwhile. So the facts are as old as the later of both writes.
  std::optional<local_stamp> written;
  if (entry.kind != conflict_kind::constraint)
    written = local_stamp{later.hlc, c_.self_site};
  write_here(c_, rows, key, columns, values, written);
  if (is_new)
    *is_new = true;
  return id;
}

void conflict_store::settle(std::string_view id, std::string_view state, std::string_view by, std::string_view choice) {
  auto& rows = table();
  const auto key = text_key(id);
  if (!rows.record(key))
    return; // compacted away, or never arrived: nothing to mark
  const std::array columns{rows.info.column_named("state")->id, rows.info.column_named("settled_by")->id,
                           rows.info.column_named("settled_ms")->id, rows.info.column_named("choice")->id};
  const std::array values{value_view::of_text(state), value_view::of_text(by), value_view::of_integer(c_.now_ms()),
                          choice.empty() ? value_view::of_null() : value_view::of_text(choice)};
  write_here(c_, rows, key, columns, values);
}

void conflict_store::note_result(std::string_view id, const local_stamp& result) {
  auto& rows = table();
  const auto key = text_key(id);
  if (!rows.record(key))
    return;
  const auto written = c_.stamp_of(result);
  const std::array columns{rows.info.column_named("result_hlc")->id, rows.info.column_named("result_site")->id};
  const std::array values{value_view::of_integer(static_cast<std::int64_t>(written.hlc)),
                          value_view::of_blob(written.site.view())};
  write_here(c_, rows, key, columns, values, result);
}

std::optional<local_stamp> conflict_store::settled_from(const tracked_table& of, std::string_view key,
                                                        std::uint32_t column, const local_stamp& written) {
  auto& query = c_.cached("SELECT current_hlc, current_site FROM tandem_conflicts WHERE result_hlc = ?1 AND "
                          "result_site = ?2 AND tbl = ?3 AND k = ?4 AND (col IS NULL OR col = ?5)");
  const statement_guard guard{query};
  const auto site = c_.site_at(written.site);
  const auto found = of.info.column_with_id(column);
  query.bind_at(1, written.hlc);
  query.bind_blob(2, site.view());
  query.bind_at(3, of.info.name);
  query.bind_blob(4, key);
  query.bind_at(5, found ? std::string_view{found->name} : std::string_view{});
  if (!query.step() || query.blob(1).size() != site.bytes.size())
    return std::nullopt;
  return local_stamp{query.unsigned_integer(0), c_.site_index(site_id::from_bytes(query.blob(1)))};
}

namespace {

std::string side_to_json(core& c, const statement& row, int column) {
  const auto each = row.value(column);
  // A side of a whole row is its cells, packed under their names.
  if (row.is_null(4) && each.type == value_type::blob)
    if (const auto of = c.table_named(row.text(2)))
      return row_to_json(of->info, row.blob(3), unpack_named_cells(of->info, each.bytes));
  return value_to_json(each);
}

constexpr const char* select_conflict =
    "SELECT id, kind, tbl, k, col, current, current_hlc, current_site, other, other_hlc, other_site, rule, state, "
    "settled_by, settled_ms, choice FROM tandem_conflicts ";

conflict conflict_of(core& c, const statement& row) {
  conflict result;
  result.id = row.text(0);
  result.kind = kind_named(row.text(1));
  result.table = row.text(2);
  result.key_json = key_to_json(row.blob(3));
  result.column = row.text(4);
  result.current_json = side_to_json(c, row, 5);
  result.current = {row.unsigned_integer(6), site_id::from_bytes(row.blob(7))};
  result.other_json = side_to_json(c, row, 8);
  result.other = {row.unsigned_integer(9), site_id::from_bytes(row.blob(10))};
  result.rule = row.text(11);
  result.state = row.text(12);
  result.settled_by = row.text(13);
  result.settled_ms = row.integer(14);
  result.choice = row.text(15);
  return result;
}

} // namespace

std::vector<conflict> conflict_store::list(bool open_only) {
  std::vector<conflict> result;
  statement query{c_.db, std::string{select_conflict} + (open_only ? "WHERE state = 'open' " : "") +
                             "ORDER BY max(current_hlc, other_hlc), id"};
  while (query.step())
    result.push_back(conflict_of(c_, query));
  return result;
}

conflict conflict_store::find(std::string_view id_or_prefix) {
  statement query{c_.db, std::string{select_conflict} + "WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 2"};
  query.bind(id_or_prefix);
  if (id_or_prefix.empty() || !query.step())
    throw failure{failure_code::not_found, "no conflict has the id " + std::string{id_or_prefix} +
                                               "; `tandem conflicts " + c_.db.path() + "` lists them"};
  auto result = conflict_of(c_, query);
  if (query.step())
    throw failure{failure_code::usage, "more than one conflict's id begins with " + std::string{id_or_prefix} +
                                           "; give more of its letters"};
  return result;
}

conflict_store::sides conflict_store::sides_of(std::string_view id) {
  statement query{c_.db, std::string{select_conflict} + "WHERE id = ?1"};
  query.bind(id);
  if (!query.step())
    throw failure{failure_code::not_found, "no conflict has the id " + std::string{id}};
  return {std::string{query.text(2)},
          std::string{query.blob(3)},
          std::string{query.text(4)},
          kind_named(query.text(1)),
          value{query.value(5)},
          value{query.value(8)},
          {query.unsigned_integer(6), site_id::from_bytes(query.blob(7))},
          {query.unsigned_integer(9), site_id::from_bytes(query.blob(10))}};
}

} // namespace tandem::storage
