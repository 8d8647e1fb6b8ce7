#include "storage/choices.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <nlohmann/json.hpp>

#include "messages/limits.hpp"
#include "storage/drifting.hpp"

namespace tandem::storage {
namespace {

constexpr const char* select_choices =
    "SELECT id, about, follows, tbl, k, col, rule, choice, settled_who, detail, current, other, current_hlc, "
    "current_site, other_hlc, other_site, settled_ms FROM tandem_conflicts WHERE about IS NOT NULL ";

// Nothing if the row was made up by somebody who did not know how.
std::optional<choice_entry> choice_at(const statement& row) {
  choice_entry result;
  if (row.blob(13).size() != result.written.site.bytes.size() ||
      row.blob(15).size() != result.written.site.bytes.size())
    return std::nullopt;
  int column = 0;
  for (auto* each : {&result.id, &result.conflict, &result.follows, &result.table})
    *each = row.text(column++);
  result.key = row.blob(column++);
  for (auto* each : {&result.column, &result.rule, &result.choice, &result.who, &result.detail})
    *each = row.text(column++);
  result.stands = value{row.value(10)};
  result.replaced = value{row.value(11)};
  result.written = {row.unsigned_integer(12), site_id::from_bytes(row.blob(13))};
  result.replaced_stamp = {row.unsigned_integer(14), site_id::from_bytes(row.blob(15))};
  return result;
}

std::string as_json(core& c, const choice_entry& entry, const value& side) {
  if (entry.column.empty() && side.type == value_type::blob)
    if (const auto of = c.table_named(entry.table))
      return row_to_json(of->info, entry.key, unpack_named_cells(of->info, side.bytes));
  return value_to_json(side.view());
}

settlement settlement_of(core& c, const choice_entry& entry, std::int64_t ms) {
  settlement result;
  result.id = entry.id;
  result.conflict = entry.conflict;
  result.follows = entry.follows;
  result.written = entry.written;
  result.choice = entry.choice;
  result.who = entry.who;
  result.ms = ms;
  result.detail = entry.detail;
  result.replaced = entry.replaced_stamp;
  try {
    result.value_json = as_json(c, entry, entry.stands);
    result.replaced_json = as_json(c, entry, entry.replaced);
  } catch (const failure&) { // packed by nobody who knew how
    result.value_json = result.replaced_json = "null";
  }
  return result;
}

local_stamp latest_cell(core& c, const tracked_table& of, const row_record& record) {
  local_stamp result;
  column_set life;
  life.add(life_column);
  for (std::size_t i = 0; i < record.groups().size(); ++i) {
    auto cells = record.cells_of(i, of.info.all_cells);
    cells.remove(life);
    const auto& origin = record.groups()[i].origin;
    if (!cells.empty() && !(origin == unwritten) && (result.site == 0 || c.is_later(origin.written, result)))
      result = origin.written;
  }
  return result.site == 0 ? record.of(life_column).written : result;
}

void add_settlements(core& c, std::vector<conflict>& conflicts) {
  statement query{c.db, std::string{select_choices} + "AND about = ?1 ORDER BY current_hlc, current_site"};
  for (auto& conflict : conflicts) {
    const statement_guard guard{query};
    query.bind(conflict.id);
    std::set<std::string> followed;
    while (query.step()) {
      const auto entry = choice_at(query);
      if (!entry)
        continue;
      auto settled = settlement_of(c, *entry, query.integer(16));
      // Computations that come to the same do not contradict each other.
      const bool repeats = std::ranges::any_of(conflict.settlements, [&](const settlement& each) {
        return is_computed(settled.choice) && settled.choice == each.choice && each.value_json == settled.value_json;
      });
      if (!repeats && !followed.insert(entry->follows).second)
        conflict.is_contested = true;
      conflict.settlements.push_back(std::move(settled));
    }
  }
}

/// What its last settlement let stand, or what stood when it was found.
value in_force_value(core& c, std::string_view id) {
  if (auto choices = choices_of(c, id); !choices.empty())
    return std::move(choices.back().stands);
  statement query{c.db, "SELECT current FROM tandem_conflicts WHERE id = ?1"};
  query.bind(id);
  return query.step() ? value{query.value(0)} : value{};
}

/// Of two rows that were inserted under one key, each may have cells that were written later than the row.
bool stands_unchanged(core& c, const conflict& each, tracked_table& table, std::string_view key) {
  if (each.kind != conflict_kind::insert)
    return false;
  const auto values = table.read(key);
  return values && in_force_value(c, each.id) == value{value_view::of_blob(pack_named_cells(table.info, *values))};
}

bool is_overtaken(core& c, const conflict& each, std::string_view key, const stamp& settled_by_policy) {
  // Rows in quarantine and refused ones are written anew by what sets them aside or back.
  if (each.kind == conflict_kind::constraint || each.kind == conflict_kind::refused)
    return false;
  auto& table = *c.table_named(each.table);
  const auto last = last_write(c, table, key, each.column);
  if (!last)
    return each.kind != conflict_kind::deletion;
  if (last->site == 0)
    return false; // the column is younger than the row
  const auto written = c.stamp_of(*last);
  return written > std::max({each.current, each.other, settled_by_policy}) &&
         std::ranges::none_of(each.settlements, [&](const settlement& known) { return known.written >= written; }) &&
         !stands_unchanged(c, each, table, key);
}

/// Of some conflicts from `first` on, as many as a table keeps at hand.
void read_records(core& c, const std::vector<conflict>& conflicts, const std::vector<std::string>& keys,
                  std::size_t first) {
  std::map<std::string_view, std::vector<std::string>> wanted;
  for (auto i = first; i < std::min(conflicts.size(), first + limits::rows_at_once); ++i)
    if (conflicts[i].trouble.empty())
      wanted[conflicts[i].table].push_back(keys[i]);
  for (const auto& [table, some] : wanted)
    c.table_named(table)->records.read_ahead(some);
}

} // namespace

void record_choice(core& c, choice_entry entry, const local_stamp& given) {
  auto& rows = c.tracked(conflicts_table);
  const auto written = c.stamp_of(given);
  auto bytes = entry.conflict;
  append_fixed64(bytes, written.hlc);
  bytes += written.site.view();
  entry.id = hash_id(bytes);
  std::vector<std::uint32_t> columns;
  std::vector<value_view> values;
  const auto put = [&](std::string_view name, const value_view& each) {
    columns.push_back(rows.info.column_named(name)->id);
    values.push_back(each);
  };
  const auto text_or_null = [](std::string_view text) {
    return text.empty() ? value_view::of_null() : value_view::of_text(text);
  };
  const auto by = written.site.to_short();
  put("kind", value_view::of_text("settlement"));
  put("tbl", value_view::of_text(entry.table));
  put("k", value_view::of_blob(entry.key));
  put("col", text_or_null(entry.column));
  put("current", entry.stands.view());
  put("current_hlc", value_view::of_integer(static_cast<std::int64_t>(written.hlc)));
  put("current_site", value_view::of_blob(written.site.view()));
  put("other", entry.replaced.view());
  put("other_hlc", value_view::of_integer(static_cast<std::int64_t>(entry.replaced_stamp.hlc)));
  put("other_site", value_view::of_blob(entry.replaced_stamp.site.view()));
  put("rule", value_view::of_text(entry.rule));
  put("state", value_view::of_text("settled"));
  put("settled_by", value_view::of_text(by));
  put("settled_ms", value_view::of_integer(messages::ms_of_hlc(written.hlc)));
  put("choice", value_view::of_text(entry.choice));
  put("settled_who", text_or_null(entry.who));
  put("about", value_view::of_text(entry.conflict));
  put("follows", text_or_null(entry.follows));
  put("detail", text_or_null(entry.detail));
  write_here(c, rows, conflict_key(entry.id), columns, values, given);
}

std::vector<choice_entry> choices_of(core& c, std::string_view conflict) {
  std::vector<choice_entry> result;
  statement query{c.db, std::string{select_choices} + "AND about = ?1 ORDER BY current_hlc, current_site"};
  query.bind(conflict);
  while (query.step())
    if (auto entry = choice_at(query))
      result.push_back(std::move(*entry));
  return result;
}

bool is_choice(core& c, const tracked_table& of, std::string_view key, const local_stamp& written) {
  auto& query = c.cached("SELECT 1 FROM tandem_conflicts WHERE about IS NOT NULL AND current_hlc = ?1 AND "
                         "current_site = ?2 AND tbl = ?3 AND k = ?4 AND choice NOT IN ('callback', 'text')");
  const statement_guard guard{query};
  const auto site = c.site_at(written.site);
  query.bind_at(1, written.hlc);
  query.bind_blob(2, site.view());
  query.bind_at(3, of.info.name);
  query.bind_blob(4, key);
  return query.step();
}

std::optional<computed_choice> computed_choice_at(core& c, const tracked_table& of, std::string_view key,
                                                  std::string_view column, const local_stamp& written) {
  if (written.site == 0)
    return std::nullopt; // nobody wrote it
  auto& query = c.cached("SELECT about, detail FROM tandem_conflicts WHERE about IS NOT NULL AND current_hlc = ?1 AND "
                         "current_site = ?2 AND tbl = ?3 AND k = ?4 AND col = ?5 AND choice IN ('callback', 'text')");
  const statement_guard guard{query};
  const auto site = c.site_at(written.site);
  query.bind_at(1, written.hlc);
  query.bind_blob(2, site.view());
  query.bind_at(3, of.info.name);
  query.bind_blob(4, key);
  query.bind_at(5, column);
  if (!query.step())
    return std::nullopt;
  const auto detail = nlohmann::json::parse(query.text(1), nullptr, false);
  // One that was made up counts as the last.
  const bool has_round = detail.is_object() && detail.contains("round") && detail["round"].is_number_unsigned();
  const auto round = has_round ? detail["round"].get<std::uint64_t>() : limits::callback_rounds_max;
  return computed_choice{std::string{query.text(0)}, std::min(round, limits::callback_rounds_max)};
}

int index_of(const std::vector<choice_entry>& choices, std::string_view id) {
  const auto found = std::ranges::find(choices, id, &choice_entry::id);
  if (id.empty())
    return -1;
  return found == choices.end() ? -1 : static_cast<int>(found - choices.begin());
}

// An undo of an undo puts back in force what the first one undid. Each choice follows an older one, else it was made
// up.
std::pair<std::string, std::string> in_force(const std::vector<choice_entry>& choices, int last) {
  while (last >= 0) {
    const auto& entry = choices[static_cast<std::size_t>(last)];
    if (entry.choice != choice_undo)
      return {"resolved", entry.choice};
    const auto undone = index_of(choices, entry.follows);
    if (undone < 0 || undone >= last || choices[static_cast<std::size_t>(undone)].choice != choice_undo)
      return {"undone", std::string{choice_undo}};
    const auto before = index_of(choices, choices[static_cast<std::size_t>(undone)].follows);
    if (before >= undone)
      return {"undone", std::string{choice_undo}};
    last = before;
  }
  return {"settled", {}};
}

std::optional<local_stamp> last_write(core& c, tracked_table& of, std::string_view key, std::string_view column) {
  if (const auto record = of.record(key)) {
    const auto cell = column.empty() ? nullptr : of.info.column_named(column);
    return cell ? origin_of(of.info, *record, cell->id).written : latest_cell(c, of, *record);
  }
  if (const auto remains = c.find_tombstone(of, key))
    return remains->record.of(life_column).written;
  return std::nullopt;
}

void add_aftermath(core& c, std::vector<conflict>& conflicts, const std::vector<std::string>& keys) {
  add_settlements(c, conflicts);
  auto& results = c.cached("SELECT result_hlc, result_site FROM tandem_conflicts WHERE id = ?1");
  for (std::size_t i = 0; i < conflicts.size(); ++i) {
    if (i % limits::rows_at_once == 0)
      read_records(c, conflicts, keys, i);
    auto& each = conflicts[i];
    each.is_overtaken = each.trouble.empty() && is_overtaken(c, each, keys[i], {});
    if (each.is_overtaken) {
      const statement_guard guard{results};
      results.bind(each.id);
      if (results.step() && results.blob(1).size() == each.current.site.bytes.size())
        each.is_overtaken =
            is_overtaken(c, each, keys[i], {results.unsigned_integer(0), site_id::from_bytes(results.blob(1))});
    }
    if (each.is_overtaken && each.state == "open")
      each.state = "overtaken";
  }
}

} // namespace tandem::storage
