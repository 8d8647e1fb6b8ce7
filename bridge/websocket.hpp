// The WebSocket body of the transport, with every limit handed in: for tests and hosts that want
// others than the usual ones.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "bridge/transport.hpp"
#include "messages/limits.hpp"

namespace tandem::bridge {

struct websocket_options {
  std::size_t frame_bytes_max = limits::frame_bytes_max;
  std::size_t unsent_bytes_max = limits::socket_unsent_bytes_max;
  std::size_t connections_max = limits::connections_max;
  std::size_t handshakes_max = limits::handshakes_max;
  /// From the first byte of TCP to the end of the WebSocket handshake.
  std::chrono::milliseconds handshake_deadline{limits::handshake_ms_max};
  /// A ping goes out after this long without a sign of the peer.
  std::chrono::milliseconds heartbeat_interval{limits::heartbeat_ms};
  /// The peer counts as gone after this long without a sign.
  std::chrono::milliseconds heartbeat_deadline{limits::heartbeat_lost_ms};
  /// How long `close` waits for what is queued and for the peer's goodbye.
  std::chrono::milliseconds close_deadline{limits::goodbye_ms_max};
};

std::unique_ptr<network> make_websocket_network(const websocket_options& options);

} // namespace tandem::bridge
