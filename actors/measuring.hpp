// How actors tell the monitor what they measure, and follow a change from station to station.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "actors/core.hpp"
#include "messages/measurement.hpp"

namespace tandem::actors {

using messages::metric;
using messages::passage;
using messages::sample;

/// What lies between two times, as a sample's value: clocks may jump, so that it is never negative nor without end.
inline std::uint64_t span_us(std::int64_t us) {
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(us, 0, limits::station_ms_max * us_per_ms));
}

inline void tell_monitor(outbox& out, std::vector<sample> samples, const passage& way = {}) {
  if (out.measures())
    out.send({role::monitor}, messages::measurements{std::move(samples), way.trail_us, way.trace});
}

/// An error that nobody has to act on, because what failed is tried again.
inline void note_swallowed(outbox& out) {
  tell_monitor(out, {{metric::errors_swallowed, 0, 1}});
}

/// The change has passed one more station now.
inline std::uint64_t pass(passage& way, std::int64_t now_us) {
  const auto took = span_us(now_us - way.at_us);
  if (way.trail_us.size() < limits::trail_items_max)
    way.trail_us.push_back(took);
  way.at_us = now_us;
  return took;
}

} // namespace tandem::actors
