#include "monitor/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace tandem::monitor {
namespace {

constexpr int resamples = 2'000;
constexpr double tail = 0.025; // on each side: 95 % lie between

double median_of_resample(std::span<const double> values, std::vector<double>& drawn, std::mt19937_64& random) {
  drawn.clear();
  for (std::size_t i = 0; i < values.size(); ++i)
    drawn.push_back(values[random() % values.size()]);
  const auto middle = drawn.begin() + static_cast<std::ptrdiff_t>((drawn.size() - 1) / 2);
  std::nth_element(drawn.begin(), middle, drawn.end());
  return *middle;
}

} // namespace

double quantile(std::span<const double> values, double share) {
  if (values.empty())
    return 0;
  std::vector<double> sorted{values.begin(), values.end()};
  std::ranges::sort(sorted);
  const auto rank = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

double median(std::span<const double> values) {
  return quantile(values, 0.5);
}

ratio compare_medians(std::span<const double> before, std::span<const double> after) {
  const auto from = median(before);
  const auto to = median(after);
  if (!(from > 0) || !(to > 0))
    return {1, 0, std::numeric_limits<double>::infinity()};
  std::mt19937_64 random{before.size() * 1'000'003 + after.size()};
  std::vector<double> drawn;
  std::vector<double> factors;
  for (int i = 0; i < resamples; ++i) {
    const auto base = median_of_resample(before, drawn, random);
    const auto now = median_of_resample(after, drawn, random);
    if (base > 0)
      factors.push_back(now / base);
  }
  return {to / from, quantile(factors, tail), quantile(factors, 1 - tail)};
}

} // namespace tandem::monitor
