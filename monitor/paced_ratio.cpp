#include "monitor/paced_ratio.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace tandem::monitor {
namespace {

constexpr int resamples = 2'000;
/// What takes twice as long of the machine's own work takes by 2 to the power of this longer of ours. Measured over 14
/// validations of one program on a virtual machine whose pace changed by a factor of three: by figure 0.2 to 0.8. Where
/// the rounds tell otherwise, they are believed.
constexpr double usual_slope = 0.5;
constexpr double spread_of_slopes = 0.3;
/// The pace is measured with an error of some percent itself. Values that hardly differ beside it would seem not to
/// follow it at all, so their spread is taken for at least this much.
constexpr double least_spread = 0.05;

/// One round, in logarithms: factors become differences.
struct point {
  double value = 0;
  double pace = 0;
};
using points = std::vector<point>;

points in_logarithms(std::span<const paced_round> all) {
  points result;
  for (const auto& each : all)
    result.push_back({std::log(each.value), std::log(each.pace)});
  return result;
}

point middle_of(const points& all) {
  point sum;
  for (const auto& each : all) {
    sum.value += each.value;
    sum.pace += each.pace;
  }
  const auto count = static_cast<double>(all.size());
  return {sum.value / count, sum.pace / count};
}

/// Sums of squares and products around the middles of both measurements.
struct spread {
  double of_pace = 0;
  double of_both = 0;
  double of_value = 0;

  void add(const points& all, const point& middle) {
    for (const auto& each : all) {
      const point off{each.value - middle.value, each.pace - middle.pace};
      of_pace += off.pace * off.pace;
      of_both += off.pace * off.value;
      of_value += off.value * off.value;
    }
  }
  /// What is left of the values' spread where they follow the pace with this slope.
  [[nodiscard]] double left_by(double slope) const { return of_value - 2 * slope * of_both + slope * slope * of_pace; }
};

/// The analysis of covariance with one slope for both measurements, which is drawn towards the usual one (ridge
/// regression: Hoerl and Kennard, Technometrics 12, 1970), more so the less the pace differed between rounds.
double shift_between(const points& before, const points& after) {
  const auto from = middle_of(before);
  const auto to = middle_of(after);
  spread within;
  within.add(before, from);
  within.add(after, to);
  const auto free = std::max<double>(1, static_cast<double>(before.size() + after.size()) - 2);
  const auto variance = std::max(least_spread * least_spread, within.left_by(usual_slope) / free);
  const auto pull = variance / (spread_of_slopes * spread_of_slopes);
  const auto slope = std::clamp((within.of_both + pull * usual_slope) / (within.of_pace + pull), 0.0, 1.0);
  return (to.value - from.value) - slope * (to.pace - from.pace);
}

void draw(const points& from, points& into, std::mt19937_64& random) {
  for (auto& each : into)
    each = from[random() % from.size()];
}

/// The standard error of the shift: whole rounds are drawn anew (Efron and Tibshirani, An Introduction to the
/// Bootstrap, 1993, chapter 6).
double error_of_shift(const points& before, const points& after) {
  std::mt19937_64 random{before.size() * 1'000'003 + after.size()}; // The same values give the same answer.
  points drawn_before = before;
  points drawn_after = after;
  double sum = 0;
  double sum_of_squares = 0;
  for (int i = 0; i < resamples; ++i) {
    draw(before, drawn_before, random);
    draw(after, drawn_after, random);
    const auto shift = shift_between(drawn_before, drawn_after);
    sum += shift;
    sum_of_squares += shift * shift;
  }
  const auto mean = sum / resamples;
  return std::sqrt(std::max(0.0, sum_of_squares / resamples - mean * mean));
}

/// How many standard errors lie between the middle and either end where 99 % are to lie within, by Student's t: its
/// expansion around the normal distribution's 2.576 (Abramowitz and Stegun, Handbook of Mathematical
/// Functions, 26.7.5), right within 1 % from 6 degrees of freedom on.
double students_t(double degrees) {
  constexpr double z = 2.5758293;
  constexpr double z3 = z * z * z;
  constexpr double z5 = z3 * z * z;
  constexpr double z7 = z5 * z * z;
  return z + (z3 + z) / (4 * degrees) + (5 * z5 + 16 * z3 + 3 * z) / (96 * degrees * degrees) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * degrees * degrees * degrees);
}

/// Few rounds that are drawn anew show less spread than there is: sqrt(n / (n - 1)) and Student's t make up for that
/// (Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69, 2015).
double errors_wide(std::size_t before, std::size_t after) {
  const auto fewer = static_cast<double>(std::max<std::size_t>(2, std::min(before, after)));
  return students_t(static_cast<double>(before + after - 2)) * std::sqrt(fewer / (fewer - 1));
}

} // namespace

ratio compare_paced(std::span<const paced_round> before, std::span<const paced_round> after) {
  const auto is_known = [](const paced_round& each) {
    return each.value > 0 && each.pace > 0;
  };
  if (before.empty() || after.empty() || !std::ranges::all_of(before, is_known) ||
      !std::ranges::all_of(after, is_known))
    return nothing_known;
  const auto from = in_logarithms(before);
  const auto to = in_logarithms(after);
  const auto shift = shift_between(from, to);
  if (from.size() + to.size() <= 2)
    return {std::exp(shift), std::exp(shift), std::exp(shift)};
  const auto wide = error_of_shift(from, to) * errors_wide(from.size(), to.size());
  return {std::exp(shift), std::exp(shift - wide), std::exp(shift + wide)};
}

} // namespace tandem::monitor
