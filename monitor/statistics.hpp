// What can be said of repeated measurements, and how sure that is.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tandem::monitor {

/// The smallest value that at least `share` (0 to 1) of the values do not exceed; 0 if there are none.
double quantile(std::span<const double> values, double share);
double median(std::span<const double> values);

/// How many times larger the median of one set is than that of another: the factor, and the bounds between which it
/// lies with 95 % confidence.
struct ratio {
  double factor = 1;
  double low = 1;
  double high = 1;
};

/// What was measured in rounds: samples of one round share what the machine did meanwhile, so they say less than as
/// many of different rounds.
using rounds = std::vector<std::vector<double>>;

/// The same of two sets that were measured in rounds, at different times. Whole rounds are drawn anew, then samples
/// within them (the cluster bootstrap: Davison and Hinkley, Bootstrap Methods and their Application, 1997,
/// chapter 3.8).
ratio compare_rounds(const rounds& before, const rounds& after);
/// The same where round i of one set was measured right beside round i of the other: pairs are drawn, so that what the
/// machine did meanwhile cancels out. Rounds without a partner are left out. `confidence`: 0.95 as above, or more.
ratio compare_pairs(const rounds& one, const rounds& other, double confidence);

} // namespace tandem::monitor
