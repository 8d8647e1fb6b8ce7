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

/// By the percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13): both sets
/// are drawn anew many times. The same values give the same answer. A set without values, or with a median of 0, gives
/// the ratio 1 with bounds 0 and infinity: nothing is known.
ratio compare_medians(std::span<const double> before, std::span<const double> after);

} // namespace tandem::monitor
