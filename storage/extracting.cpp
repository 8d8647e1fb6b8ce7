#include "storage/extracting.hpp"

#include <algorithm>

namespace tandem::storage {

extraction::implementation::implementation(core& owner, const site_id& peer, std::uint64_t start)
    : c_{owner}, snapshot_{owner, transaction::kind::read} {
  if (c_.needs_repair || has_pending_hints(c_))
    return;
  is_clean_ = true;
  header.epoch = c_.self.epoch;
  header.start = start;
  header.to = c_.head;
  header.schema_version = static_cast<std::uint64_t>(c_.meta("schema"));
  statement cursor{
      c_.db, "SELECT epoch, applied, (SELECT id FROM tandem_sites WHERE site = ?1) FROM tandem_peers WHERE site = ?1"};
  cursor.bind_blob(1, peer.view());
  if (cursor.step()) {
    header.ack_epoch = cursor.unsigned_integer(0);
    header.ack = cursor.unsigned_integer(1);
    link_ = static_cast<std::uint32_t>(cursor.integer(2));
  }
  const auto first_kept = static_cast<std::uint64_t>(c_.meta("log_start")) + 1;
  header.is_snapshot = start + 1 < first_kept;
  table_ = c_.tables.begin();
  if (!header.is_snapshot) {
    log_ = {c_.db, "SELECT pos, t, slot, via FROM tandem_log WHERE pos > ?1 AND pos <= ?2 ORDER BY pos"};
    log_.bind(start, header.to);
  }
}

std::optional<std::string> extraction::implementation::next_block(std::size_t bytes_max) {
  while (writer_.bytes() < bytes_max && advance()) {
  }
  if (writer_.rows() == 0)
    return std::nullopt;
  return writer_.finish();
}

bool extraction::implementation::advance() {
  // A statement that has come to its end would start over when stepped again.
  if (!is_done_)
    is_done_ = !(header.is_snapshot ? advance_snapshot() : advance_log());
  return !is_done_;
}

bool extraction::implementation::advance_log() {
  if (!log_.step())
    return false;
  // Never sent back over the link that it came by. The same row's other cells have entries of their own.
  if (link_ != 0 && static_cast<std::uint32_t>(log_.integer(3)) == link_)
    return true;
  if (const auto table = c_.table_with_id(static_cast<std::uint32_t>(log_.integer(1))))
    pack(*table, log_.integer(2), log_.unsigned_integer(0));
  return true;
}

bool extraction::implementation::advance_snapshot() {
  while (!is_at_tombstones_) {
    if (table_ == c_.tables.end()) {
      is_at_tombstones_ = true;
      records_ = {c_.db, "SELECT t, slot FROM tandem_dead"};
      break;
    }
    if (!records_)
      records_ = {c_.db, "SELECT slot FROM " + table_->second->info.rows_table()};
    if (records_.step()) {
      pack(*table_->second, records_.integer(0), 0);
      return true;
    }
    records_ = {};
    ++table_;
  }
  if (!records_.step())
    return false;
  if (const auto table = c_.table_with_id(static_cast<std::uint32_t>(records_.integer(0))))
    pack(*table, records_.integer(1), 0);
  return true;
}

void extraction::implementation::pack(tracked_table& table, std::int64_t slot, std::uint64_t entry_pos) {
  std::optional<tombstone> remains;
  auto record = table.record_at(slot, key_);
  if (!record) {
    remains = c_.tombstone_at(table, slot);
    if (!remains)
      return;
    record = remains->record;
    key_ = remains->key;
  }
  const std::string_view key = key_;
  if (entry_pos != 0) {
    // The row goes out once, with its latest entry that is news to the peer.
    std::uint64_t latest = 0;
    for (std::size_t i = 0; i < record->groups().size(); ++i)
      if (record->groups()[i].origin.via != link_ || link_ == 0)
        latest = std::max(latest, record->groups()[i].origin.pos);
    if (latest != entry_pos)
      return;
  }
  if (remains) {
    pack_cells_of(table, key, *record, false, [&](std::size_t cell) { return remains->values[cell].view(); });
  } else if (record->is_quarantined) {
    auto& aside = c_.cached("SELECT vals FROM tandem_quarantine WHERE t = ?1 AND k = ?2");
    const statement_guard guard{aside};
    aside.bind_at(1, table.info.id);
    aside.bind_blob(2, key);
    if (!aside.step())
      return;
    const auto values = unpack_cells(table.info, aside.blob(0));
    pack_cells_of(table, key, *record, true, [&](std::size_t cell) { return values[cell].view(); });
  } else if (const auto row = table.find(key)) {
    pack_cells_of(table, key, *record, true, [&](std::size_t cell) { return row->value(static_cast<int>(cell)); });
    row->reset();
  }
}

void extraction::implementation::pack_cells_of(tracked_table& table, std::string_view key, const row_record& record,
                                               bool is_alive,
                                               const std::function<value_view(std::size_t cell)>& value_of) {
  const auto& life = record.of(life_column);
  const auto is_news = [&](const cell_origin& origin) {
    return origin.pos > header.start && (link_ == 0 || origin.via != link_);
  };
  // A row that came to be, or came back, travels whole, so that no receiver has to make up the rest of it.
  const bool is_whole = header.is_snapshot || (is_alive && is_news(life));
  std::size_t used = 0;
  values_.clear();
  for (std::size_t i = 0; i < record.groups().size(); ++i) {
    const auto& origin = record.groups()[i].origin;
    if (!is_whole && !is_news(origin))
      continue;
    if (group_columns_.size() <= used)
      group_columns_.emplace_back();
    auto& columns = group_columns_[used];
    columns.clear();
    auto cells = record.cells_of(i, table.info.all_cells);
    cells.keep(table.info.all_cells);
    cells.each([&](std::uint32_t column) {
      columns.push_back(column);
      values_.push_back(column == life_column ? value_view::of_integer(is_alive)
                                              : value_of(static_cast<std::size_t>(table.cell_index(column))));
    });
    if (columns.empty())
      continue;
    if (groups_.size() <= used)
      groups_.emplace_back();
    auto& group = groups_[used++];
    // Our own site is the common case, and is not worth 16 bytes a bundle: the link knows who we are.
    group.written = {origin.written.hlc,
                     origin.written.site == c_.self_site ? site_id{} : c_.site_at(origin.written.site)};
    // Pos 0 marks cells that only make the row whole: a receiver that knows the row passes over them.
    group.pos = is_news(origin) ? origin.pos : 0;
  }
  if (used == 0)
    return;
  for (std::size_t i = 0; i < used; ++i)
    groups_[i].columns = group_columns_[i];
  unpack_values(key, key_values_);
  writer_.add({table.info.id, key_values_, {groups_.data(), used}, values_});
  ++rows;
}

// --- the public face ---------------------------------------------------------------------------

extraction::extraction(std::unique_ptr<implementation> given) : implementation_{std::move(given)} {}
extraction::~extraction() = default;
extraction::extraction(extraction&&) noexcept = default;

const messages::bundle_header& extraction::header() const {
  return implementation_->header;
}
std::optional<std::string> extraction::next_block(std::size_t bytes_max) {
  return implementation_->next_block(bytes_max);
}
std::uint64_t extraction::rows() const {
  return implementation_->rows;
}

} // namespace tandem::storage
