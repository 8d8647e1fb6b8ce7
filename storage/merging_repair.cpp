// Mending a row by what a peer has of it, whatever the cursors say. Part of `merger`.
#include <algorithm>

#include "storage/drifting.hpp"
#include "storage/merging.hpp"

namespace tandem::storage {

void merger::mend(const messages::row_change& change, bool yields) {
  const auto [bound, key] = locate(change);
  auto local = find_local(key);
  read_incoming(change, *bound, true);
  if (cells_.empty())
    return;
  const bool has_row = table_->exists(key);
  if (local.record && local.is_alive && !local.record->is_quarantined && !has_row) {
    table_->remove_record(key); // its row was removed behind our back
    local = {};
  } else if (!local.record && has_row) {
    keep_unrecorded(key);
    table_->remove(key);
  }
  if (!local.record) {
    take_new(key);
    return;
  }
  for (auto& cell : cells_) {
    const auto& have = origin_of(table_->info, *local.record, cell.column).written;
    cell.wins = c_.is_later(cell.written, have);
    if (cell.column == life_column || cell.wins || !(cell.written == have) || !yields)
      continue;
    // One write with two values: one of the two sides was tampered with, and nobody can tell which. The called
    // side's value stands, ours is kept.
    if (messages::identical(value_here(local, key, cell.column).view(), cell.given))
      continue;
    cell.wins = true;
    record_mended_cell(key, local, cell);
  }
  const auto life = std::ranges::find(cells_, life_column, &incoming_cell::column);
  write_winners(key, local, life != cells_.end() && life->wins ? life->given.integer != 0 : local.is_alive);
}

/// A row of which nothing is remembered stands in the way of the peer's: its values must not be lost.
void merger::keep_unrecorded(std::string_view key) {
  const auto here = *table_->read(key);
  auto there = here;
  local_stamp written;
  for (const auto& cell : cells_) {
    written = cell.written;
  }
  overlay_given(there, cells_);
  if (here == there)
    return;
  conflict_entry entry;
  entry.kind = conflict_kind::insert;
  entry.table = table_;
  entry.key = key;
  entry.current = value{value_view::of_blob(pack_named_cells(table_->info, there))};
  entry.current_stamp = written;
  entry.other = value{value_view::of_blob(pack_named_cells(table_->info, here))};
  entry.other_stamp = c_.next_stamp();
  entry.rule = "repair";
  conflicts_.record(entry);
  count_conflict(entry.kind, true);
}

void merger::record_mended_cell(std::string_view key, local_row& local, const incoming_cell& cell) {
  if (table_->info.name == conflicts_table)
    return;
  conflict_entry entry;
  entry.kind = conflict_kind::cell;
  entry.table = table_;
  entry.key = key;
  entry.column = cell.column;
  entry.rule = "repair";
  entry.current = value{cell.given};
  entry.current_stamp = cell.written;
  entry.other = value_here(local, key, cell.column);
  entry.other_stamp = c_.next_stamp(); // the true one is the same as the other's; a conflict has two
  bool is_new = false;
  conflicts_.record(entry, &is_new);
  count_conflict(entry.kind, is_new);
}

} // namespace tandem::storage
