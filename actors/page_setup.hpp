// What the parts of a page's endpoint share.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "actors/core.hpp"
#include "actors/observer.hpp"
#include "actors/page_signals.hpp"
#include "bridge/page_access.hpp"
#include "bridge/transport.hpp"
#include "messages/page.hpp"
#include "storage/page_connection.hpp"

namespace tandem::actors {

struct page_setup {
  std::string path; ///< of the database
  bool is_durable = true;
  std::string name;                             ///< of the node
  std::string user;                             ///< who settles conflicts here, unless the page says who
  replica_opener open;                          ///< for questions about sync
  std::function<void()> ring;                   ///< this page has committed
  std::function<std::string()> links_json = {}; ///< where the node's links stand: an object with "links" and "trouble"
  std::function<std::string()> monitor_json = {}; ///< what the node has measured of itself
  std::function<bridge::page_right(const std::string& token)> rights_of;
  std::function<std::int64_t()> now_ms;
};

/// Ends statements that take too long or that nobody waits for any more. Asked by SQLite while a statement runs.
class page_watchdog {
public:
  explicit page_watchdog(std::shared_ptr<page_signals> signals) : signals_{std::move(signals)} {}

  void start(std::uint64_t id, std::int64_t patience_us) {
    id_ = id;
    deadline_ = clock::now() + std::chrono::microseconds{patience_us};
  }
  [[nodiscard]] storage::page_stop look() const {
    if (signals_->is_cancelled(id_))
      return storage::page_stop::cancelled;
    return clock::now() >= deadline_ ? storage::page_stop::deadline : storage::page_stop::none;
  }

private:
  using clock = std::chrono::steady_clock;
  std::shared_ptr<page_signals> signals_;
  std::uint64_t id_ = 0;
  clock::time_point deadline_;
};

/// The way to the page. After `is_lost` nothing goes out any more.
class page_channel {
public:
  page_channel(bridge::shared_connection connection, std::shared_ptr<page_signals> signals)
      : connection_{std::move(connection)}, signals_{std::move(signals)} {}

  /// False: results have to wait until the transport says `drained`.
  [[nodiscard]] bool has_room() const {
    if (connection_->unsent_bytes() < limits::page_unsent_bytes_max)
      return true;
    signals_->wants_drained = true; // Before the second look, so that no `drained` gets lost in between.
    return connection_->unsent_bytes() < limits::page_unsent_bytes_max;
  }
  void send(shared_bytes bytes) {
    if (!is_lost_ && !connection_->send(std::move(bytes)))
      close(); // It does not read what it asked for.
  }
  template <class T>
  void send(const T& message) {
    send(messages::encode(message));
  }
  void fail(std::uint64_t id, std::string_view code, std::string_view text) {
    send(messages::page::failed{id, std::string{code}, std::string{text.substr(0, limits::reason_bytes_max)}});
  }
  void fail(std::uint64_t id, const messages::failure& problem) { fail(id, code_of(problem), problem.what()); }
  /// What pages call it.
  static std::string_view code_of(const messages::failure& problem) {
    const auto of_page = dynamic_cast<const messages::page::page_failure*>(&problem);
    return of_page ? std::string_view{of_page->page_code()} : messages::name_of(problem.code());
  }
  void grant(std::size_t bytes) { connection_->grant(bytes); }
  void close() {
    is_lost_ = true;
    connection_->close();
  }
  [[nodiscard]] bool is_lost() const { return is_lost_; }

private:
  bridge::shared_connection connection_;
  std::shared_ptr<page_signals> signals_;
  bool is_lost_ = false;
};

/// How long a page wants to wait: the usual time where it does not say, within what is allowed.
inline std::int64_t patience_us(std::uint32_t asked_ms, std::int64_t usual_ms = limits::page_deadline_ms_default,
                                std::int64_t most_ms = limits::page_deadline_ms_max) {
  return (asked_ms == 0 ? usual_ms : std::min<std::int64_t>(asked_ms, most_ms)) * us_per_ms;
}

} // namespace tandem::actors
