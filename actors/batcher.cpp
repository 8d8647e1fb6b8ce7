#include "actors/batcher.hpp"

#include <algorithm>
#include <utility>

#include "messages/internal.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {

using messages::internal;

/// Bundles are acknowledged in order. The mean moves by an eighth, as that of TCP's round trips does (RFC 6298).
void batcher::link::note(const messages::queue_state& state, std::int64_t now_us) {
  bundles_unacked = state.bundles_unacked;
  is_ordered = is_ordered && !state.answers_flush;
  while (under_way_since_us.size() < bundles_unacked)
    under_way_since_us.push_back(now_us);
  while (under_way_since_us.size() > bundles_unacked) {
    const auto took_us = now_us - under_way_since_us.front();
    under_way_since_us.pop_front();
    acknowledged_within_us = acknowledged_within_us == 0 ? took_us : (7 * acknowledged_within_us + took_us) / 8;
  }
}

/// A quiet link waits for nothing.
std::int64_t batcher::link::own_window_us() const {
  if (bundles_unacked == 0)
    return 0;
  if (acknowledged_within_us == 0)
    return limits::flush_window_ms * us_per_ms;
  return std::clamp(acknowledged_within_us / 2, limits::flush_window_ms_min * us_per_ms,
                    limits::flush_window_ms_max * us_per_ms);
}

/// Nothing: nothing waits. The past: at once.
std::optional<std::int64_t> batcher::link::due_us(std::int64_t window_us) const {
  std::optional<std::int64_t> due;
  if (waits_since_us)
    due = *waits_since_us + (rows >= limits::flush_rows_max ? 0 : window_us);
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
    links_[message.from().number].note(state, out.now_us());
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
    const auto due = link.due_us(window_ms_ ? *window_ms_ * us_per_ms : link.own_window_us());
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
