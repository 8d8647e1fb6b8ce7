// A way for frames in and out of this process. One face; WebSocket and in-process bodies so far.
//
// A transport calls its observer from a thread of its own (or, in-process, from the caller of
// `send`), one call at a time. Everything here may be called from any thread, and returns at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::bridge {

/// The bytes of one frame: shared and never changed.
using shared_bytes = std::shared_ptr<const std::string>;

enum class close_reason { local, peer, heartbeat_lost, refused, protocol_error, network };

/// One open connection. Dropping the last reference closes it.
class connection {
public:
  virtual ~connection() = default;

  /// Queues a frame. False if the connection is closed or `unsent_bytes` would pass the limit
  /// (limits.hpp: socket_unsent_bytes_max); then nothing was queued.
  virtual bool send(shared_bytes frame) = 0;
  /// Bytes queued and not yet taken by the operating system.
  [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
  /// Lets the connection read and deliver up to `bytes` more. Without credit it does not read, so
  /// that the peer's TCP slows down.
  virtual void grant(std::size_t bytes) = 0;
  /// Sends what is queued, then closes. Calls `on_closed` once.
  virtual void close() = 0;
  /// The other side as people know it: a URL or an address.
  [[nodiscard]] virtual std::string peer_name() const = 0;
};

struct connection_events {
  std::function<void(shared_bytes)> on_frame;
  /// All queued bytes have gone to the operating system.
  std::function<void()> on_drained;
  /// Called once, last. `text` says what happened, for people.
  std::function<void(close_reason, std::string text)> on_closed;
};

using shared_connection = std::shared_ptr<connection>;

/// Told of each new connection; returns what to call for it.
using accept_handler = std::function<connection_events(shared_connection)>;

/// Told of each page that connects, with the token that it showed already (empty: none yet).
using page_handler = std::function<connection_events(shared_connection, std::string token)>;

/// A file that is part of the program.
struct built_in_file {
  std::string_view type; ///< Content-Type
  std::string_view content;
};

/// What a listener lets pages in for, and which. `rights_of` in page_access.hpp says what a token allows.
struct page_options {
  std::vector<std::string> origins; ///< beyond the node's own, as in http://127.0.0.1:5173
  std::string token;                ///< pages with it may do everything, as with the node's own token; empty: none
  std::string read_only_token;      ///< pages with it may only read; empty: none
  std::string www;                  ///< a folder whose files are served; empty: none
  page_handler on_accept;
  /// What GET /metrics answers; called by the I/O thread, so it must be quick. Empty: there is no such thing.
  std::function<std::string()> metrics{};
  /// The dashboard's files, by their names under /monitor/. Empty: there is no dashboard.
  std::function<std::optional<built_in_file>(std::string_view name)> monitor_file{};
};

struct listen_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;                      ///< 0: any free one
  std::string token;                           ///< empty: none asked for, allowed on loopback only
  std::shared_ptr<const page_options> pages{}; ///< null: pages are not let in
};

/// Accepts connections until it is destroyed.
class listener {
public:
  virtual ~listener() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual std::string url() const = 0;
  virtual void stop() = 0;
};

struct dial_options {
  std::string url;   ///< ws://HOST:PORT/
  std::string token; ///< sent in the Authorization header; empty: none
};

/// Why a dial came to nothing.
struct dial_trouble {
  std::string text;
  bool is_refusal = false; ///< the other side did not take our token
};

/// Tells how a dial ended: a connection, or null and why not.
using dialed_handler = std::function<connection_events(shared_connection, const dial_trouble&)>;

/// What a network met with that nobody else hears of. Both counts only grow.
struct network_troubles {
  std::uint64_t refused = 0;     ///< nodes that called with a wrong token
  std::uint64_t errors = 0;      ///< connections that could not be accepted, and handlers that threw
  std::string latest_error = {}; ///< for people
};

/// Owns the I/O thread and everything on it.
class network {
public:
  virtual ~network() = default;
  /// Throws messages::failure (network, denied) if the address can't be listened on.
  virtual std::unique_ptr<listener> listen(const listen_options& options, accept_handler on_accept) = 0;
  /// One try. `on_dialed` is called once, from the I/O thread; what it returns is ignored without a
  /// connection.
  virtual void dial(const dial_options& options, dialed_handler on_dialed) = 0;
  [[nodiscard]] virtual network_troubles troubles() const { return {}; }
  /// Closes everything and ends the thread; no handler is called after it returns.
  virtual void stop() = 0;
};

/// Real sockets: WebSocket by Boost.Beast, one I/O thread.
std::unique_ptr<network> make_websocket_network();

/// Connections within this process, for tests and hosts: names are addresses ("ws://hub:1/").
/// Deterministic: frames are handed over when `step` is called, on the caller's thread, in an order
/// that `seed` decides.
class loopback_network;

} // namespace tandem::bridge
