// Compaction: forgets what every known peer has acknowledged, in steps that hold the write lock briefly.
#pragma once

#include "storage/core.hpp"

namespace tandem::storage {

/// Up to which pos nobody needs the log any more, and who does from there on.
struct log_need {
  std::uint64_t free_to = 0;
  std::optional<peer_status> holder; ///< the peer that is furthest behind of those that still count; none: nobody is
  std::int64_t holder_until_ms = 0;  ///< when it will have been silent for too long to count
};
log_need need_of_log(core& c);

/// How long a silent peer holds the log, in milliseconds.
std::int64_t retention_of(core& c);

/// What `replica::compact` does, in a transaction of its own.
compact_report compact_step(core& c, std::uint64_t entries_max);

} // namespace tandem::storage
