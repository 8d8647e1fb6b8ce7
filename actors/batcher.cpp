#include "actors/batcher.hpp"

#include <algorithm>
#include <utility>

#include "messages/internal.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {

using messages::internal;

/// Nothing: nothing waits. The past: at once.
std::optional<std::int64_t> batcher::link::due_us() const {
  std::optional<std::int64_t> due;
  if (waits_since_us)
    due = bundles_unacked == 0 || rows >= limits::flush_rows_max
              ? *waits_since_us
              : *waits_since_us + limits::flush_window_ms * us_per_ms;
  if (lags_since_us) {
    const auto late = *lags_since_us + limits::advance_window_ms * us_per_ms;
    due = due ? std::min(*due, late) : late;
  }
  return due;
}

void batcher::receive(const frame& message, outbox& out) {
  switch (tag_as<internal>(message)) {
  case internal::grown: {
    const auto news = messages::decode<messages::grown>(message.bytes());
    if (news.rows == 0 && news.head <= head_)
      break;
    head_ = std::max(head_, news.head);
    for (auto& [number, link] : links_) {
      auto& since = number == news.via_link ? link.lags_since_us : link.waits_since_us;
      since = since.value_or(out.now_us());
      if (number == news.via_link)
        continue;
      link.rows += news.rows;
      if (link.way.trail_us.empty())
        link.way = news.way;
    }
    break;
  }
  case internal::queue_state: {
    const auto state = messages::decode<messages::queue_state>(message.bytes());
    if (!state.is_up) {
      links_.erase(message.from().number);
      break;
    }
    auto& link = links_[message.from().number];
    link.bundles_unacked = state.bundles_unacked;
    link.is_ordered = link.is_ordered && !state.answers_flush;
    break;
  }
  case internal::link_closed:
    links_.erase(messages::decode<messages::link_closed>(message.bytes()).link);
    break;
  default:
    break;
  }
  flush_due(out);
}

void batcher::tick(outbox& out) {
  flush_due(out);
}

void batcher::flush_due(outbox& out) {
  std::optional<std::int64_t> next;
  for (auto& [number, link] : links_) {
    const auto due = link.due_us();
    if (!due || link.is_ordered)
      continue;
    if (*due > out.now_us()) {
      next = next ? std::min(*next, *due) : *due;
      continue;
    }
    link.waits_since_us.reset();
    link.lags_since_us.reset();
    link.rows = 0;
    link.is_ordered = true;
    out.send({role::queue, number}, messages::flush{head_, std::exchange(link.way, {})});
  }
  if (next)
    out.wake_at(*next);
}

} // namespace tandem::actors
