#include "actors/link_board.hpp"

#include <algorithm>
#include <chrono>

#include "messages/limits.hpp"

namespace tandem::actors {

void link_board::take(const messages::link_phase& news) {
  const std::lock_guard lock{mutex_};
  if (is_over(news.link))
    return;
  if (news.link != 0 && news.dialer != 0)
    dialing_.erase(news.dialer);
  auto& info = news.link != 0 ? open_[news.link] : dialing_[news.dialer];
  info.now = news.now;
  info.link = news.link;
  info.dialer = news.dialer;
  info.site = news.site;
  info.peer_name = news.peer_name;
  info.text = news.text;
  info.applied = news.applied;
  info.their_head = news.their_head;
  changed_.notify_all();
}

void link_board::take(const messages::link_sent& news) {
  const std::lock_guard lock{mutex_};
  if (is_over(news.link))
    return;
  auto& info = open_[news.link];
  info.link = news.link;
  info.sent = news.sent;
  info.acked = news.acked;
  changed_.notify_all();
}

void link_board::take(const messages::link_applied& news) {
  const std::lock_guard lock{mutex_};
  if (is_over(news.link))
    return;
  auto& info = open_[news.link];
  info.link = news.link;
  info.applied = news.applied;
  changed_.notify_all();
}

void link_board::take(const messages::link_closed& news) {
  const std::lock_guard lock{mutex_};
  open_.erase(news.link);
  closed_.push_back(news.link);
  if (closed_.size() > limits::connections_max)
    closed_.pop_front();
  changed_.notify_all();
}

void link_board::take(const messages::gave_up& news) {
  const std::lock_guard lock{mutex_};
  failure_ = news.text;
  changed_.notify_all();
}

void link_board::take(const messages::pause_links& news) {
  const std::lock_guard lock{mutex_};
  is_paused_ = news.is_paused;
  changed_.notify_all();
}

bool link_board::is_paused() const {
  const std::lock_guard lock{mutex_};
  return is_paused_;
}

bool link_board::is_over(std::uint64_t link) const {
  return std::ranges::find(closed_, link) != closed_.end();
}

std::vector<link_info> link_board::links_locked() const {
  std::vector<link_info> result;
  for (const auto& [number, info] : open_)
    result.push_back(info);
  for (const auto& [number, info] : dialing_)
    result.push_back(info);
  return result;
}

std::vector<link_info> link_board::links() const {
  const std::lock_guard lock{mutex_};
  return links_locked();
}

std::string link_board::failure() const {
  const std::lock_guard lock{mutex_};
  return failure_;
}

bool link_board::wait_for(std::int64_t ms, const std::function<bool(const std::vector<link_info>&)>& is_so) const {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, std::chrono::milliseconds{ms},
                           [&] { return !failure_.empty() || is_so(links_locked()); });
}

} // namespace tandem::actors
