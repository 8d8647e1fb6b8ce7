#include "actors/batcher.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "actors/measuring.hpp"
#include "messages/internal.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {

using messages::internal;

namespace {

/// By an eighth, as that of TCP's round trips does (RFC 6298).
void move_mean(std::int64_t& mean, std::uint64_t next_us) {
  const auto us = static_cast<std::int64_t>(std::min<std::uint64_t>(next_us, limits::station_ms_max * us_per_ms));
  mean = mean == 0 ? us : (7 * mean + us) / 8;
}

} // namespace

void batcher::link::note(const messages::queue_state& state) {
  bundles_unacked = state.bundles_unacked;
  is_ordered = is_ordered && !state.answers_flush;
  if (state.round_us == 0)
    return;
  move_mean(acknowledged_within_us, state.round_us);
  move_mean(merged_within_us, state.held_us);
}

std::int64_t batcher::link::busy_window_us() const {
  if (acknowledged_within_us == 0)
    return limits::flush_window_ms * us_per_ms;
  return std::clamp(std::max(merged_within_us, acknowledged_within_us / limits::bundles_under_way),
                    limits::flush_window_ms_min * us_per_ms, limits::flush_window_ms_max * us_per_ms);
}

/// Nothing: nothing waits. The past: at once.
std::optional<std::int64_t> batcher::link::due_us(std::int64_t window_us) const {
  std::optional<std::int64_t> due;
  if (waits_since_us) {
    const bool is_at_once = rows >= limits::flush_rows_max || urgency == messages::priority::critical;
    due = *waits_since_us + (is_at_once ? 0 : window_us);
    if (!is_at_once && urgency == messages::priority::background && background_us)
      due = std::max(*due, *background_us + limits::background_window_ms * us_per_ms);
  }
  if (lags_since_us) {
    const auto late = *lags_since_us + limits::advance_window_ms * us_per_ms;
    due = due ? std::min(*due, late) : late;
  }
  return due;
}

void batcher::link::note(const messages::grown& news, std::int64_t now_us) {
  waits_since_us = waits_since_us.value_or(now_us);
  rows += news.rows;
  urgency = std::max(urgency, news.urgency);
  if (way.trail_us.empty())
    way = news.way;
}

messages::flush batcher::link::take(std::uint64_t head, std::int64_t now_us) {
  if (waits_since_us && urgency == messages::priority::background)
    background_us = now_us;
  waits_since_us.reset();
  lags_since_us.reset();
  rows = 0;
  urgency = messages::priority::background;
  is_ordered = true;
  return {head, std::exchange(way, {})};
}

/// A quiet link waits for nothing, unless a person wants it to.
std::int64_t batcher::window_us(const link& of) const {
  if (window_ms_)
    return *window_ms_ * us_per_ms;
  return of.bundles_unacked == 0 ? 0 : of.busy_window_us();
}

void batcher::tell_window(std::uint64_t number, link& of, outbox& out) const {
  if (of.bundles_unacked == 0) // Perhaps nobody knows yet whose link this is.
    return;
  const auto now = window_ms_ ? *window_ms_ * us_per_ms : of.busy_window_us();
  if (std::abs(now - of.told_window_us) * limits::window_told_divisor <= of.told_window_us)
    return;
  of.told_window_us = now;
  tell_monitor(out, {{metric::batch_window, number, span_us(now)}});
}

void batcher::receive(const frame& message, outbox& out) {
  switch (tag_as<internal>(message)) {
  case internal::grown: {
    const auto news = messages::decode<messages::grown>(message.bytes());
    if (news.rows == 0 && news.head <= head_)
      break;
    head_ = std::max(head_, news.head);
    for (auto& [number, link] : links_) {
      if (number == news.via_link)
        link.lags_since_us = link.lags_since_us.value_or(out.now_us());
      else
        link.note(news, out.now_us());
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
    link.note(state);
    tell_window(message.from().number, link, out);
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
    const auto due = link.due_us(window_us(link));
    if (!due || link.is_ordered)
      continue;
    if (*due > out.now_us()) {
      next = next ? std::min(*next, *due) : *due;
      continue;
    }
    out.send({role::queue, number}, link.take(head_, out.now_us()));
  }
  if (next)
    out.wake_at(*next);
}

} // namespace tandem::actors
