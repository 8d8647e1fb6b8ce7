// Time taken, and what is said of many of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include <nlohmann/json.hpp>

namespace tandem::bench {

using json = nlohmann::json;

/// Runs `work`; returns how long it took, in seconds.
template <class Work>
double seconds_of(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The steady clock in microseconds: the same for all processes of one machine.
inline std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline double percentile(std::vector<double> values, double share) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  return values[at];
}

inline double median(const std::vector<double>& values) {
  return percentile(values, 0.5);
}

inline json spread(const std::vector<double>& values) {
  return {{"count", values.size()},
          {"p50", percentile(values, 0.5)},
          {"p99", percentile(values, 0.99)},
          {"max", percentile(values, 1)}};
}

} // namespace tandem::bench
