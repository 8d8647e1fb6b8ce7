#include "storage/extracting.hpp"

#include <algorithm>
#include <utility>

#include "messages/limits.hpp"
#include "storage/drifting.hpp"
#include "storage/lineage.hpp"

namespace tandem::storage {

extraction::implementation::implementation(core& owner, const site_id& peer, std::uint64_t start)
    : c_{owner}, snapshot_{owner, transaction::kind::read}, policies_{owner} {
  if (c_.needs_repair || has_pending_hints(c_))
    return;
  is_clean_ = true;
  header.epoch = c_.self.epoch;
  header.start = start;
  header.to = c_.head;
  header.schema_version = static_cast<std::uint64_t>(c_.meta("schema"));
  header.run = latest_run(c_);
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

extraction::implementation::~implementation() {
  if (fed_rows_)
    fed_rows_->reset(); // An open statement would keep the snapshot.
}

std::optional<std::string> extraction::implementation::next_block(std::size_t bytes_max) {
  while (writer_.bytes() < bytes_max && advance()) {
  }
  if (writer_.rows() == 0)
    return std::nullopt;
  return writer_.finish();
}

/// Packs the next row. False if there is none.
bool extraction::implementation::advance() {
  while (next_row_ == batch_.size()) {
    if (next_entry_ == entries_.size() && !read_entries())
      return false;
    begin_batch();
  }
  pack(batch_[next_row_++]);
  return true;
}

// --- which rows --------------------------------------------------------------------------------

bool extraction::implementation::read_entries() {
  entries_.clear();
  next_entry_ = 0;
  // A statement that has come to its end would start over when stepped again.
  while (!is_done_ && entries_.size() < limits::rows_at_once)
    is_done_ = !(header.is_snapshot ? read_snapshot_entry() : read_log_entry());
  // Within a bundle the order of rows means nothing, but rows of one table are read together.
  std::ranges::stable_sort(entries_, {}, &entry::table);
  return !entries_.empty();
}

bool extraction::implementation::read_log_entry() {
  if (!log_.step())
    return false;
  // Never sent back over the link that it came by. The same row's other cells have entries of their own.
  if (link_ == 0 || static_cast<std::uint32_t>(log_.integer(3)) != link_)
    entries_.push_back({static_cast<std::uint32_t>(log_.integer(1)), log_.integer(2), log_.unsigned_integer(0)});
  return true;
}

bool extraction::implementation::read_snapshot_entry() {
  while (!is_at_tombstones_) {
    if (table_ == c_.tables.end()) {
      is_at_tombstones_ = true;
      records_ = {c_.db, "SELECT t, slot FROM tandem_dead"};
      break;
    }
    if (!records_)
      records_ = {c_.db, "SELECT slot FROM " + table_->second->info.rows_table()};
    if (records_.step()) {
      entries_.push_back({table_->first, records_.integer(0), 0});
      return true;
    }
    records_ = {};
    ++table_;
  }
  if (!records_.step())
    return false;
  entries_.push_back({static_cast<std::uint32_t>(records_.integer(0)), records_.integer(1), 0});
  return true;
}

/// Takes the next entries of one table: reads their records, and starts to read the rows that are in the app's table.
void extraction::implementation::begin_batch() {
  batch_.clear();
  next_row_ = 0;
  if (fed_rows_)
    std::exchange(fed_rows_, nullptr)->reset();
  const auto id = entries_[next_entry_].table;
  slots_.clear();
  const auto first = next_entry_;
  for (; next_entry_ < entries_.size() && entries_[next_entry_].table == id; ++next_entry_)
    slots_.push_back(entries_[next_entry_].slot);
  batch_table_ = c_.table_with_id(id);
  if (!batch_table_)
    return;
  const auto policy = policies_.of(id);
  is_row_policy_ = policy && policy->is_row;
  batch_table_->records.read_ahead(slots_);
  for (auto i = first; i < next_entry_; ++i)
    if (auto row = find_row(entries_[i]))
      batch_.push_back(std::move(*row));
  read_app_rows();
}

/// Nothing if the entry is no news: the row goes out once, with its latest entry that is news to the peer.
std::optional<extraction::implementation::waiting_row> extraction::implementation::find_row(const entry& from) {
  waiting_row row;
  row.slot = from.slot;
  if (auto record = batch_table_->record_at(from.slot, row.key)) {
    row.record = std::move(*record);
    row.is_in_table = !row.record.is_quarantined;
  } else if ((row.remains = c_.tombstone_at(*batch_table_, from.slot))) {
    row.record = row.remains->record;
    row.key = row.remains->key;
  } else {
    return std::nullopt;
  }
  if (from.pos == 0)
    return row;
  std::uint64_t latest = 0;
  for (const auto& group : row.record.groups())
    if (group.origin.via != link_ || link_ == 0)
      latest = std::max(latest, group.origin.pos);
  return latest == from.pos ? std::optional{std::move(row)} : std::nullopt;
}

void extraction::implementation::read_app_rows() {
  if (batch_table_->info.key.size() > limits::feed_columns_max)
    return;
  keys_ = row_feed{batch_table_->info.key.size()};
  for (auto& row : batch_)
    if (row.is_in_table) {
      row.fed_number = static_cast<std::int64_t>(keys_.rows());
      unpack_values(row.key, key_values_);
      for (const auto& each : key_values_)
        keys_.add(each);
    }
  if (keys_.rows() != 0) {
    fed_rows_ = &batch_table_->find_fed(keys_);
    has_fed_row_ = fed_rows_->step();
  }
}

/// The row in the app's table with its first cell's column; null: it is not there.
std::pair<statement*, int> extraction::implementation::app_row(const waiting_row& row) {
  if (!fed_rows_)
    return {batch_table_->find(row.key), 0};
  while (has_fed_row_ && fed_rows_->integer(0) < row.fed_number)
    has_fed_row_ = fed_rows_->step();
  const bool is_here = has_fed_row_ && fed_rows_->integer(0) == row.fed_number;
  return {is_here ? fed_rows_ : nullptr, 1};
}

// --- their values ------------------------------------------------------------------------------

void extraction::implementation::pack(const waiting_row& row) {
  auto& table = *batch_table_;
  if (row.remains) {
    pack_cells_of(table, row.slot, row.key, row.record, false,
                  [&](std::size_t cell) { return row.remains->values[cell].view(); });
  } else if (row.record.is_quarantined) {
    auto& aside = c_.cached("SELECT vals FROM tandem_quarantine WHERE t = ?1 AND k = ?2");
    const statement_guard guard{aside};
    aside.bind_at(1, table.info.id);
    aside.bind_blob(2, row.key);
    if (!aside.step())
      return;
    const auto values = unpack_cells(table.info, aside.blob(0));
    pack_cells_of(table, row.slot, row.key, row.record, true, [&](std::size_t cell) { return values[cell].view(); });
  } else if (const auto [found, first_cell] = app_row(row); found) {
    pack_cells_of(table, row.slot, row.key, row.record, true,
                  [found = found, first_cell = first_cell](std::size_t cell) {
                    return found->value(first_cell + static_cast<int>(cell));
                  });
  }
}

void extraction::implementation::pack_cells_of(tracked_table& table, std::int64_t slot, std::string_view key,
                                               const row_record& record, bool is_alive,
                                               const std::function<value_view(std::size_t cell)>& value_of) {
  const auto& life = record.of(life_column);
  const auto is_news = [&](const cell_origin& origin) {
    return origin.pos > header.start && (link_ == 0 || origin.via != link_);
  };
  // A row that came to be, or came back, travels whole, so that no receiver has to make up the rest of it.
  const bool is_whole = header.is_snapshot || (is_alive && (is_row_policy_ || is_news(life)));
  std::size_t used = 0;
  values_.clear();
  asides_.clear();
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
      if (table.info.is_unwritten(column, origin.pos))
        return;
      columns.push_back(column);
      if (column == life_column)
        values_.push_back(value_view::of_integer(is_alive));
      else if (const auto cell = table.cell_index(column); cell >= 0)
        values_.push_back(value_of(static_cast<std::size_t>(cell)));
      else
        values_.push_back(asides_.emplace_back(aside_value_at(c_, table, slot, column)).view());
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
