// The dialer keeps calling one peer, for ever, at growing and jittered intervals.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>

#include "actors/core.hpp"

namespace tandem::actors {

struct dialer_options {
  std::string url;
  std::uint64_t seed = 0;     ///< of the jitter
  std::function<void()> dial; ///< one try; its outcome comes as `dial_failed`, or as `link_closed` of the link later
};

/// Gets `dial_failed` from the transport, `link_closed` from the supervisor; tells the host `link_phase`.
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

  dialer_options options_;
  std::mt19937_64 random_;
  std::uint32_t tries_ = 0;
  bool has_complained_ = false;
};

} // namespace tandem::actors
