// Extraction: what a peer's cursor lacks, read from one snapshot.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "messages/row_block.hpp"
#include "storage/core.hpp"

namespace tandem::storage {

/// Walks the log from a cursor on (or all records, for a peer whose cursor is older than the log) and
/// packs the rows' current values. Holds a read transaction.
struct extraction::implementation {
  implementation(core& owner, const site_id& peer, std::uint64_t start);
  /// False if writes are pending that are not stamped yet; nothing may be read then.
  [[nodiscard]] bool is_clean() const { return is_clean_; }

  std::optional<std::string> next_block(std::size_t bytes_max);

  messages::bundle_header header;
  std::uint64_t rows = 0;

private:
  /// Packs one row if the peer lacks any of its cells; `entry_pos` is its log entry, or 0 in a snapshot.
  void pack(tracked_table& table, std::int64_t slot, std::uint64_t entry_pos);
  void pack_cells_of(tracked_table& table, std::string_view key, const row_record& record, bool is_alive,
                     const std::function<value_view(std::size_t cell)>& value_of);
  bool advance();
  bool advance_log();
  bool advance_snapshot();

  core& c_;
  core_transaction snapshot_;
  bool is_clean_ = false;
  bool is_done_ = false;
  std::uint32_t link_ = 0; ///< the peer as `via` names it; never matches if the peer is unknown
  messages::row_block_writer writer_;
  statement log_;
  // A snapshot walks all live records of all tables, then all tombstones.
  std::map<std::uint32_t, std::unique_ptr<tracked_table>>::iterator table_;
  statement records_;
  bool is_at_tombstones_ = false;
  // Reused for each row.
  std::string key_;
  std::vector<std::vector<std::uint32_t>> group_columns_;
  std::vector<messages::cell_group> groups_;
  std::vector<value_view> values_;
  std::vector<value_view> key_values_;
};

} // namespace tandem::storage
