// Lineage: the runs of our log and of our peers', which tell how much of a log a copy or a restored file shares.
#pragma once

#include "messages/lineage.hpp"
#include "storage/core.hpp"

namespace tandem::storage {

using messages::lineage;

lineage lineage_of(core& c);
/// The token of the latest run; 0: nothing was ever written.
std::uint64_t latest_run(core& c);

/// Up to which pos two logs are one: where the latest run that both have ends in the one or in the other. The heads
/// are the ends of the last runs.
std::uint64_t common_pos(const lineage& left, std::uint64_t left_head, const lineage& right, std::uint64_t right_head);

/// What `replica::meet` does, within a transaction of its own.
peer_memory meet_peer(core& c, const site_id& site, std::uint64_t epoch, std::uint64_t head, const lineage& theirs);
/// True if our log goes to `pos` within run `token`, or did when the next run began.
bool has_written(core& c, std::uint64_t token, std::uint64_t pos);

/// Remember how far the peer has applied our log, and we theirs; within a write transaction.
void note_acked(core& c, const site_id& peer, std::uint64_t epoch, std::uint64_t pos);
void note_applied(core& c, const site_id& peer, std::uint64_t epoch, std::uint64_t pos);

} // namespace tandem::storage
