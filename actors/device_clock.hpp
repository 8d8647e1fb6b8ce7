// The time that a device stamps with: its own clock until a hub has told a better one, and from then on one that does
// not follow when somebody sets the device's clock. Else a correction would outlive the clock that it was made for:
// set right while linked, the device would stamp with a time that is off by as much as before.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

namespace tandem::actors {

/// Any thread may call anything.
class device_clock {
public:
  /// Unix milliseconds of the machine's clock, and microseconds of one that nobody sets, but that goes on while the
  /// machine sleeps; empty: the operating system's.
  device_clock(std::function<std::int64_t()> wall_ms, std::function<std::int64_t()> steady_us);

  /// What the machine's clock shows, right or wrong.
  [[nodiscard]] std::int64_t wall_ms() const { return wall_ms_(); }
  [[nodiscard]] std::int64_t now_ms();
  /// What the machine's clock is corrected by now.
  [[nodiscard]] std::int64_t correction_ms();
  /// A hub has told its time: the machine's clock differs from it by so much; 0: it counts as right.
  void correct(std::int64_t by_ms);

private:
  void follow_jump();

  const std::function<std::int64_t()> wall_ms_;
  const std::function<std::int64_t()> steady_us_;
  std::mutex mutex_;
  std::int64_t correction_ms_ = 0;
  bool has_heard_hub_ = false;
  std::int64_t last_ms_ = 0; ///< what `now_ms` was when it was last asked, and at which steady time
  std::int64_t last_us_ = 0;
};

} // namespace tandem::actors
