// A page that speaks HTTP: one connection of the transport over many requests, by its mailbox. Lives on the I/O thread;
// what a host holds is a handle to it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "bridge/page_mailbox.hpp"
#include "bridge/websocket_core.hpp"

namespace tandem::bridge {

/// A request that waits for what comes down: a stream of events, or one pull.
class http_reader {
public:
  http_reader() = default;
  http_reader(const http_reader&) = delete;
  http_reader& operator=(const http_reader&) = delete;
  virtual ~http_reader() = default;
  /// There is something after what it was given last, or the page has ended.
  virtual void look() = 0;
};

class http_page final : public stoppable, public std::enable_shared_from_this<http_page> {
public:
  http_page(std::shared_ptr<websocket_core> core, std::string peer_name, std::function<void()> on_over);
  ~http_page() override;

  // From any thread.
  bool send(shared_bytes frame);
  [[nodiscard]] std::size_t unsent_bytes() const;
  void grant(std::size_t bytes);
  void close();
  [[nodiscard]] const std::string& peer_name() const { return peer_name_; }

  // On the I/O thread.
  void start(const std::function<connection_events(shared_connection)>& introduce);
  void stop_now() override;
  /// The page has said that it goes.
  void end();
  /// A POST. `answer` is called, perhaps later, with a status and, where that is an error, its code and text.
  using answer = std::function<void(unsigned status, std::string_view code, std::string_view text)>;
  void take_letter(std::uint64_t number, std::string_view letter, answer answer);
  void acknowledge(std::uint64_t number);
  /// The reader stays until it leaves or another one comes, which it is told by `look`.
  void attach(const std::shared_ptr<http_reader>& reader);
  void detach(const http_reader& reader);
  [[nodiscard]] bool is_attached(const http_reader& reader) const { return reader_.lock().get() == &reader; }
  [[nodiscard]] std::optional<page_mailbox::batch> after(std::uint64_t number, std::size_t bytes_target) const {
    return mailbox_.after(number, bytes_target);
  }
  [[nodiscard]] bool is_over() const { return is_over_; }
  [[nodiscard]] bool is_closing() const { return is_closing_; }

private:
  void put(shared_bytes frame);
  void note_room();
  void deliver();
  void beat();
  void finish(close_reason reason, const std::string& text);

  const std::shared_ptr<websocket_core> core_;
  const std::string peer_name_;
  const std::function<void()> on_over_;
  std::atomic<std::size_t> queued_bytes_{0}; ///< given by the host and not acknowledged by the page
  std::atomic<bool> is_shut_{false};

  connection_events events_;
  page_mailbox mailbox_;
  std::weak_ptr<http_reader> reader_;
  io_timer idle_;
  io_timer heartbeat_;
  std::int64_t credit_bytes_ = 0;
  std::deque<shared_bytes> undelivered_;
  answer waiting_; ///< of the POST that brought them
  bool is_closing_ = false;
  bool is_over_ = false;
  bool wants_room_ = false;
};

/// The pages of one listener, by their sessions. On the I/O thread.
class http_pages {
public:
  std::map<std::string, std::shared_ptr<http_page>, std::less<>> by_session;
};

} // namespace tandem::bridge
