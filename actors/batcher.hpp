// The batcher decides when each queue sends: at once on a quiet link, bundled on a busy one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "actors/core.hpp"
#include "messages/internal.hpp"
#include "messages/priority.hpp"

namespace tandem::actors {

/// Gets `grown` from observer and arbiter, `queue_state` from the queues; gives `flush` to a queue, never a
/// second one before it has answered the first.
class batcher : public actor_core {
public:
  /// `window_ms`: how long changes are collected; none: as long as suits each link, and not at all while it is quiet.
  explicit batcher(std::optional<std::int64_t> window_ms = {}) : window_ms_{window_ms} {}

  void receive(const frame& message, outbox& out) override;
  void tick(outbox& out) override;

private:
  struct link {
    std::uint64_t bundles_unacked = 0;
    std::uint64_t rows = 0;                                      ///< that wait
    std::optional<std::int64_t> waits_since_us;                  ///< for something that the peer lacks
    messages::priority urgency = messages::priority::background; ///< the highest of what waits
    std::optional<std::int64_t> background_us;                   ///< when background changes alone went last
    std::optional<std::int64_t> lags_since_us; ///< for the peer's own changes, which it need only pass over
    messages::passage way{};                   ///< of the oldest change that waits
    bool is_ordered = false;                   ///< a flush is in the queue's mailbox
    std::int64_t acknowledged_within_us = 0;   ///< a moving mean; 0: none came yet
    std::int64_t merged_within_us = 0;         ///< the same of what the peer takes for a bundle
    std::int64_t told_window_us = 0;           ///< to the monitor

    void note(const messages::queue_state& state);
    void note(const messages::grown& news, std::int64_t now_us);
    messages::flush take(std::uint64_t head, std::int64_t now_us);
    /// While a bundle is under way.
    [[nodiscard]] std::int64_t busy_window_us() const;
    [[nodiscard]] std::optional<std::int64_t> due_us(std::int64_t window_us) const;
  };

  [[nodiscard]] std::int64_t window_us(const link& of) const;
  void tell_window(std::uint64_t number, link& of, outbox& out) const;
  void flush_due(outbox& out);

  const std::optional<std::int64_t> window_ms_;
  std::uint64_t head_ = 0;
  std::map<std::uint64_t, link> links_;
};

} // namespace tandem::actors
