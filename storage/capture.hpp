// Capture: triggers in pure SQL that note which rows may have changed. Any process with a stock
// SQLite can therefore write to a tracked database.
//
// A hint is (table, what, wall time, key). It says "look at this row", never what the row holds: the
// truth is the table, looked at when hints are stamped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/column_set.hpp"
#include "storage/table.hpp"

namespace tandem::storage {

enum class hint_kind : std::uint8_t {
  inserted = 1,
  updated = 2,
  deleted = 3,
  displaced = 4, ///< a REPLACE may have removed the row to make place for another one
};

/// What a pending row's column `o` means.
struct hint {
  hint_kind kind = hint_kind::updated;
  column_set columns; ///< of `updated`: ids of the changed columns

  static hint unpack(std::uint64_t packed);
};

/// Column `index` (0-based) of a key in tandem_pending: k, k2, k3, ...
std::string pending_key_column(std::size_t index);

/// Statements that make everything which captures changes of `tracked`.
std::vector<std::string> capture_statements(const table& tracked);
/// Statements that remove the triggers again; they work whatever of them exists.
std::vector<std::string> release_statements(std::uint32_t table_id);

} // namespace tandem::storage
