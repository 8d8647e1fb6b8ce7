// What a snapshot does not name: rows whose deletion was compacted at the sender. Part of `merger`.
#include <algorithm>

#include "storage/merging.hpp"

namespace tandem::storage {

void merger::begin_snapshot() {
  for (const auto& [id, table] : c_.tables)
    is_snapshot_ = is_snapshot_ || c_.db.integer("SELECT EXISTS (SELECT 1 FROM main." + table->info.rows_table() + ")");
  if (!is_snapshot_)
    return; // a new replica: there is nothing that could be absent
  c_.db.execute("CREATE TEMP TABLE IF NOT EXISTS tandem_named(t, slot, PRIMARY KEY(t, slot)) WITHOUT ROWID; "
                "CREATE TEMP TABLE IF NOT EXISTS tandem_absent(t, slot); "
                "DELETE FROM temp.tandem_named; DELETE FROM temp.tandem_absent");
}

void merger::note_named(std::string_view key) {
  c_.cached("INSERT OR IGNORE INTO temp.tandem_named(t, slot) VALUES (?1, ?2)")
      .bind(table_->info.id, table_->slot_of(key))
      .run();
}

void merger::remove_absent() {
  if (!is_snapshot_)
    return;
  for (const auto& [their_id, bound] : binding_.tables) {
    const auto table = c_.table_with_id(bound.id);
    if (!table)
      continue;
    table->records.flush();
    const auto id = std::to_string(bound.id);
    c_.db.execute("INSERT INTO temp.tandem_absent SELECT " + id + ", slot FROM main." + table->info.rows_table() +
                  " WHERE slot NOT IN (SELECT slot FROM temp.tandem_named WHERE t = " + id + ")");
  }
  statement absent{c_.db, "SELECT t, slot FROM temp.tandem_absent"};
  std::string key;
  while (absent.step()) {
    table_ = c_.table_with_id(static_cast<std::uint32_t>(absent.integer(0)));
    policy_ = policies_.of(table_->info.id);
    auto record = table_->record_at(absent.integer(1), key);
    if (!record || !is_known(record->of(life_column)))
      continue; // a row of our own that the sender has yet to hear of
    local_row local{std::move(record), true, {}};
    take_absent(key, local);
  }
  absent.reset();
  c_.db.execute("DELETE FROM temp.tandem_named; DELETE FROM temp.tandem_absent");
}

void merger::take_absent(std::string_view key, local_row& local) {
  ++report.applied;
  cells_.clear();
  const auto deleted = c_.next_stamp();
  if (has_unknown_column(*local.record)) {
    // Written here since, which the sender's delete had not seen.
    const bool lives = !policy_ || !policy_->delete_wins;
    record_deletion_conflict(key, local, latest_unknown(*local.record), deleted, false, lives);
    if (lives) {
      revive(key, local);
      return;
    }
  }
  change_visible(key, local, false);
  column_set life;
  life.add(life_column);
  local.record->write(life, {deleted, c_.append_log(*table_, key, link_), link_}, table_->info.all_cells);
  c_.put_tombstone(*table_, key, {*local.record, *local.values});
}

// The sender took the row as one that it never heard of, for it has forgotten its death, which this replica stamped in
// its place. So that neither that stamp nor what is left of the row decides anything, the row is written anew.
bool merger::is_back_from_absence(const local_row& local) const {
  const auto& life = local.record->of(life_column);
  return !local.is_alive && life.via == link_ && life.written.site == c_.self_site && has_life() &&
         std::ranges::none_of(cells_,
                              [](const auto& cell) { return cell.column == life_column && !cell.given.integer; });
}

void merger::take_back(std::string_view key, local_row& local) {
  settled_.reset();
  for (auto& cell : cells_)
    restate(cell, cell.given);
  write_winners(key, local, true);
}

local_stamp merger::latest_unknown(const row_record& record) const {
  local_stamp result;
  column_set life;
  life.add(life_column);
  for (std::size_t i = 0; i < record.groups().size(); ++i) {
    const auto& origin = record.groups()[i].origin;
    auto cells = record.cells_of(i, table_->info.all_cells);
    cells.remove(life);
    if (!cells.empty() && !is_known(origin) && (result.site == 0 || c_.is_later(origin.written, result)))
      result = origin.written;
  }
  return result;
}

} // namespace tandem::storage
