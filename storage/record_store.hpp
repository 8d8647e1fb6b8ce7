// The records of one tracked table's rows, with those at hand that the current transaction works on: read in batches
// ahead of need, written in batches behind.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/database.hpp"
#include "storage/row_feed.hpp"
#include "storage/row_record.hpp"
#include "storage/table.hpp"

namespace tandem::storage {

/// Records are found by the row's slot: its integer key, or the hash of its key; where two keys have one hash, the
/// later one takes the next free slot. A row keeps its slot when it dies.
class record_store {
public:
  /// Both must outlive the store. `has_tombstones` tells whether any row is dead.
  record_store(database& db, const table& info, const bool& has_tombstones);

  std::optional<row_record> record(std::string_view key);
  /// Inserts or replaces. What is put or removed reaches the file by `flush` at the latest.
  void put(std::string_view key, const row_record& record);
  void remove(std::string_view key);
  /// Where the row's record is, or would go.
  std::int64_t slot_of(std::string_view key);
  /// The live record in a slot, and its packed key.
  std::optional<row_record> record_at(std::int64_t slot, std::string& key);

  /// False if it is known that the row, which has no live record, has no tombstone either.
  bool may_be_dead(std::string_view key);
  /// Call it after the row's tombstone was written or removed.
  void forget_dead(std::string_view key);

  /// Reads many records at once, so that each is at hand when it is asked for.
  void read_ahead(std::span<const std::string> keys);
  void read_ahead(std::span<const std::int64_t> slots);

  /// Writes what was put and removed. Call it before other SQL looks at the records, and before the commit.
  void flush();
  /// Forgets what is at hand, written or not: call it at the beginning of each transaction.
  void forget();

private:
  struct place {
    bool is_taken = false;
    bool is_changed = false;
    bool is_dead_known = false;
    std::optional<std::string> dead_key; ///< of the tombstone in this slot
    std::string key;                     ///< empty for integer keys
    std::string record;
  };

  [[nodiscard]] std::int64_t first_slot(std::string_view key) const;
  place& locate(std::string_view key);
  place& at(std::int64_t slot);
  /// True if the slot, live, dead or free, is the one for the key.
  bool is_of(std::string_view key, std::int64_t slot, place& there);
  const std::optional<std::string>& dead_key_at(std::int64_t slot, place& there);
  void read_fed();
  void read_dead_fed();
  void keep_within_bounds(std::size_t more);

  const table& info_;
  const bool& has_tombstones_;
  statement get_, get_many_, put_many_, remove_, dead_key_, dead_keys_;
  std::unordered_map<std::int64_t, place> places_;
  std::size_t bytes_ = 0; ///< of keys and records at hand, about
  bool has_changes_ = false;
  row_feed slots_{1};
  // The row that was located last: work on one row comes in a row.
  place* located_ = nullptr;
  std::int64_t located_slot_ = 0;
  std::string located_key_;
};

} // namespace tandem::storage
