// The offline queue of one link: reads what the peer lacks from the log and sends it, in order, while
// there is credit. What waits is on disk, in the log; in memory there is one block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "actors/core.hpp"
#include "actors/observer.hpp"
#include "messages/catalogue.hpp"
#include "messages/internal.hpp"
#include "messages/measurement.hpp"
#include "messages/site.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

/// Gets `start_link` and `announced` from the arbiter, `flush` from the batcher, acks and demand of the peer
/// from the endpoint, `grown` from the observer in answer to its `wake`; gives bundle parts to the endpoint.
class offline_queue : public actor_core {
public:
  offline_queue(std::uint64_t link, replica_opener open);

  void start(outbox& out) override;
  void receive(const frame& message, outbox& out) override;
  void tick(outbox& out) override;
  void stop(outbox& out) override;

private:
  struct sent_bundle {
    std::uint64_t to = 0;
    std::int64_t sent_us = 0;
    bool has_rows = false;
  };

  bool receive_from_peer(const frame& message, outbox& out);
  void receive_inside(const frame& message, outbox& out);
  void take_ack(const messages::ack& news, outbox& out);
  void note_round_trip(const sent_bundle& done, const messages::ack& news, outbox& out);
  void note_ack(outbox& out);

  /// Sends as much as there is and as credit allows.
  void pump(outbox& out);
  bool begin_bundle(outbox& out);
  bool read_bundle(outbox& out);
  void skip_empty(const messages::bundle_header& header, outbox& out);
  void send_part(outbox& out);
  void close_bundle(outbox& out);
  void await_stamp(outbox& out);
  /// What the peer would still take, for the monitor.
  [[nodiscard]] std::vector<messages::sample> credit() const;
  void tell_state(outbox& out, bool answers_flush);
  void plan_next(outbox& out) const;

  const std::uint64_t link_;
  replica_opener open_;
  std::optional<storage::replica> replica_;

  bool is_started_ = false;
  messages::site_id site_;
  std::uint64_t epoch_ = 0;
  std::uint64_t told_schema_ = 0; ///< version of our tables that the peer knows
  std::uint64_t told_run_ = 0;    ///< the latest run of our log that it knows

  std::int64_t credit_bytes_ = 0;
  std::int64_t credit_items_ = 0;
  std::size_t control_items_ = 0; ///< of the peer, not yet told to the endpoint as consumed

  bool is_dirty_ = false; ///< the peer may lack something
  bool awaits_stamp_ = false;
  bool awaits_announce_ = false;
  std::size_t stamp_tries_ = 0;
  std::uint64_t sent_ = 0; ///< our pos up to which all was sent
  std::uint64_t acked_ = 0;
  std::deque<sent_bundle> unacked_;

  std::optional<storage::extraction> bundle_; ///< the one being sent
  std::optional<std::string> block_;          ///< its next block
  std::uint64_t number_ = 0;
  std::uint64_t part_ = 0;
  std::uint64_t bytes_ = 0; ///< of it that were sent
  std::int64_t part_sent_us_ = 0;
  messages::passage waiting_;               ///< how the oldest change that waits has come here
  messages::passage way_;                   ///< the same of the one in the bundle
  std::uint64_t round_us_ = 0;              ///< how long an acknowledgement took lately
  std::uint64_t held_us_ = 0;               ///< of it, what the peer took to merge
  std::uint64_t transit_us_ = 0;            ///< how long the way to the peer's arbiter took lately
  std::optional<std::int64_t> advance_us_;  ///< when to tell the peer of what it need only pass over
  std::optional<std::int64_t> retry_us_;    ///< when to read the log again after it could not be read
  std::optional<std::int64_t> note_ack_us_; ///< when to write `acked_` down
};

} // namespace tandem::actors
