#include "storage/conflict_store.hpp"

#include <algorithm>
#include <array>

#include <xxhash.h>

#include "storage/drifting.hpp"

namespace tandem::storage {
namespace {

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
  return hash_id(bytes);
}

std::string_view settled_by_policy(const conflict_entry& entry) {
  return entry.rule.empty() ? std::string_view{"lww"} : std::string_view{entry.rule};
}

} // namespace

std::string hash_id(std::string_view bytes) {
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(bytes.data(), bytes.size()));
  site_id as_site; // for its hex digits only
  std::copy(std::begin(digest.digest), std::end(digest.digest), as_site.bytes.begin());
  return as_site.to_hex();
}

std::string conflict_key(std::string_view id) {
  const auto view = value_view::of_text(id);
  return packed_values({&view, 1});
}

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
  const auto key = conflict_key(id);
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
  if (entry.base)
    put("base", entry.base->view());
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

void conflict_store::settle(std::string_view id, std::string_view state, std::string_view by, std::string_view choice,
                            std::string_view who, std::optional<local_stamp> given) {
  auto& rows = table();
  const auto key = conflict_key(id);
  if (!rows.record(key))
    return; // compacted away, or never arrived: nothing to mark
  const auto text_or_null = [](std::string_view text) {
    return text.empty() ? value_view::of_null() : value_view::of_text(text);
  };
  const std::array columns{rows.info.column_named("state")->id, rows.info.column_named("settled_by")->id,
                           rows.info.column_named("settled_ms")->id, rows.info.column_named("choice")->id,
                           rows.info.column_named("settled_who")->id};
  const std::array values{value_view::of_text(state), value_view::of_text(by), value_view::of_integer(c_.now_ms()),
                          text_or_null(choice), text_or_null(who)};
  write_here(c_, rows, key, columns, values, given);
}

void conflict_store::note_result(std::string_view id, const local_stamp& result) {
  auto& rows = table();
  const auto key = conflict_key(id);
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

} // namespace tandem::storage
