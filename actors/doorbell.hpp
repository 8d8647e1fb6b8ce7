// A wake-up that can be rung a thousand times and is answered once: bounds what a busy writer costs.
#pragma once

#include <atomic>

namespace tandem::actors {

class doorbell {
public:
  /// True if it was silent: only then is there something to send.
  bool ring() { return !rung_.exchange(true, std::memory_order_acq_rel); }
  /// Call it before looking what there is, so that what comes later rings again.
  void answer() { rung_.store(false, std::memory_order_release); }

private:
  std::atomic<bool> rung_{false};
};

} // namespace tandem::actors
