#include "monitor/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tandem::monitor {
namespace {

// 64 buckets for each power of two: each is 1/64 of its values wide, so that its middle is off by less than 1 %.
constexpr unsigned bits = 6;
constexpr std::uint64_t per_power = 1U << bits;

} // namespace

std::size_t histogram_bucket(std::uint64_t value) {
  if (value < 2 * per_power)
    return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - bits - 1;
  return static_cast<std::size_t>(shift * per_power + (value >> shift));
}

std::uint64_t bucket_middle(std::size_t bucket) {
  if (bucket < 2 * per_power)
    return bucket;
  const auto shift = static_cast<unsigned>(bucket / per_power - 1);
  const auto first = (bucket - shift * per_power) << shift;
  return first + (std::uint64_t{1} << shift) / 2;
}

void histogram::add(std::uint64_t value) {
  const auto bucket = histogram_bucket(value);
  if (bucket >= counts_.size())
    counts_.resize(bucket + 1);
  ++counts_[bucket];
  ++count_;
  largest_ = std::max(largest_, value);
}

std::uint64_t histogram::quantile(double share) const {
  if (count_ == 0)
    return 0;
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted)
      return std::min(bucket_middle(bucket), largest_);
  }
  return largest_;
}

void histogram::merge(const histogram& other) {
  if (counts_.size() < other.counts_.size())
    counts_.resize(other.counts_.size());
  for (std::size_t bucket = 0; bucket < other.counts_.size(); ++bucket)
    counts_[bucket] += other.counts_[bucket];
  count_ += other.count_;
  largest_ = std::max(largest_, other.largest_);
}

} // namespace tandem::monitor
