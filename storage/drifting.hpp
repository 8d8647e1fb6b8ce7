// Schema drift: replicas of different versions of an app meet. Columns that a peer has and this file's table
// lacks are kept aside, stamped and relayed like any other cell, and put in place when a migration adds them.
//
// Such a column has an id of its own among the table's columns, and is marked as gone. Its cells' stamps stand
// in the rows' records; only their values, for want of a place in the app's table, stand in tandem_aside.
#pragma once

#include <optional>
#include <string_view>

#include "storage/admission.hpp"
#include "storage/core.hpp"

namespace tandem::storage {

/// The origin of a cell that nobody ever wrote: its column came after its row. Any write is later.
inline constexpr cell_origin unwritten{};

/// The cell's origin; `unwritten` where its column came after the row's last write.
inline const cell_origin& origin_of(const table& of, const row_record& record, std::uint32_t column) {
  const auto& found = record.of(column);
  return of.is_unwritten(column, found.pos) ? unwritten : found;
}

/// The record of a row that the app wrote whole: the columns that its table has. `remains`: of a dead row under the
/// same key, whose cells of other columns stay what they were.
row_record written_whole(const table& of, const cell_origin& origin, const row_record* remains);

/// A value of a column that is gone here; null where nobody wrote any.
value aside_value(core& c, tracked_table& table, std::string_view key, std::uint32_t column);
value aside_value_at(core& c, const tracked_table& table, std::int64_t slot, std::uint32_t column);
void put_aside(core& c, tracked_table& table, std::string_view key, std::uint32_t column, const value_view& given);

/// The table is about to lose a column: its values stay, with their stamps, for others who have it.
void put_column_aside(core& c, tracked_table& from, const table_column& column);
/// Puts values in place that waited for their column.
void install_waiting(core& c, admission& admitted, conflict_store& conflicts);
/// What has to come first in every transaction that stamps, merges or resolves: takes notice of the app's schema
/// changes, puts values in place that waited for their column, and stamps what is pending.
stamp_report take_up(core& c, admission& admitted, conflict_store& conflicts);
/// That alone, and what it let in or put aside.
stamp_report settle_pending(core& c);

} // namespace tandem::storage
