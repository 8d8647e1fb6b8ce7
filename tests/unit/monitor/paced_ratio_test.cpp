#include <cmath>
#include <random>

#include <boost/test/unit_test.hpp>

#include "monitor/paced_ratio.hpp"

using namespace tandem::monitor;

namespace {

constexpr double noise = 0.10; // what `tandem validate` takes for granted

/// A machine whose pace differs from run to run and from round to round, and a program whose times follow it by a
/// slope.
struct restless_machine {
  std::mt19937_64 random;
  double slope = 0;
  double of_runs = 0.03;
  double of_rounds = 0.06;

  std::vector<paced_round> run(double typical, std::size_t count = 8) {
    std::normal_distribution<double> unit;
    const auto pace_of_run = of_runs * unit(random);
    std::vector<paced_round> result;
    for (std::size_t i = 0; i < count; ++i) {
      const auto pace = std::exp(pace_of_run + of_rounds * unit(random));
      result.push_back({typical * std::pow(pace, slope) * std::exp(0.05 * unit(random)), pace});
    }
    return result;
  }
};

bool is_called_worse(const ratio& found) {
  return found.low > 1 + noise;
}

bool is_called_better(const ratio& found) {
  return found.high < 1 / (1 + noise);
}

struct outcome {
  int caught = 0;
  int false_alarms = 0;
};

outcome of_hundred(restless_machine here, double slower) {
  outcome result;
  for (int i = 0; i < 100; ++i) {
    const auto baseline = here.run(10);
    result.caught += is_called_worse(compare_paced(baseline, here.run(10 * slower)));
    const auto same = compare_paced(baseline, here.run(10));
    result.false_alarms += is_called_worse(same) || is_called_better(same);
  }
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(paced_ratios)

BOOST_AUTO_TEST_CASE(on_a_machine_at_rest_30_percent_are_caught_and_equal_runs_are_not) {
  const auto found = of_hundred({std::mt19937_64{11}}, 1.3);
  BOOST_TEST(found.caught >= 95);
  BOOST_TEST(found.false_alarms == 0);
}

/// Its pace differs by a factor of two and more from run to run: whatever a figure has to do with it.
BOOST_AUTO_TEST_CASE(a_machine_that_changes_its_pace_raises_no_alarm) {
  for (const double slope : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    const auto found = of_hundred({std::mt19937_64{5}, slope, 0.4, 0.15}, 1.5);
    BOOST_TEST(found.false_alarms <= 2, "slope " << slope << ": " << found.false_alarms);
    BOOST_TEST(found.caught >= 50, "slope " << slope << ": " << found.caught);
  }
}

BOOST_AUTO_TEST_CASE(without_the_pace_it_would) {
  restless_machine here{std::mt19937_64{5}, 0.5, 0.4, 0.15};
  const auto unpaced = [&] {
    auto result = here.run(10);
    for (auto& each : result)
      each.pace = 1;
    return result;
  };
  int false_alarms = 0;
  for (int i = 0; i < 100; ++i) {
    const auto same = compare_paced(unpaced(), unpaced());
    false_alarms += is_called_worse(same) || is_called_better(same);
  }
  BOOST_TEST(false_alarms > 20);
}

BOOST_AUTO_TEST_CASE(the_interval_holds_the_true_ratio_nearly_always) {
  restless_machine here{std::mt19937_64{7}, 0.5, 0.2, 0.1};
  int held = 0;
  for (int i = 0; i < 200; ++i) {
    const auto found = compare_paced(here.run(10), here.run(13));
    held += found.low <= 1.3 && 1.3 <= found.high;
  }
  BOOST_TEST(held >= 194); // 198 expected
}

BOOST_AUTO_TEST_CASE(what_only_follows_the_pace_has_not_changed) {
  // By hand: values are 10 times the pace's square root, and 12 times it later.
  const std::vector<paced_round> before{{10, 1}, {20, 4}, {30, 9}};
  const std::vector<paced_round> same{{20, 4}, {40, 16}, {30, 9}};
  const std::vector<paced_round> slower{{24, 4}, {48, 16}, {36, 9}};
  BOOST_TEST(compare_paced(before, same).factor == 1, boost::test_tools::tolerance(1e-3));
  BOOST_TEST(compare_paced(before, slower).factor == 1.2, boost::test_tools::tolerance(1e-3));
}

BOOST_AUTO_TEST_CASE(the_same_values_give_the_same_answer) {
  restless_machine here{std::mt19937_64{1}};
  const auto before = here.run(10);
  const auto after = here.run(11);
  BOOST_TEST(compare_paced(before, after).low == compare_paced(before, after).low);
}

BOOST_AUTO_TEST_CASE(few_rounds_tell_little) {
  const std::vector<paced_round> one{{10, 1}};
  const std::vector<paced_round> other{{13, 1}};
  const auto of_one = compare_paced(one, other);
  BOOST_TEST(of_one.low == of_one.factor);
  BOOST_TEST(of_one.factor == 1.3, boost::test_tools::tolerance(1e-9));
  const std::vector<paced_round> two{{9, 1}, {11, 1}};
  const auto of_two = compare_paced(two, two);
  BOOST_TEST(of_two.high > 2);
}

BOOST_AUTO_TEST_CASE(nothing_is_known_of_nothing) {
  const std::vector<paced_round> some{{1, 1}, {2, 1}};
  const std::vector<paced_round> none;
  const std::vector<paced_round> zeros{{0, 1}, {1, 1}};
  const std::vector<paced_round> timeless{{1, 0}, {1, 1}};
  for (const auto& each : {none, zeros, timeless}) {
    BOOST_TEST(std::isinf(compare_paced(each, some).high));
    BOOST_TEST(compare_paced(some, each).low == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
