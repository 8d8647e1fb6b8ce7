// The endpoint stands between one connection and the actors: routes frames, accounts for credit, closes on
// what breaks the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "actors/core.hpp"
#include "bridge/transport.hpp"
#include "messages/failure.hpp"
#include "messages/internal.hpp"

namespace tandem::actors {

/// Gets the peer's frames (sent in its own name by the transport), frames for the peer from arbiter and queue,
/// `link_ready`, `consumed` and `end_link`; hands bundle parts, hello and resume on to the arbiter, acks and
/// demand to the queue. Peers' frames are never opened here but for their tag.
class endpoint : public actor_core {
public:
  endpoint(std::uint64_t link, bridge::shared_connection connection, std::uint64_t dialer);

  void start(outbox& out) override;
  void receive(const frame& message, outbox& out) override;
  void tick(outbox& out) override;
  void stop(outbox& out) override;

private:
  struct handed_on {
    std::size_t bytes = 0;
    bool is_part = false;
  };

  void from_peer(const frame& message, outbox& out);
  void to_peer(const frame& message, outbox& out);
  void from_inside(const frame& message, outbox& out);
  void take_back(const frame& message, outbox& out);
  void grant_demand(outbox& out);
  void take_farewell(const messages::end_link& why, outbox& out);
  void end(bool is_refusal, messages::failure_code code, std::string_view text, outbox& out);
  void end(messages::end_link why, outbox& out);

  const std::uint64_t link_;
  const bridge::shared_connection connection_;
  const std::uint64_t dialer_; ///< 0: the peer called us
  bool is_ready_ = false;
  bool is_ending_ = false;
  std::int64_t deadline_us_ = 0;
  std::deque<handed_on> at_arbiter_;
  std::deque<std::size_t> at_queue_;
  std::size_t bytes_to_demand_ = 0;
  std::size_t items_to_demand_ = 0;
};

} // namespace tandem::actors
