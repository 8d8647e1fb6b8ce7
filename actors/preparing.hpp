// What has to be true of a database file before a node's actors start on it, and what they leave beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actors/file_marker.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

struct prepared_replica {
  storage::identity self;
  bool adopts = false; ///< takes over its peers' tables
};

/// Opens the replica as `how` says, gives it a new site id if it is a copy or was restored, and stamps what was
/// written while no node ran. `retention_ms` is how long a silent peer holds the log; none: as it was. Throws
/// messages::failure before any thread has started.
prepared_replica prepare_replica(const std::string& path, const storage::replica_options& how, marker_place& marker,
                                 std::optional<std::int64_t> retention_ms = std::nullopt);
/// Notes how far the log is, so that a backup that is put back is noticed. Never throws.
void leave_marker(const std::string& path, const storage::replica_options& how, marker_place& marker);

} // namespace tandem::actors
