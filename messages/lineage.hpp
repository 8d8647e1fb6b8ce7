// Of which runs a log is made: what lets two logs that were once the same tell up to where.
#pragma once

#include <cstdint>
#include <vector>

namespace tandem::messages {

/// A stretch of a log, from one opening of its file to the next one that wrote. Whoever opens a copy or a restored
/// backup begins a run of its own, so that two logs are the same exactly as far as their runs are.
struct log_run {
  std::uint64_t token = 0; ///< random, never given twice
  std::uint64_t start = 0; ///< the log's head when it began
  bool operator==(const log_run&) const = default;
};

/// Oldest first.
using lineage = std::vector<log_run>;

} // namespace tandem::messages
