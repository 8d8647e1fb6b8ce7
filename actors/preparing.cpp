#include "actors/preparing.hpp"

#include <spdlog/spdlog.h>

#include "messages/failure.hpp"

namespace tandem::actors {

prepared_replica prepare_replica(const std::string& path, const storage::replica_options& how, marker_place& marker,
                                 const kept_settings& settings) {
  auto replica = storage::replica::open(path, how);
  const auto status = replica.status();
  auto self = status.self;
  const auto mark = marker.mark_now(self, status.head);
  if (const auto sign = sign_of_copy(marker.read(), mark, !status.peers.empty()); !sign.empty()) {
    spdlog::warn("the node takes a new site id for {}, because {}", path, sign);
    replica.take_new_identity(sign);
    self = replica.self();
  }
  marker.write(marker.mark_now(self, replica.head()));
  if (settings.retention_ms)
    replica.set_retention(*settings.retention_ms);
  if (settings.audit_keep_ms || settings.audit_keep_count) {
    auto kept = replica.current_audit_limits();
    kept.keep_ms = settings.audit_keep_ms.value_or(kept.keep_ms);
    kept.keep_count = settings.audit_keep_count.value_or(kept.keep_count);
    replica.set_audit_limits(kept);
  }
  replica.stamp_pending(); // What was written while no node ran.
  return {self, status.adopting};
}

void leave_marker(const std::string& path, const storage::replica_options& how, marker_place& marker) {
  try {
    auto replica = storage::replica::open(path, how);
    marker.write(marker.mark_now(replica.self(), replica.head()));
  } catch (const messages::failure& problem) {
    spdlog::debug("the node could not bring its marker up to date: {}", problem.what());
  }
}

} // namespace tandem::actors
