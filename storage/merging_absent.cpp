// What a snapshot does not name: rows whose deletion was compacted at the sender. Part of `merger`.
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
    record_deletion_conflict(key, local, latest_unknown(*local.record), deleted, false);
    revive(key, local);
    return;
  }
  change_visible(key, local, false);
  column_set life;
  life.add(life_column);
  local.record->write(life, {deleted, c_.append_log(*table_, key, link_), link_}, table_->info.all_cells);
  c_.put_tombstone(*table_, key, {*local.record, *local.values});
}

local_stamp merger::latest_unknown(const row_record& record) const {
  local_stamp result;
  for (const auto& group : record.groups())
    if (!is_known(group.origin) && group.origin.written.hlc > result.hlc)
      result = group.origin.written;
  return result;
}

} // namespace tandem::storage
