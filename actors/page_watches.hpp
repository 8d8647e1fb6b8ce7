// What a page wants to hear of by itself: live queries, and which tables change.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/live_list.hpp"
#include "actors/page_setup.hpp"

namespace tandem::actors {

/// Each live query is run again when a table of it has changed, after the page has taken what it was told last: what
/// happens meanwhile comes as one difference.
class page_watches {
public:
  page_watches(const page_setup& setup, page_channel& channel, page_watchdog& watchdog, page_signals& signals)
      : setup_{setup}, channel_{channel}, watchdog_{watchdog}, signals_{signals} {}

  void add(messages::page::watch order);
  void add(messages::page::observe order);
  void take(const messages::page::taken& news, outbox& out);
  bool cancel(std::uint64_t id);
  [[nodiscard]] bool has(std::uint64_t id) const { return watches_.contains(id) || observers_.contains(id); }

  void note(const page_news& news, std::int64_t now_us);
  /// Runs and tells what is due.
  void go_on(outbox& out);
  [[nodiscard]] std::optional<std::int64_t> next_us() const;

private:
  struct watching {
    messages::page::watch order;
    std::optional<storage::page_statement> statement;
    std::vector<std::string> columns;
    live_list list;
    std::uint64_t sequence = 0;
    std::int64_t news_us = 0;       ///< when something changed that the page was not told; 0: nothing has
    std::int64_t told_news_us = 0;  ///< the same of what it was told last
    std::int64_t not_before_us = 0; ///< a costly query leaves time for others
    bool is_untaken = false;
    bool is_stale = true;
    bool is_whole = true;
    bool is_in_parts = false; ///< the page waits for the rest of a result
  };
  struct observing {
    messages::page::observe order;
    page_news news;
    std::uint64_t sequence = 0;
    bool is_untaken = false;
    bool is_stale = false;
  };

  void run(watching& one, outbox& out);
  live_rows read(watching& one);
  void tell(watching& one, live_difference difference);
  void tell(observing& one);
  void look_at_commits(std::int64_t now_us);
  void note_tracked_tables();
  storage::page_connection& connection();

  const page_setup& setup_;
  page_channel& channel_;
  page_watchdog& watchdog_;
  page_signals& signals_;
  std::unique_ptr<storage::page_connection> connection_; ///< before the statements of the watches, which need it
  std::map<std::uint64_t, watching> watches_;
  std::map<std::uint64_t, observing> observers_;
  std::set<std::string> tracked_;
  std::uint64_t data_version_ = 0;
  std::optional<std::int64_t> look_again_us_;
  std::size_t echo_ = 0;
};

} // namespace tandem::actors
