// A histogram of the last minute, of the last hour, and of all, in little memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tandem::monitor {

/// What a set of values comes to. Quantiles are off by at most 1 %.
struct summary {
  std::uint64_t count = 0;
  double sum = 0;
  std::uint64_t p50 = 0, p90 = 0, p99 = 0;
  std::uint64_t largest = 0;
};

/// Counts of those buckets only that hold something: what one thing takes differs little from time to time.
class sparse_counts {
public:
  void add(std::uint64_t value);
  void add(const sparse_counts& other);
  void clear();
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] summary to_summary() const;

private:
  void add_to_bucket(std::uint16_t bucket, std::uint32_t times);
  [[nodiscard]] std::uint64_t quantile(double share) const;

  std::vector<std::pair<std::uint16_t, std::uint32_t>> buckets_; ///< ascending
  std::uint64_t count_ = 0;
  double sum_ = 0;
  std::uint64_t largest_ = 0;
};

/// Not thread-safe. The clock is handed in: microseconds, never running back. The minute and the hour are made of six
/// slices each, so that they reach back between 5/6 and all of their length.
class windowed_histogram {
public:
  void add(std::uint64_t value, std::int64_t now_us);
  [[nodiscard]] summary minute(std::int64_t now_us) const;
  [[nodiscard]] summary hour(std::int64_t now_us) const;
  [[nodiscard]] summary total() const { return total_.to_summary(); }

private:
  static constexpr std::size_t slices = 6;
  struct slice {
    std::int64_t number = -1; ///< of its length since the clock began; -1: unused
    sparse_counts counts;
  };
  using window = std::array<slice, slices>;
  static void add_to(window& window, std::int64_t length_us, std::uint64_t value, std::int64_t now_us);
  static summary of(const window& window, std::int64_t length_us, std::int64_t now_us);

  window minute_;
  window hour_;
  sparse_counts total_;
};

} // namespace tandem::monitor
