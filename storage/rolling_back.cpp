// The merge's side of rejection: asks this replica's rules, and rolls refused changes back at their author.
#include <algorithm>

#include "storage/drifting.hpp"
#include "storage/merging.hpp"

namespace tandem::storage {

table_rules& merger::rules_of_table() {
  const auto found = rules_.find(table_->info.id);
  return found != rules_.end() ? found->second : rules_.try_emplace(table_->info.id, c_, *table_).first->second;
}

// True if a rule refused the row change at hand; then it is rolled back already.
bool merger::refuse(std::string_view key, local_row& local) {
  auto& rules = rules_of_table();
  if (rules.is_empty())
    return false;
  // What the row would become.
  const incoming_cell* latest = nullptr;
  bool lives = local.record && local.is_alive;
  const auto& info = table_->info;
  const auto before = local.record ? values_of(local, key) : row_values{};
  auto after = before;
  after.resize(info.cells.size());
  if (!local.record)
    for (std::size_t i = 0; i < after.size(); ++i)
      after[i] = info.columns[info.cells[i]].fallback;
  for (const auto& cell : cells_) {
    if (local.record && !c_.is_later(cell.written, origin_of(info, *local.record, cell.column).written))
      continue;
    if (!latest || c_.is_later(cell.written, latest->written))
      latest = &cell;
    if (cell.column == life_column)
      lives = cell.given.integer != 0;
    else if (const auto place = table_->cell_index(cell.column); place >= 0)
      after[static_cast<std::size_t>(place)] = value{cell.given};
  }
  if (!latest)
    return false;
  const bool was_alive = local.record && local.is_alive;
  // An update may bring back a row that was deleted here meanwhile.
  const bool may_return =
      lives || std::ranges::any_of(cells_, [](const incoming_cell& cell) { return cell.column != life_column; });
  const bool says_dead = std::ranges::any_of(
      cells_, [](const incoming_cell& cell) { return cell.column == life_column && cell.given.integer == 0; });
  const auto author = c_.site_at(latest->written.site);
  const auto why =
      rules.refusal({was_alive ? &before : nullptr, may_return && !says_dead ? &after : nullptr, key, author});
  if (why.empty())
    return false;
  record_refusal(key, local, *latest, says_dead ? value{} : value{value_view::of_blob(pack_named_cells(info, after))},
                 why);
  put_back(key, local, after);
  ++report.refused;
  return true;
}

void merger::record_refusal(std::string_view key, local_row& local, const incoming_cell& latest, const value& refused,
                            const std::string& why) {
  conflict_entry entry;
  entry.kind = conflict_kind::refused;
  entry.table = table_;
  entry.key = key;
  entry.rule = why;
  entry.other = refused;
  entry.other_stamp = latest.written;
  if (local.record && local.is_alive)
    entry.current = value{value_view::of_blob(pack_named_cells(table_->info, values_of(local, key)))};
  entry.current_stamp = local.record ? local.record->of(life_column).written : latest.written;
  bool is_new = false;
  conflicts_.record(entry, &is_new);
  count_conflict(entry.kind, is_new);
}

// A row that was never here becomes a tombstone: only its life is written anew, so that whoever is allowed to bring it
// back finds the rest.
void merger::bury(std::string_view key, const cell_origin& origin, const row_values& values) {
  const auto& all = table_->info.all_cells;
  row_record record;
  auto missing = all;
  for (const auto& cell : cells_) {
    column_set one;
    one.add(cell.column);
    missing.remove(one);
    record.write(one, cell.column == life_column ? origin : cell_origin{cell.written, origin.pos, link_}, all);
    if (table_->cell_index(cell.column) < 0 && cell.column != life_column)
      put_aside(c_, *table_, key, cell.column, cell.given);
  }
  if (missing.has(life_column)) {
    column_set life;
    life.add(life_column);
    missing.remove(life);
    record.write(life, origin, all);
  }
  if (!missing.empty())
    record.write(missing, unwritten, all);
  c_.put_tombstone(*table_, key, {record, values});
}

// Writes what is here anew, over what came: the author's row then goes back to it.
void merger::put_back(std::string_view key, local_row& local, const row_values& refused) {
  const auto stamp = c_.next_stamp();
  const cell_origin origin{stamp, c_.append_log(*table_, key, via_here), via_here};
  const auto& all = table_->info.all_cells;
  if (!local.record) {
    bury(key, origin, refused);
    return;
  }
  column_set cells;
  for (const auto& cell : cells_)
    if (const bool has_value = !table_->info.is_unwritten(cell.column, local.record->of(cell.column).pos) ||
                               table_->cell_index(cell.column) >= 0;
        has_value)
      cells.add(cell.column);
  if (!local.is_alive)
    cells.add(life_column); // an update of a dead row would bring it back
  local.record->write(cells, origin, all);
  if (local.is_alive)
    table_->put_record(key, *local.record);
  else
    c_.put_tombstone(*table_, key, {*local.record, *local.values});
}

} // namespace tandem::storage
