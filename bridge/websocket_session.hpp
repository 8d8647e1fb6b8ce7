// One open WebSocket connection, after its handshake. Lives on the I/O thread; what a host holds is
// a handle to it.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "bridge/websocket_core.hpp"

namespace tandem::bridge {

class websocket_session final : public stoppable, public std::enable_shared_from_this<websocket_session> {
public:
  websocket_session(std::shared_ptr<websocket_core> core, websocket_stream stream, std::string peer_name);
  ~websocket_session() override;

  // From any thread.
  bool send(shared_bytes frame);
  [[nodiscard]] std::size_t unsent_bytes() const { return unsent_bytes_.load(std::memory_order_relaxed); }
  void grant(std::size_t bytes);
  void close();
  [[nodiscard]] const std::string& peer_name() const { return peer_name_; }

  // On the I/O thread.
  /// Shows the connection to the host, which answers with its handlers, and lets it go to work. What
  /// the host holds is a handle: when the last one is dropped, the connection closes.
  static void open(std::shared_ptr<websocket_core> core, websocket_stream stream, std::string peer_name,
                   const std::function<connection_events(shared_connection)>& introduce);
  void stop_now() override;

private:
  void start(connection_events events);
  using clock = std::chrono::steady_clock;

  void read_more();
  void take_bytes(error_code error, std::size_t count);
  void take_message();
  void take_read_error(error_code error);
  void write_next();
  void take_written(error_code error, std::size_t bytes);
  void beat();
  void begin_close(websocket::close_code code, std::string_view words, close_reason reason, std::string text);
  void say_goodbye();
  void finish(close_reason reason, std::string text);
  template <typename Handler, typename... Arguments>
  void call_host(const Handler& handler, Arguments&&... arguments);

  const std::shared_ptr<websocket_core> core_;
  const std::string peer_name_;

  // Shared between threads.
  std::mutex mutex_;
  std::deque<shared_bytes> outgoing_; // guarded by mutex_
  bool is_shut_ = false;              // guarded by mutex_: takes no more frames
  bool is_flush_posted_ = false;      // guarded by mutex_
  std::atomic<std::size_t> unsent_bytes_{0};

  // On the I/O thread only.
  websocket_stream stream_;
  io_timer heartbeat_;
  io_timer goodbye_;
  connection_events events_;
  std::string message_;
  std::size_t message_bytes_ = 0;
  std::int64_t credit_bytes_ = 0;
  clock::time_point heard_;
  websocket::close_reason farewell_;
  close_reason reason_ = close_reason::local;
  std::string reason_text_;
  bool is_reading_ = false;
  bool is_writing_ = false;
  bool is_pinging_ = false;
  bool is_closing_ = false;
  bool has_said_goodbye_ = false;
  bool is_finished_ = false;
};

} // namespace tandem::bridge
