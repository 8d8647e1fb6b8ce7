// The server's side of one handshake: who is it, what does it want, and is it let in?
#pragma once

#include <memory>
#include <string>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "bridge/websocket_core.hpp"

namespace tandem::bridge {

class websocket_listener;

class websocket_handshake final : public stoppable, public std::enable_shared_from_this<websocket_handshake> {
public:
  websocket_handshake(std::shared_ptr<websocket_listener> listener, tcp_socket socket);
  ~websocket_handshake() override;

  void start();
  void stop_now() override;

private:
  void judge(error_code error);
  void judge_node();
  [[nodiscard]] bool offers_token(const std::string& token) const;
  void judge_page();
  void hand_over();
  void judge_upgrade(const char* wanted);
  void accept(const char* agreed);
  void refuse(http::status status, std::string_view text);
  void linger();

  const std::shared_ptr<websocket_listener> listener_;
  websocket_core& core_;
  websocket_stream stream_;
  io_timer deadline_;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
  std::string peer_name_;
  std::string page_token_;
  bool is_page_ = false;
  std::size_t lingering_reads_ = 0;
  bool is_over_ = false;
};

} // namespace tandem::bridge
