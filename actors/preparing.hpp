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

/// What a host may say about a file, to stay in it; none: as it was.
struct kept_settings {
  std::optional<std::int64_t> retention_ms;      ///< how long a silent peer holds the log
  std::optional<std::int64_t> audit_keep_ms;     ///< see storage::audit_limits
  std::optional<std::uint64_t> audit_keep_count; ///< see storage::audit_limits
};

/// Opens the replica as `how` says, gives it a new site id if it is a copy or was restored, and stamps what was
/// written while no node ran. Throws
/// messages::failure before any thread has started.
prepared_replica prepare_replica(const std::string& path, const storage::replica_options& how, marker_place& marker,
                                 const kept_settings& settings = {});
/// Notes how far the log is, so that a backup that is put back is noticed. Never throws.
void leave_marker(const std::string& path, const storage::replica_options& how, marker_place& marker);

} // namespace tandem::actors
