// One try to reach a peer.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "bridge/address.hpp"
#include "bridge/websocket_core.hpp"

namespace tandem::bridge {

class websocket_dialer final : public stoppable, public std::enable_shared_from_this<websocket_dialer> {
public:
  websocket_dialer(std::shared_ptr<websocket_core> core, dial_options options, dialed_handler on_dialed);

  // On the I/O thread.
  void start();
  void stop_now() override;

private:
  void resolve();
  void connect(const net::ip::tcp::resolver::results_type& endpoints);
  void shake_hands();
  void take_handshake(error_code error);
  void fail(const std::string& why, bool is_refusal = false);

  // Weak: the io_context holds what holds this.
  const std::weak_ptr<websocket_core> owner_;
  websocket_core& core_;
  const dial_options options_;
  dialed_handler on_dialed_;
  peer_address address_;
  net::ip::basic_resolver<net::ip::tcp, io_executor> resolver_;
  websocket_stream stream_;
  io_timer deadline_;
  websocket::response_type response_;
  bool is_over_ = false;
};

} // namespace tandem::bridge
