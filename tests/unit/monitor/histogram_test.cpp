#include <algorithm>
#include <random>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "monitor/histogram.hpp"

using tandem::monitor::histogram;

BOOST_AUTO_TEST_SUITE(monitor_histogram)

BOOST_AUTO_TEST_CASE(nothing_gives_zero) {
  const histogram empty;
  BOOST_TEST(empty.count() == 0U);
  BOOST_TEST(empty.quantile(0.5) == 0U);
}

BOOST_AUTO_TEST_CASE(quantiles_are_off_by_one_percent_at_most) {
  constexpr std::uint64_t seed = 42;
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937_64 random{seed};
  histogram seen;
  std::vector<std::uint64_t> all;
  for (int i = 0; i < 100'000; ++i) {
    all.push_back(random() >> (random() % 64));
    seen.add(all.back());
  }
  std::sort(all.begin(), all.end());
  for (const double share : {0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto index = static_cast<std::size_t>(std::max(0.0, share * static_cast<double>(all.size()) - 1));
    const auto exact = static_cast<double>(all[index]);
    const auto told = static_cast<double>(seen.quantile(share));
    BOOST_TEST(std::abs(told - exact) <= exact * 0.01 + 1, share << ": " << told << " for " << exact);
  }
  BOOST_TEST(seen.largest() == all.back());
}

BOOST_AUTO_TEST_CASE(two_can_be_merged) {
  histogram left, right;
  left.add(1);
  right.add(1'000'000);
  left.merge(right);
  BOOST_TEST(left.count() == 2U);
  BOOST_TEST(left.quantile(0.5) == 1U);
  BOOST_TEST(left.largest() == 1'000'000U);
}

BOOST_AUTO_TEST_SUITE_END()
