// What can be said of repeated measurements, and how sure that is.
#pragma once

#include <cstdint>
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

/// What was measured in rounds: samples of one round share what the machine did meanwhile, so they say less than as
/// many of different rounds.
using rounds = std::vector<std::vector<double>>;

/// Two sets that were measured in rounds, at different times. Whole rounds are drawn anew, then samples within them
/// (the cluster bootstrap: Davison and Hinkley, Bootstrap Methods and their Application, 1997, chapter 3.8).
/// `confidence`: from 0 to 1.
ratio compare_rounds(const rounds& before, const rounds& after, summary_of summary, double confidence);
/// The same where round i of one set was measured right beside round i of the other: pairs are drawn, so that what the
/// machine did meanwhile cancels out. Rounds without a partner are left out.
ratio compare_pairs(const rounds& one, const rounds& other, summary_of summary, double confidence);

} // namespace tandem::monitor
