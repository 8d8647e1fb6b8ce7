// Repair: finds by range digests where two replicas differ that should not, and mends just those ranges.
#pragma once

#include "messages/comparison.hpp"
#include "storage/merging.hpp"

namespace tandem::storage {

/// In one read transaction of the caller's.
messages::table_ranges ranges_of(core& c, tracked_table& table, std::uint64_t count);
/// As many of the wanted ranges as fit, at least one.
messages::range_rows rows_in(core& c, tracked_table& table, std::uint64_t count,
                             const std::vector<std::uint64_t>& wanted);
/// The ranges in which two sides differ; `digests` of both have the same length.
std::vector<std::uint64_t> differing_ranges(std::string_view left, std::string_view right);
/// What `replica::compare` does, in a transaction of its own.
range_comparison compare_ranges(core& c, const site_id& peer, std::uint64_t head, std::uint64_t applied,
                                const messages::table_ranges& theirs);
/// What `replica::mend` does, in a transaction of its own.
merge_report mend_ranges(core& c, const peer_binding& binding, const site_id& peer, const messages::range_rows& theirs,
                         bool yields);
/// Notes a hint for each row of the ranges that is in its table without a record: it was written with its triggers
/// off, or its record was lost. Returns how many there were.
std::uint64_t note_unrecorded(core& c, tracked_table& table, const messages::range_rows& where);

} // namespace tandem::storage
