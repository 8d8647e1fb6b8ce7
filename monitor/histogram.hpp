// How often which value came, in little memory: log-linear buckets, off by at most 1 % of the value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem::monitor {

/// Which bucket a value falls into, counted from 0, and the value in its middle.
std::size_t histogram_bucket(std::uint64_t value);
std::uint64_t bucket_middle(std::size_t bucket);

/// Not thread-safe. Values up to 2^64 - 1; those below 128 are exact.
class histogram {
public:
  void add(std::uint64_t value);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t largest() const { return largest_; }
  /// The smallest value that at least `share` (0 to 1) of all values do not exceed, off by at most 1 %.
  /// 0 if there are none.
  [[nodiscard]] std::uint64_t quantile(double share) const;
  void merge(const histogram& other);

private:
  std::vector<std::uint64_t> counts_; ///< grows with the largest value seen
  std::uint64_t count_ = 0;
  std::uint64_t largest_ = 0;
};

} // namespace tandem::monitor
