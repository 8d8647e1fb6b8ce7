// The parts of the benchmark driver; each prints one JSON document. bench.py calls them.
#pragma once

#include <cstdint>
#include <string>

#include "measures.hpp"

namespace tandem::bench {

/// Creates the app's database with `rows` tasks; tracks them, if asked to.
void prepare(const std::string& path, std::uint64_t rows, bool is_tracked);
/// Plain SQL of an app, timed: `insert` and `update` in transactions of 100, `single` one row each.
/// Rows are numbered from `first` on.
json write(const std::string& path, const std::string& workload, std::uint64_t count, std::uint64_t first);
/// One insert every `interval_ms`; tells when each commit began and ended.
json write_paced(const std::string& path, std::uint64_t count, std::uint64_t first, std::int64_t interval_ms);
/// Commits one-row transactions until the table has `rows` rows; tells how long they took.
json write_until(const std::string& path, std::uint64_t rows, std::uint64_t first);
/// Waits for rows to become visible, and tells when each was; ends when the table has `rows` rows.
json watch(const std::string& path, std::uint64_t rows);

/// Stamping, extraction and merge against plain UPSERTs of the same rows in one transaction.
json core_rates(const std::string& folder, std::uint64_t rows, int repetitions);
/// Bytes in the file and on the wire.
json sizes(const std::string& folder, std::uint64_t rows);
/// What a compaction of a log of so many entries holds up, and what range digests of so many rows take.
json upkeep(const std::string& folder, std::uint64_t entries, std::uint64_t rows);
/// Rows a second of merges that are all conflicts, by policy, and the time that a list of so many open ones takes.
json conflicts(const std::string& folder, std::uint64_t rows, std::uint64_t listed, int repetitions);
/// Cost of one change on its whole way, with so many rows in the table.
json cost_at(const std::string& folder, std::uint64_t rows);

} // namespace tandem::bench
