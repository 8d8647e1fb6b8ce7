#include "monitor/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
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

/// `draw_both` fills both, once for each resample.
template <class DrawBoth>
ratio ratio_of(const rounds& before, const rounds& after, summary_of summary, double confidence, DrawBoth draw_both) {
  const auto from = of_all(before, summary);
  const auto to = of_all(after, summary);
  if (!(from > 0) || !(to > 0))
    return {1, 0, std::numeric_limits<double>::infinity()};
  // The same values give the same answer.
  std::mt19937_64 random{before.size() * 1'000'003 + after.size()};
  std::vector<double> drawn_before;
  std::vector<double> drawn_after;
  std::vector<double> factors;
  for (int i = 0; i < resamples; ++i) {
    drawn_before.clear();
    drawn_after.clear();
    draw_both(drawn_before, drawn_after, random);
    if (const auto base = summary(drawn_before); base > 0)
      factors.push_back(summary(drawn_after) / base);
  }
  const auto tail = (1 - confidence) / 2;
  return {to / from, quantile(factors, tail), quantile(factors, 1 - tail)};
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

ratio compare_rounds(const rounds& before, const rounds& after, summary_of summary, double confidence) {
  const auto draw_rounds = [](const rounds& from, std::vector<double>& into, std::mt19937_64& random) {
    for (std::size_t i = 0; i < from.size(); ++i)
      draw(from[random() % from.size()], into, random);
  };
  return ratio_of(before, after, summary, confidence, [&](auto& drawn_before, auto& drawn_after, auto& random) {
    draw_rounds(before, drawn_before, random);
    draw_rounds(after, drawn_after, random);
  });
}

ratio compare_pairs(const rounds& one, const rounds& other, summary_of summary, double confidence) {
  const auto pairs = std::min(one.size(), other.size());
  const rounds left{one.begin(), one.begin() + static_cast<std::ptrdiff_t>(pairs)};
  const rounds right{other.begin(), other.begin() + static_cast<std::ptrdiff_t>(pairs)};
  return ratio_of(left, right, summary, confidence, [&](auto& drawn_left, auto& drawn_right, auto& random) {
    for (std::size_t i = 0; i < pairs; ++i) {
      const auto drawn = random() % pairs;
      draw(left[drawn], drawn_left, random);
      draw(right[drawn], drawn_right, random);
    }
  });
}

} // namespace tandem::monitor
