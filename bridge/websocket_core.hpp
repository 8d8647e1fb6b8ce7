// What everything on the I/O thread shares: the io_context, the limits, and who has to be stopped.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "bridge/net.hpp"
#include "bridge/websocket.hpp"

namespace tandem::bridge {

/// The subprotocol that both sides name in the WebSocket handshake.
inline constexpr const char* subprotocol = "tandem.1";
/// The one of pages, and where they knock.
inline constexpr const char* page_subprotocol = "tandem.page.1";
inline constexpr const char* page_path = "/page";
/// What Prometheus reads, and the dashboard.
inline constexpr std::string_view metrics_path = "/metrics";
inline constexpr std::string_view monitor_path = "/monitor";

/// Something with open operations. `stop_now` is called once, on the I/O thread.
class stoppable {
public:
  stoppable() = default;
  stoppable(const stoppable&) = delete;
  stoppable& operator=(const stoppable&) = delete;
  virtual ~stoppable() = default;
  virtual void stop_now() = 0;
};

/// Outlives every socket made from it: sessions and listeners hold it by shared_ptr. Operations
/// that live within the io_context alone (dials, handshakes) must not, for that were a cycle.
class websocket_core {
public:
  explicit websocket_core(const websocket_options& options) : options_{options} {}

  [[nodiscard]] const websocket_options& options() const { return options_; }
  net::io_context& io() { return io_; }

  /// Runs `work` on the I/O thread. False, and nothing happens, once the thread has ended.
  template <typename Work>
  bool post(Work&& work) {
    const std::lock_guard guard{mutex_};
    if (has_ended_) {
      return false;
    }
    net::post(io_, std::forward<Work>(work));
    return true;
  }

  // On the I/O thread only.
  void enter(stoppable& member) { members_.insert(&member); }
  void leave(stoppable& member) { members_.erase(&member); }
  [[nodiscard]] bool is_stopping() const { return is_stopping_; }
  std::size_t connections = 0;
  std::size_t handshakes = 0;

  // Whatever goes wrong here ends one connection; the monitor tells how often. From any thread.
  void note_refusal() {
    const std::lock_guard guard{troubles_mutex_};
    ++troubles_.refused;
  }
  void note_error(std::string text) {
    const std::lock_guard guard{troubles_mutex_};
    ++troubles_.errors;
    troubles_.latest_error = std::move(text);
  }
  [[nodiscard]] network_troubles troubles() const {
    const std::lock_guard guard{troubles_mutex_};
    return troubles_;
  }

  /// Stops all members and lets `run` return.
  void stop_all() {
    is_stopping_ = true;
    while (!members_.empty()) {
      auto& member = **members_.begin();
      members_.erase(members_.begin());
      member.stop_now();
    }
    io_.stop();
  }
  /// Completes what was cancelled; nothing can be posted afterwards.
  void run_out() {
    io_.restart();
    while (io_.poll() != 0) {
    }
    {
      const std::lock_guard guard{mutex_};
      has_ended_ = true;
    }
    io_.restart();
    while (io_.poll() != 0) {
    }
  }

private:
  const websocket_options options_;
  net::io_context io_{1};
  std::mutex mutex_;
  bool has_ended_ = false;
  bool is_stopping_ = false;
  std::set<stoppable*> members_;
  mutable std::mutex troubles_mutex_;
  network_troubles troubles_;
};

} // namespace tandem::bridge
