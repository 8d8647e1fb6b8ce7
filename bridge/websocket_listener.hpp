// Accepts TCP connections and hands each to a handshake of its own.
#pragma once

#include <memory>
#include <string>

#include "bridge/address.hpp"
#include "bridge/http_page.hpp"
#include "bridge/websocket_core.hpp"

namespace tandem::bridge {

class websocket_listener final : public stoppable, public std::enable_shared_from_this<websocket_listener> {
public:
  /// From any thread. Throws failure (denied) for a public address without a token, failure
  /// (network) if the address can't be listened on.
  websocket_listener(std::shared_ptr<websocket_core> core, const listen_options& options, accept_handler on_accept);

  [[nodiscard]] const peer_address& address() const { return address_; }
  /// From any thread, once.
  void start();
  /// From any thread; the port is free when it returns.
  void stop();

  // On the I/O thread.
  void stop_now() override;
  /// A handshake has ended: there may be room for the next connection.
  void accept_next();

  [[nodiscard]] const std::shared_ptr<websocket_core>& core() const { return core_; }
  [[nodiscard]] const std::string& token() const { return options_.token; }
  [[nodiscard]] const listen_options& options() const { return options_; }
  [[nodiscard]] http_pages& pages() { return pages_; }
  [[nodiscard]] const accept_handler& on_accept() const { return on_accept_; }

private:
  const std::shared_ptr<websocket_core> core_;
  const listen_options options_;
  const accept_handler on_accept_;
  peer_address address_;
  tcp_acceptor acceptor_;
  io_timer breather_;
  http_pages pages_;
  bool is_accepting_ = false;
  bool is_stopped_ = false;
};

/// Keeps small frames from waiting for company, and lets the system give up on a peer that takes
/// nothing any more.
void prepare_socket(tcp_socket& socket, std::chrono::milliseconds give_up);

} // namespace tandem::bridge
