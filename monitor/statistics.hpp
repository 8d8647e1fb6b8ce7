// What can be said of repeated measurements, and how sure that is.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tandem::monitor {

/// The smallest value that at least `share` (0 to 1) of the values do not exceed; 0 if there are none.
double quantile(std::span<const double> values, double share);
double median(std::span<const double> values);

/// What one number says of many values. It may put them into another order; 0 if there are none.
using summary_of = double (*)(std::vector<double>& values);
double middle_of(std::vector<double>& values);
/// What one in a hundred exceeds.
double late_of(std::vector<double>& values);
double mean_of(std::vector<double>& values);

/// How many times larger the summary of one set is than that of another: the factor, and the bounds between which it
/// lies with the confidence asked for.
struct ratio {
  double factor = 1;
  double low = 1;
  double high = 1;
};
inline constexpr ratio nothing_known{1, 0, std::numeric_limits<double>::infinity()};

/// What was measured in rounds: samples of one round share what the machine did meanwhile, so they say less than as
/// many of different rounds.
using rounds = std::vector<std::vector<double>>;

/// Two sets of which round i of the one was measured right beside round i of the other: pairs of rounds are drawn anew,
/// so that what the machine did meanwhile cancels out, then samples within them (the cluster bootstrap: Davison and
/// Hinkley, Bootstrap Methods and their Application, 1997, chapter 3.8). Rounds without a partner are left out.
/// `confidence`: from 0 to 1.
ratio compare_pairs(const rounds& one, const rounds& other, summary_of summary, double confidence);

} // namespace tandem::monitor
