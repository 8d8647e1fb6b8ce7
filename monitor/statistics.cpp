#include "monitor/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace tandem::monitor {
namespace {

constexpr int resamples = 2'000;
constexpr double tail = 0.025; // on each side: 95 % lie between

void draw(std::span<const double> values, std::vector<double>& drawn, std::mt19937_64& random) {
  for (std::size_t i = 0; i < values.size(); ++i)
    drawn.push_back(values[random() % values.size()]);
}

/// Puts them into another order. 0 if there are none.
double middle_of(std::vector<double>& drawn) {
  if (drawn.empty())
    return 0;
  const auto middle = drawn.begin() + static_cast<std::ptrdiff_t>((drawn.size() - 1) / 2);
  std::nth_element(drawn.begin(), middle, drawn.end());
  return *middle;
}

double median_of_rounds(const rounds& all) {
  std::vector<double> values;
  for (const auto& each : all)
    values.insert(values.end(), each.begin(), each.end());
  return middle_of(values);
}

/// `draw_both` fills both, once for each resample.
template <class DrawBoth>
ratio ratio_of(double from, double to, std::uint64_t seed, double share, DrawBoth draw_both) {
  if (!(from > 0) || !(to > 0))
    return {1, 0, std::numeric_limits<double>::infinity()};
  std::mt19937_64 random{seed};
  std::vector<double> before;
  std::vector<double> after;
  std::vector<double> factors;
  for (int i = 0; i < resamples; ++i) {
    before.clear();
    after.clear();
    draw_both(before, after, random);
    if (const auto base = middle_of(before); base > 0)
      factors.push_back(middle_of(after) / base);
  }
  return {to / from, quantile(factors, share), quantile(factors, 1 - share)};
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

ratio compare_rounds(const rounds& before, const rounds& after) {
  const auto draw_rounds = [](const rounds& from, std::vector<double>& into, std::mt19937_64& random) {
    for (std::size_t i = 0; i < from.size(); ++i)
      draw(from[random() % from.size()], into, random);
  };
  return ratio_of(median_of_rounds(before), median_of_rounds(after), before.size() * 1'000'003 + after.size(), tail,
                  [&](auto& drawn_before, auto& drawn_after, auto& random) {
                    draw_rounds(before, drawn_before, random);
                    draw_rounds(after, drawn_after, random);
                  });
}

ratio compare_pairs(const rounds& one, const rounds& other, double confidence) {
  const auto pairs = std::min(one.size(), other.size());
  const rounds left{one.begin(), one.begin() + static_cast<std::ptrdiff_t>(pairs)};
  const rounds right{other.begin(), other.begin() + static_cast<std::ptrdiff_t>(pairs)};
  return ratio_of(median_of_rounds(left), median_of_rounds(right), pairs, (1 - confidence) / 2,
                  [&](auto& drawn_left, auto& drawn_right, auto& random) {
                    for (std::size_t i = 0; i < pairs; ++i) {
                      const auto drawn = random() % pairs;
                      draw(left[drawn], drawn_left, random);
                      draw(right[drawn], drawn_right, random);
                    }
                  });
}

} // namespace tandem::monitor
