// Time taken, and what is said of many of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace tandem::bench {

using json = nlohmann::json;

/// Seconds by the wall clock; with TANDEM_BENCH_CLOCK=cpu in the environment, seconds of this process's
/// processor time: for a look at ratios while the machine is busy with something else.
inline double clock_seconds() {
  static const bool is_cpu = [] {
    const auto* choice = std::getenv("TANDEM_BENCH_CLOCK");
    return choice != nullptr && std::string_view{choice} == "cpu";
  }();
  timespec now{};
  ::clock_gettime(is_cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Runs `work`; returns how long it took, in seconds.
template <class Work>
double seconds_of(Work&& work) {
  const auto start = clock_seconds();
  work();
  return clock_seconds() - start;
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
  const auto at = static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)));
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
