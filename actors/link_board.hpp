// What the host sees of its links: the one place where actors' news and the host's threads meet.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "messages/internal.hpp"

namespace tandem::actors {

struct link_info {
  messages::link_phase::phase now = messages::link_phase::phase::connecting;
  std::uint64_t link = 0;   ///< 0: no connection now
  std::uint64_t dialer = 0; ///< 0: the peer called us
  messages::site_id site;
  std::string peer_name;
  std::string text;
  std::uint64_t sent = 0;
  std::uint64_t acked = 0;
  std::uint64_t applied = 0;
  std::uint64_t their_head = 0;
};

/// Written by the host actor, read by any thread.
class link_board {
public:
  void take(const messages::link_phase& news);
  void take(const messages::link_sent& news);
  void take(const messages::link_applied& news);
  void take(const messages::link_closed& news);
  void take(const messages::gave_up& news);
  void take(const messages::pause_links& news);

  [[nodiscard]] std::vector<link_info> links() const;
  /// Why the node has stopped by itself; empty: it has not.
  [[nodiscard]] std::string failure() const;
  [[nodiscard]] bool is_paused() const;
  /// Waits until `is_so` holds for the links or the node has given up; false if `ms` passed first.
  bool wait_for(std::int64_t ms, const std::function<bool(const std::vector<link_info>&)>& is_so) const;

private:
  [[nodiscard]] std::vector<link_info> links_locked() const;
  [[nodiscard]] bool is_over(std::uint64_t link) const;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::uint64_t, link_info> open_;    ///< by link
  std::map<std::uint64_t, link_info> dialing_; ///< by dialer, while there is no link
  /// Links that ended last: what other actors said of them before they heard of it may come later.
  std::deque<std::uint64_t> closed_;
  std::string failure_;
  bool is_paused_ = false;
};

} // namespace tandem::actors
