#include "monitor/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace tandem::monitor {
namespace {

constexpr int resamples = 2'000;
constexpr double late = 0.99;

void draw(std::span<const double> values, std::vector<double>& drawn, std::mt19937_64& random) {
  for (std::size_t i = 0; i < values.size(); ++i)
    drawn.push_back(values[random() % values.size()]);
}

std::size_t rank_of(double share, std::size_t count) {
  const auto rank = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count));
  return static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
}

double quantile_of(std::vector<double>& values, double share) {
  if (values.empty())
    return 0;
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(rank_of(share, values.size()));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

double of_all(const rounds& all, summary_of summary) {
  std::vector<double> values;
  for (const auto& each : all)
    values.insert(values.end(), each.begin(), each.end());
  return summary(values);
}

} // namespace

double middle_of(std::vector<double>& values) {
  return quantile_of(values, 0.5);
}

double late_of(std::vector<double>& values) {
  return quantile_of(values, late);
}

double mean_of(std::vector<double>& values) {
  double sum = 0;
  for (const auto each : values)
    sum += each;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double quantile(std::span<const double> values, double share) {
  std::vector<double> copy{values.begin(), values.end()};
  return quantile_of(copy, share);
}

double median(std::span<const double> values) {
  return quantile(values, 0.5);
}

ratio compare_pairs(const rounds& one, const rounds& other, summary_of summary, double confidence) {
  const auto pairs = std::min(one.size(), other.size());
  const rounds left{one.begin(), one.begin() + static_cast<std::ptrdiff_t>(pairs)};
  const rounds right{other.begin(), other.begin() + static_cast<std::ptrdiff_t>(pairs)};
  const auto from = of_all(left, summary);
  const auto to = of_all(right, summary);
  if (!(from > 0) || !(to > 0))
    return nothing_known;
  std::mt19937_64 random{pairs * 1'000'003}; // The same values give the same answer.
  std::vector<double> drawn_left;
  std::vector<double> drawn_right;
  std::vector<double> factors;
  for (int i = 0; i < resamples; ++i) {
    drawn_left.clear();
    drawn_right.clear();
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      const auto drawn = random() % pairs;
      draw(left[drawn], drawn_left, random);
      draw(right[drawn], drawn_right, random);
    }
    if (const auto base = summary(drawn_left); base > 0)
      factors.push_back(summary(drawn_right) / base);
  }
  const auto tail = (1 - confidence) / 2;
  return {to / from, quantile(factors, tail), quantile(factors, 1 - tail)};
}

} // namespace tandem::monitor
