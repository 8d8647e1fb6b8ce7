// One page in a WebView: its mailbox, without the WebView. The main loop is reached by two functions, so that tests and
// other platforms' WebViews can have their own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "bridge/page_mailbox.hpp"

namespace tandem::bridge {

/// What a page's WebView does for it.
struct webview_loop {
  /// Runs that on the main loop, soon. Any thread.
  std::function<void(std::function<void()>)> post;
  /// Evaluates that script, a doorbell, in the page. On the main loop.
  std::function<void(const std::string& script)> ring;
};

/// Owned by its connection's handles and by the view. All but `send`, `unsent_bytes`, `grant` and `close` belong to the
/// main loop.
class webview_page final : public std::enable_shared_from_this<webview_page> {
public:
  /// `session`: as the page named it.
  webview_page(webview_loop loop, std::string session) : loop_{std::move(loop)}, session_{std::move(session)} {}

  void start(const page_handler& on_accept);
  /// "send N BASE64", "turn N AFTER BASE64", "wait AFTER" or "pull AFTER". `answer` is called, perhaps later, with what
  /// the page's promise resolves to, and whether that is an error.
  using answer = std::function<void(std::string text, bool is_error)>;
  void take(std::string_view message, answer answer);
  /// This side is still there; also mends a doorbell that the page did not hear.
  void beat(std::int64_t time_ms);
  /// The page is gone.
  void end(const std::string& text);
  [[nodiscard]] bool is_over() const { return is_over_; }

  // From any thread.
  bool send(shared_bytes frame);
  [[nodiscard]] std::size_t unsent_bytes() const { return unsent_bytes_; }
  void grant(std::size_t bytes);
  void close();

private:
  /// Frames that wait for credit, and who is told when all are taken up.
  struct letter {
    std::deque<shared_bytes> frames;
    answer taken_up;
  };

  void take_letter(std::uint64_t number, std::string_view encoded, answer answer);
  void take_turn(std::uint64_t number, std::string_view rest, answer answer);
  void pull(std::uint64_t after, const answer& answer);
  void wait(std::uint64_t after, answer answer);
  void hold(std::uint64_t after, answer answer);
  void tell_next();
  void acknowledge(std::uint64_t number);
  void deliver();
  [[nodiscard]] bool has_credit();
  void announce();

  const webview_loop loop_;
  const std::string session_;
  std::atomic<std::size_t> unsent_bytes_{0};
  std::atomic<bool> is_shut_{false};
  std::atomic<std::int64_t> credit_bytes_{0};
  std::atomic<bool> wants_credit_{false}; ///< letters wait for it

  connection_events events_;
  page_mailbox mailbox_;
  std::deque<letter> letters_;
  std::deque<answer> held_;  ///< of a page that waits for more than it was handed
  std::uint64_t handed_ = 0; ///< up to where all was handed out by such answers
  bool has_rung_ = false;
  bool waits_ = false; ///< the page has waited once: it needs no doorbell
  bool is_over_ = false;
};

} // namespace tandem::bridge
