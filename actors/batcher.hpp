// The batcher decides when each queue sends: at once on a quiet link, bundled on a busy one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "actors/core.hpp"
#include "messages/internal.hpp"

namespace tandem::actors {

/// Gets `grown` from observer and arbiter, `queue_state` from the queues; gives `flush` to a queue, never a
/// second one before it has answered the first.
class batcher : public actor_core {
public:
  void receive(const frame& message, outbox& out) override;
  void tick(outbox& out) override;

private:
  struct link {
    std::uint64_t bundles_unacked = 0;
    std::uint64_t rows = 0;                     ///< that wait
    std::optional<std::int64_t> waits_since_us; ///< for something that the peer lacks
    std::optional<std::int64_t> lags_since_us;  ///< for the peer's own changes, which it need only pass over
    messages::passage way{};                    ///< of the oldest change that waits
    bool is_ordered = false;                    ///< a flush is in the queue's mailbox

    [[nodiscard]] std::optional<std::int64_t> due_us() const;
  };

  void flush_due(outbox& out);

  std::uint64_t head_ = 0;
  std::map<std::uint64_t, link> links_;
};

} // namespace tandem::actors
