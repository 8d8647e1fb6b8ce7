// How many log entries the next step of a compaction takes, so that each holds the write lock about equally long.
#pragma once

#include <algorithm>
#include <cstdint>

#include "messages/limits.hpp"
#include "storage/replica.hpp"

namespace tandem::storage {

class compact_pace {
public:
  [[nodiscard]] std::uint64_t entries() const { return entries_; }
  void learn(const compact_report& step) {
    if (step.cost.hold_us > limits::compact_hold_us)
      entries_ /= 2;
    else if (step.cost.hold_us < limits::compact_hold_us / 3 && step.entries >= entries_)
      entries_ *= 2;
    entries_ = std::clamp(entries_, limits::compact_entries_min, limits::compact_entries_max);
  }

private:
  std::uint64_t entries_ = limits::compact_entries_min;
};

} // namespace tandem::storage
