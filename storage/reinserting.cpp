#include "storage/reinserting.hpp"

#include <algorithm>

#include <sqlite3.h>

#include "messages/limits.hpp"
#include "storage/choices.hpp"
#include "storage/drifting.hpp"

namespace tandem::storage {
namespace {

bool is_same_name(const std::string& left, const std::string& right) {
  return sqlite3_stricmp(left.c_str(), right.c_str()) == 0;
}

/// Refers to the primary key of the table, all of it.
bool refers_to(const foreign_key& link, const table& parent) {
  if (!is_same_name(link.parent, parent.name) || link.from.size() != parent.key.size())
    return false;
  for (std::size_t i = 0; i < link.to.size(); ++i)
    if (!is_same_name(link.to[i], parent.columns[parent.key[i]].name))
      return false;
  return true;
}

/// Keys of the rows whose foreign key has these values.
std::vector<std::string> children_of(core& c, tracked_table& child, const foreign_key& link,
                                     std::span<const value_view> values) {
  std::string condition;
  for (std::size_t i = 0; i < link.from.size(); ++i)
    condition += (i ? " AND " : "") + quoted(link.from[i]) + " = ?" + std::to_string(i + 1);
  statement query{c.db,
                  "SELECT " + child.info.key_list() + " FROM main." + quoted(child.info.name) + " WHERE " + condition};
  for (std::size_t i = 0; i < values.size(); ++i)
    query.bind_at(static_cast<int>(i) + 1, values[i]);
  std::vector<std::string> result;
  while (query.step())
    result.push_back(child.app_key(query, 0));
  return result;
}

} // namespace

std::string key_for_reinsertion(core& c, tracked_table& of, std::string_view json) {
  auto key = key_from_json(json);
  const auto parts = unpacked_values(key);
  const auto fits = [&](const value_view& part) {
    return part.type != value_type::null && (!of.info.has_integer_key || part.type == value_type::integer);
  };
  if (parts.size() != of.info.key.size() || !std::ranges::all_of(parts, fits) || key.size() > limits::key_bytes_max)
    throw failure{failure_code::usage,
                  std::string{json.substr(0, limits::label_bytes_max)} + " is no key of table " + quoted(of.info.name) +
                      "; give " +
                      (of.info.has_integer_key   ? "an integer"
                       : of.info.key.size() == 1 ? "one value"
                                                 : "a JSON array with a value for each key column")};
  if (of.record(key) || of.exists(key))
    throw failure{failure_code::usage, "table " + quoted(of.info.name) + " has a row with key " + key_to_json(key) +
                                           " already; choose another key, nothing was changed"};
  if (c.find_tombstone(of, key))
    throw failure{failure_code::usage, "the row of table " + quoted(of.info.name) + " with key " + key_to_json(key) +
                                           " was deleted, and might come back; choose a key that was never used"};
  return key;
}

template <class Follows>
void reinserter::move_children(std::string_view from, std::string_view to, const Follows& follows) {
  const auto old_values = unpacked_values(from);
  const auto new_values = unpacked_values(to);
  for (const auto& [id, child] : c_.tables)
    for (const auto& link : child->info.foreign_keys) {
      if (!refers_to(link, table_.info))
        continue;
      std::vector<std::uint32_t> columns;
      for (const auto& name : link.from)
        if (const auto column = child->info.column_named(name); column && !column->key_position)
          columns.push_back(column->id);
      if (columns.size() != link.from.size())
        continue; // the reference is part of the child's own key: it would become another row
      for (const auto& key : children_of(c_, *child, link, old_values)) {
        const auto record = child->record(key);
        if (!record || !follows(origin_of(child->info, *record, columns.front()).written))
          continue;
        admitted_.note_vacated(*child, key);
        write_here(c_, *child, key, columns, new_values, stamp_);
        admitted_.note_written(*child, key);
      }
    }
}

void reinserter::insert(std::string_view old_key, std::string_view new_key, const std::map<std::uint32_t, value>& cells,
                        const stamp& lost) {
  std::vector<std::uint32_t> columns;
  std::vector<value_view> values;
  for (const auto index : table_.info.cells) {
    const auto& column = table_.info.columns[index];
    const auto given = cells.find(column.id);
    columns.push_back(column.id);
    values.push_back(given == cells.end() ? column.fallback.view() : given->second.view());
  }
  write_here(c_, table_, new_key, columns, values, stamp_);
  admitted_.note_written(table_, new_key);
  move_children(old_key, new_key, [&](const local_stamp& written) {
    return written.site != 0 && c_.site_at(written.site) == lost.site && written.hlc >= lost.hlc;
  });
}

void reinserter::take_back(std::string_view old_key, std::string_view new_key, const local_stamp& done,
                           bool is_forced) {
  auto record = table_.record(new_key);
  if (!record)
    throw failure{failure_code::usage, "row " + key_to_json(new_key) + " of " + quoted(table_.info.name) +
                                           ", which was inserted again, is gone already; nothing was changed"};
  const auto last = last_write(c_, table_, new_key, {});
  if (!is_forced && (record->is_quarantined || !last || !(*last == done)))
    throw failure{failure_code::usage, "row " + key_to_json(new_key) + " of " + quoted(table_.info.name) +
                                           ", which was inserted again, was changed since; force it to remove it"};
  if (record->is_quarantined)
    throw failure{failure_code::usage, "row " + key_to_json(new_key) + " of " + quoted(table_.info.name) +
                                           " is in quarantine; it can't be removed now"};
  move_children(new_key, old_key, [&](const local_stamp& written) { return is_forced || written == done; });
  const auto values = table_.read(new_key).value_or(row_values(table_.info.cells.size()));
  table_.remove(new_key);
  table_.remove_record(new_key);
  column_set life;
  life.add(life_column);
  record->write(life, {stamp_, c_.append_log(table_, new_key, via_here), via_here}, table_.info.all_cells);
  c_.put_tombstone(table_, new_key, {*record, values});
  admitted_.note_vacated(table_, new_key);
}

} // namespace tandem::storage
