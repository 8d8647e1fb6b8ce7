#include <cmath>
#include <random>

#include <boost/test/unit_test.hpp>

#include "monitor/statistics.hpp"

using namespace tandem::monitor;

BOOST_AUTO_TEST_SUITE(statistics)

BOOST_AUTO_TEST_CASE(quantiles_by_hand) {
  const std::vector<double> values{5, 1, 4, 2, 3};
  BOOST_TEST(quantile(values, 0) == 1);
  BOOST_TEST(median(values) == 3);
  BOOST_TEST(quantile(values, 0.99) == 5);
  BOOST_TEST(quantile(values, 2) == 5);
  BOOST_TEST(quantile({}, 0.5) == 0);
}

BOOST_AUTO_TEST_CASE(the_interval_holds_the_true_ratio_nearly_always) {
  std::mt19937_64 random{7};
  std::lognormal_distribution<double> noise{0, 0.3};
  int held = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<double> before;
    std::vector<double> after;
    for (int i = 0; i < 60; ++i) {
      before.push_back(10 * noise(random));
      after.push_back(13 * noise(random));
    }
    const auto found = compare_medians(before, after);
    held += found.low <= 1.3 && 1.3 <= found.high;
  }
  BOOST_TEST(held >= 52); // of 60; 57 expected
}

BOOST_AUTO_TEST_CASE(the_same_values_give_the_same_answer) {
  const std::vector<double> before{1, 2, 3, 4};
  const std::vector<double> after{2, 3, 4, 5};
  BOOST_TEST(compare_medians(before, after).low == compare_medians(before, after).low);
}

BOOST_AUTO_TEST_CASE(nothing_is_known_of_nothing) {
  const std::vector<double> some{1, 2};
  const std::vector<double> zeros{0, 0};
  BOOST_TEST(std::isinf(compare_medians({}, some).high));
  BOOST_TEST(std::isinf(compare_medians(zeros, some).high));
}

BOOST_AUTO_TEST_SUITE_END()
