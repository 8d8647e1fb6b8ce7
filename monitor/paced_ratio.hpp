// Two measurements that were made at different times, on a machine whose pace changes.
#pragma once

#include <span>

#include "monitor/statistics.hpp"

namespace tandem::monitor {

/// What one round of a measurement came to, and how long the same piece of work took the machine meanwhile: both above
/// 0, in units that are the same in all rounds.
struct paced_round {
  double value = 0;
  double pace = 1;
};

/// How many times larger the later values are than what the machine's pace accounts for, with the bounds between which
/// that lies with 99 % confidence. How far the values follow the pace is learned from the rounds of both measurements.
/// One round each tells of no spread: then both bounds are the factor. Nothing is known where a value is not above 0.
ratio compare_paced(std::span<const paced_round> before, std::span<const paced_round> after);

} // namespace tandem::monitor
