// What reaches a page's endpoint past its mailbox, while it may be busy with a statement.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tandem::actors {

/// Changes of the database that a page has not been told of yet.
struct page_news {
  std::set<std::string> tables;
  bool is_any = false;     ///< any table may have changed
  bool is_remote = false;  ///< some of it came from a peer
  bool has_commit = false; ///< somebody has committed, perhaps to a table that does not sync
};

/// Any thread may use it. Holds one set of news however many there were, so that a busy page costs nothing.
class page_signals {
public:
  /// The page does not want to wait for this request any more.
  void cancel(std::uint64_t id) {
    const std::lock_guard lock{mutex_};
    cancelled_.insert(id);
  }
  void forget(std::uint64_t id) {
    const std::lock_guard lock{mutex_};
    cancelled_.erase(id);
  }
  /// The connection is gone.
  void end() { is_ended_ = true; }
  [[nodiscard]] bool is_cancelled(std::uint64_t id) const {
    if (is_ended_)
      return true;
    const std::lock_guard lock{mutex_};
    return cancelled_.contains(id);
  }

  /// True if the endpoint has to be woken.
  bool note_change(const std::vector<std::string>& tables, bool is_remote) {
    const std::lock_guard lock{mutex_};
    news_.is_any = news_.is_any || tables.empty();
    news_.tables.insert(tables.begin(), tables.end());
    news_.is_remote = news_.is_remote || is_remote;
    return !std::exchange(has_news_, true);
  }
  bool note_commit() {
    if (!wants_commits)
      return false;
    const std::lock_guard lock{mutex_};
    news_.has_commit = true;
    return !std::exchange(has_news_, true);
  }
  page_news take_news() {
    const std::lock_guard lock{mutex_};
    has_news_ = false;
    return std::exchange(news_, {});
  }

  std::atomic<bool> wants_commits{false}; ///< it looks at tables that do not sync
  std::atomic<bool> wants_drained{false}; ///< it waits for room in its connection

private:
  mutable std::mutex mutex_;
  std::set<std::uint64_t> cancelled_;
  page_news news_;
  bool has_news_ = false;
  std::atomic<bool> is_ended_{false};
};

} // namespace tandem::actors
