// The dialer keeps calling one peer, for ever, at growing and jittered intervals.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>

#include "actors/core.hpp"
#include "messages/internal.hpp"

namespace tandem::actors {

struct dialer_options {
  std::string url;
  std::uint64_t seed = 0;     ///< of the jitter
  std::function<void()> dial; ///< one try; its outcome comes as `dial_failed`, or as `link_closed` of the link later
};

/// Gets `dial_failed` from the transport, `link_closed` and `pause_links` from the supervisor; tells the host and
/// the monitor `link_phase`.
class dialer : public actor_core {
public:
  explicit dialer(dialer_options options);

  void start(outbox& out) override;
  void receive(const frame& message, outbox& out) override;
  void tick(outbox& out) override;

  /// How long to wait before try number `tries` (from 1): doubled each time, and up to half of it at random.
  static std::int64_t wait_ms(std::uint32_t tries, std::mt19937_64& random);

private:
  void retry_later(bool is_refusal, const std::string& why, outbox& out);
  void pause(bool is_paused, outbox& out);
  [[nodiscard]] messages::link_phase news_of(messages::link_phase::phase now, const std::string& why,
                                             const outbox& out) const;
  void tell(messages::link_phase::phase now, const std::string& why, outbox& out) const;

  dialer_options options_;
  std::mt19937_64 random_;
  std::uint32_t tries_ = 0;
  bool is_waiting_ = true; ///< for its next try
  bool is_paused_ = false;
  bool has_complained_ = false;
};

} // namespace tandem::actors
