// Extraction: what a peer's cursor lacks, read from one snapshot.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "messages/row_block.hpp"
#include "storage/core.hpp"
#include "storage/policies.hpp"

namespace tandem::storage {

/// Walks the log from a cursor on (or all records, for a peer whose cursor is older than the log) and
/// packs the rows' current values. Holds a read transaction.
struct extraction::implementation {
  implementation(core& owner, const site_id& peer, std::uint64_t start);
  ~implementation();
  implementation(const implementation&) = delete;
  implementation& operator=(const implementation&) = delete;
  /// False if writes are pending that are not stamped yet; nothing may be read then.
  [[nodiscard]] bool is_clean() const { return is_clean_; }

  std::optional<std::string> next_block(std::size_t bytes_max);

  messages::bundle_header header;
  std::uint64_t rows = 0;

private:
  /// A log entry, or a row of a snapshot (pos 0).
  struct entry {
    std::uint32_t table = 0;
    std::int64_t slot = 0;
    std::uint64_t pos = 0;
  };
  /// A row that the peer lacks cells of.
  struct waiting_row {
    std::int64_t slot = 0;
    std::string key;
    row_record record;
    std::optional<tombstone> remains;
    bool is_in_table = false;
    std::int64_t fed_number = 0;
  };

  bool advance();
  bool read_entries();
  bool read_log_entry();
  bool read_snapshot_entry();
  void begin_batch();
  std::optional<waiting_row> find_row(const entry& from);
  void read_app_rows();
  std::pair<statement*, int> app_row(const waiting_row& row);
  void pack(const waiting_row& row);
  void pack_cells_of(tracked_table& table, std::int64_t slot, std::string_view key, const row_record& record,
                     bool is_alive, const std::function<value_view(std::size_t cell)>& value_of);

  core& c_;
  core_transaction snapshot_;
  bool is_clean_ = false;
  policy_book policies_;
  bool is_row_policy_ = false; ///< of the batch: rows of its table merge, and so travel, as a whole
  bool is_done_ = false;
  std::uint32_t link_ = 0; ///< the peer as `via` names it; never matches if the peer is unknown
  messages::row_block_writer writer_;
  statement log_;
  // A snapshot walks all live records of all tables, then all tombstones.
  std::map<std::uint32_t, std::unique_ptr<tracked_table>>::iterator table_;
  statement records_;
  bool is_at_tombstones_ = false;
  // Entries that were read from there, of which those before next_entry_ are in batch_ or done with.
  std::vector<entry> entries_;
  std::size_t next_entry_ = 0;
  // Rows of one table, of which those before next_row_ are packed.
  tracked_table* batch_table_ = nullptr;
  std::vector<waiting_row> batch_;
  std::size_t next_row_ = 0;
  row_feed keys_{1};              // of the batch's rows that are in the app's table
  statement* fed_rows_ = nullptr; // reads them; null: one by one
  bool has_fed_row_ = false;
  // Reused.
  std::vector<std::int64_t> slots_;
  std::vector<std::vector<std::uint32_t>> group_columns_;
  std::vector<messages::cell_group> groups_;
  std::vector<value_view> values_;
  std::deque<value> asides_; ///< of columns that are gone here; values_ points into it
  std::vector<value_view> key_values_;
};

} // namespace tandem::storage
