// The bundle: all that a peer's cursor lacks, cut into parts that travel one after the other.
#pragma once

#include <cstdint>

#include "messages/site.hpp"

namespace tandem::messages {

/// What every part of one bundle has in common. All positions are exact for one read snapshot.
struct bundle_header {
  std::uint64_t epoch = 0;          ///< of the sender's log
  std::uint64_t start = 0;          ///< the receiver's cursor that this bundle builds on
  std::uint64_t to = 0;             ///< the cursor after it: the sender's head in the snapshot
  std::uint64_t ack_epoch = 0;      ///< epoch of the receiver's log that `ack` speaks of
  std::uint64_t ack = 0;            ///< how far the sender had applied the receiver's log, in the snapshot
  std::uint64_t schema_version = 0; ///< of the sender's schema that table and column ids refer to
  std::uint64_t run = 0;            ///< latest run of the sender's log (lineage.hpp); hello tells it, not the wire
  bool is_snapshot = false;         ///< a whole copy for a receiver whose cursor is older than the log
};

} // namespace tandem::messages
