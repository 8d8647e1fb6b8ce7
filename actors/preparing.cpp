#include "actors/preparing.hpp"

#include <spdlog/spdlog.h>

#include "messages/failure.hpp"

namespace tandem::actors {

prepared_replica prepare_replica(const std::string& path, const storage::replica_options& how, marker_place& marker,
                                 std::optional<std::int64_t> retention_ms) {
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
  if (retention_ms)
    replica.set_retention(*retention_ms);
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
