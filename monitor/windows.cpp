#include "monitor/windows.hpp"

#include <algorithm>
#include <cmath>

#include "monitor/histogram.hpp"

namespace tandem::monitor {
namespace {

constexpr std::int64_t minute_slice_us = 10'000'000;
constexpr std::int64_t hour_slice_us = 600'000'000;

} // namespace

void sparse_counts::add(std::uint64_t value) {
  add_to_bucket(static_cast<std::uint16_t>(histogram_bucket(value)), 1);
  ++count_;
  sum_ += static_cast<double>(value);
  largest_ = std::max(largest_, value);
}

void sparse_counts::add(const sparse_counts& other) {
  for (const auto& [bucket, times] : other.buckets_)
    add_to_bucket(bucket, times);
  count_ += other.count_;
  sum_ += other.sum_;
  largest_ = std::max(largest_, other.largest_);
}

void sparse_counts::clear() {
  buckets_.clear();
  count_ = 0;
  sum_ = 0;
  largest_ = 0;
}

void sparse_counts::add_to_bucket(std::uint16_t bucket, std::uint32_t times) {
  const auto place = std::lower_bound(buckets_.begin(), buckets_.end(), bucket,
                                      [](const auto& each, std::uint16_t wanted) { return each.first < wanted; });
  if (place != buckets_.end() && place->first == bucket)
    place->second += times;
  else
    buckets_.insert(place, {bucket, times});
}

std::uint64_t sparse_counts::quantile(double share) const {
  const auto wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (const auto& [bucket, times] : buckets_) {
    seen += times;
    if (seen >= wanted)
      return std::min(bucket_middle(bucket), largest_);
  }
  return largest_;
}

summary sparse_counts::to_summary() const {
  return {count_, sum_, quantile(0.5), quantile(0.9), quantile(0.99), largest_};
}

void windowed_histogram::add(std::uint64_t value, std::int64_t now_us) {
  add_to(minute_, minute_slice_us, value, now_us);
  add_to(hour_, hour_slice_us, value, now_us);
  total_.add(value);
}

void windowed_histogram::add_to(window& window, std::int64_t length_us, std::uint64_t value, std::int64_t now_us) {
  const auto number = std::max<std::int64_t>(now_us, 0) / length_us;
  auto& slice = window[static_cast<std::size_t>(number) % slices];
  if (slice.number != number) {
    slice.number = number;
    slice.counts.clear();
  }
  slice.counts.add(value);
}

summary windowed_histogram::of(const window& window, std::int64_t length_us, std::int64_t now_us) {
  const auto now = std::max<std::int64_t>(now_us, 0) / length_us;
  sparse_counts all;
  for (const auto& each : window)
    if (each.number >= 0 && each.number + static_cast<std::int64_t>(slices) > now)
      all.add(each.counts);
  return all.to_summary();
}

summary windowed_histogram::minute(std::int64_t now_us) const {
  return of(minute_, minute_slice_us, now_us);
}

summary windowed_histogram::hour(std::int64_t now_us) const {
  return of(hour_, hour_slice_us, now_us);
}

} // namespace tandem::monitor
