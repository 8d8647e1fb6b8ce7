// Where connections wait for their endpoint: transports bring them in, endpoints take them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "actors/switchboard.hpp"
#include "bridge/transport.hpp"

namespace tandem::actors {

/// Gives each connection its link number and turns its events into frames. Any thread may use it.
class lobby : public std::enable_shared_from_this<lobby> {
public:
  explicit lobby(std::shared_ptr<switchboard> board);

  /// A connection that was accepted (`dialer` 0) or dialed. Tells the supervisor.
  bridge::connection_events admit(bridge::shared_connection connection, std::uint64_t dialer);
  struct guest {
    bridge::shared_connection connection;
    std::uint64_t dialer = 0;
  };
  [[nodiscard]] std::optional<guest> find(std::uint64_t link) const;
  void close(std::uint64_t link);
  void forget(std::uint64_t link);
  /// Closes and forgets all.
  void clear();

private:
  void frame_came(std::uint64_t link, bridge::shared_bytes bytes) const;

  std::shared_ptr<switchboard> board_;
  mutable std::mutex mutex_;
  std::uint64_t last_link_ = 0;
  std::map<std::uint64_t, guest> guests_;
};

} // namespace tandem::actors
