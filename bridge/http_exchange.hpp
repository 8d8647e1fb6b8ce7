// The server's side of one HTTP connection that did not become a WebSocket: pages that speak HTTP, and files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "bridge/http_page.hpp"
#include "bridge/websocket_core.hpp"

namespace tandem::bridge {

class websocket_listener;

class http_exchange final : public stoppable, public http_reader, public std::enable_shared_from_this<http_exchange> {
public:
  using header_parser = http::request_parser<http::empty_body>;

  http_exchange(std::shared_ptr<websocket_listener> listener, tcp_socket socket, beast::flat_buffer buffer,
                std::string peer_name);
  ~http_exchange() override;

  /// Answers the request whose header was read, and those that follow it.
  void start(header_parser&& header);
  void stop_now() override;
  void look() override;

private:
  struct downstream {
    std::shared_ptr<http_page> page;
    std::uint64_t after = 0;
    bool is_stream = false; ///< else one pull
  };

  void read_next();
  void judge();
  void judge_page();
  void answer_preflight();
  void read_letter(const std::string& session);
  void take_letter(const std::string& session);
  std::shared_ptr<http_page> page_for(const std::string& session, std::uint64_t number);
  void end_session(const std::string& session);
  void begin_downstream(const std::string& session, bool is_stream);
  void answer_pull();
  void stream_next();
  void watch_for_end();
  void leave_page();
  void answer_metrics();
  void answer_monitor();
  void add_page_headers();
  void serve_file();

  void prepare(http::status status);
  void refuse(http::status status, std::string_view code, std::string_view text);
  void send();
  void send(std::size_t length);
  void linger();
  void wait_until(std::chrono::milliseconds patience);
  [[nodiscard]] std::string_view header(http::field name) const;
  [[nodiscard]] std::string_view header(const char* name) const;
  [[nodiscard]] std::string_view target() const;
  [[nodiscard]] std::string presented_token() const;
  [[nodiscard]] std::uint64_t number_of(std::string_view digits) const;

  const std::shared_ptr<websocket_listener> listener_;
  const std::shared_ptr<websocket_core> core_;
  tcp_socket socket_;
  io_timer deadline_;
  beast::flat_buffer buffer_;
  const std::string peer_name_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  std::optional<downstream> downstream_;
  std::string event_;
  char farewell_ = 0; ///< a stream's client has nothing more to say
  bool is_writing_ = false;
  bool is_over_ = false;
};

} // namespace tandem::bridge
