// What the monitor has found out, for threads that want to read it at once.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bridge/transport.hpp"
#include "monitor/alerts.hpp"
#include "monitor/ledger.hpp"
#include "monitor/peer_book.hpp"
#include "monitor/report_json.hpp"

namespace tandem::actors {

struct measure_setup {
  std::string version;                                   ///< of the program
  std::string database;                                  ///< its path
  std::function<std::int64_t()> wall_ms;                 ///< unix milliseconds
  std::function<std::vector<monitor::log_line>()> log{}; ///< the log's tail; empty: there is none
  bool measures = true;                                  ///< false: nobody measures anything
  std::function<bridge::network_troubles()> network{};   ///< what the network met with so far; empty: there is none
  std::function<std::uint64_t()> busy_opens{};           ///< how often the database could not be opened, being locked
};

/// What the monitor knows of links. Kept here, so that one that is started anew goes on with it.
struct link_memory {
  monitor::peer_book peers;
  std::deque<std::uint64_t> closed; ///< links that ended before anybody said that they work, the latest ones
  std::uint64_t refused = 0;        ///< by the network, as far as they are counted
  std::uint64_t errors = 0;
  std::uint64_t busy_opens = 0; ///< likewise
};

/// Written by the monitor actor, read by any thread. It is read without asking an actor, so that a busy node answers
/// too.
class measure_board {
public:
  explicit measure_board(measure_setup setup) : setup_{std::move(setup)} {}

  /// `work` gets the ledger, under the lock. `now_us`: of the actors' clock.
  template <class Work>
  void write(std::int64_t now_us, const Work& work) {
    const std::lock_guard lock{mutex_};
    now_us_ = now_us;
    work(ledger_);
  }
  /// Looks at the rules; what has come up or gone is a line of the log, and returned.
  monitor::watchman::news judge();
  /// In Prometheus' text format.
  [[nodiscard]] std::string metrics_text() const;
  /// As docs/monitoring.md says.
  [[nodiscard]] std::string json() const;
  [[nodiscard]] std::vector<monitor::alert> alerts() const;
  [[nodiscard]] const measure_setup& setup() const { return setup_; }
  /// For the monitor actor alone.
  link_memory& links() { return links_; }

private:
  const measure_setup setup_;
  mutable std::mutex mutex_;
  monitor::ledger ledger_;
  monitor::watchman watchman_;
  std::int64_t now_us_ = 0;
  link_memory links_;
};

} // namespace tandem::actors
