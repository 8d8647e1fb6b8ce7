#include "actors/device_clock.hpp"

#include <cstdlib>
#include <ctime>
#include <utility>

#include "messages/limits.hpp"

namespace tandem::actors {
namespace {

constexpr std::int64_t us_each_ms = 1'000;

std::int64_t machine_us() {
  constexpr std::int64_t us_each_s = 1'000'000;
  constexpr std::int64_t ns_each_us = 1'000;
#ifdef CLOCK_BOOTTIME
  constexpr auto sleepless = CLOCK_BOOTTIME;
#else
  constexpr auto sleepless = CLOCK_MONOTONIC;
#endif
  timespec now{};
  clock_gettime(sleepless, &now);
  return now.tv_sec * us_each_s + now.tv_nsec / ns_each_us;
}

} // namespace

device_clock::device_clock(std::function<std::int64_t()> wall_ms, std::function<std::int64_t()> steady_us)
    : wall_ms_{std::move(wall_ms)}, steady_us_{steady_us ? std::move(steady_us) : machine_us} {}

std::int64_t device_clock::now_ms() {
  const std::scoped_lock lock{mutex_};
  follow_jump();
  return last_ms_;
}

std::int64_t device_clock::correction_ms() {
  const std::scoped_lock lock{mutex_};
  follow_jump();
  return correction_ms_;
}

void device_clock::correct(std::int64_t by_ms) {
  const std::scoped_lock lock{mutex_};
  correction_ms_ = by_ms;
  has_heard_hub_ = true;
  last_ms_ = wall_ms_() + correction_ms_;
  last_us_ = steady_us_();
}

// Small steps are time servers at work, and are followed.
void device_clock::follow_jump() {
  const auto steady_us = steady_us_();
  auto now_ms = wall_ms_() + correction_ms_;
  const auto jump_ms = now_ms - (last_ms_ + (steady_us - last_us_) / us_each_ms);
  if (has_heard_hub_ && std::abs(jump_ms) > limits::clock_jump_ms_max) {
    correction_ms_ -= jump_ms;
    now_ms -= jump_ms;
  }
  last_ms_ = now_ms;
  last_us_ = steady_us;
}

} // namespace tandem::actors
