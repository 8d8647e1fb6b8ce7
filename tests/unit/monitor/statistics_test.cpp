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

BOOST_AUTO_TEST_CASE(nothing_is_known_of_nothing) {
  const rounds some{{1, 2}};
  for (const rounds& none : {rounds{}, rounds{{}}, rounds{{0, 0}}}) {
    BOOST_TEST(std::isinf(compare_pairs(none, some, middle_of, 0.95).high));
    BOOST_TEST(compare_pairs(some, none, middle_of, 0.95).low == 0);
  }
}

namespace {

/// A machine whose speed differs from run to run and from round to round, and whose samples differ within each.
struct restless_machine {
  std::mt19937_64 random;
  std::lognormal_distribution<double> of_run{0, 0.03}, of_round{0, 0.06}, of_sample{0, 0.3};

  rounds run(double typical, std::size_t count = 8) {
    const auto pace = of_run(random);
    rounds result(count);
    for (auto& round : result) {
      const auto round_pace = pace * of_round(random);
      for (int i = 0; i < 50; ++i)
        round.push_back(typical * round_pace * of_sample(random));
    }
    return result;
  }
};

constexpr double noise = 0.10;      // what `tandem validate` takes for granted
constexpr double confidence = 0.99; // and how sure it wants to be

bool is_called_worse(const ratio& found) {
  return found.low > 1 + noise;
}

} // namespace

/// What strikes both of a pair says nothing about either.
BOOST_AUTO_TEST_CASE(pairs_tell_two_settings_apart_on_a_machine_that_changes_its_pace) {
  restless_machine here{std::mt19937_64{5}};
  std::lognormal_distribution<double> of_pair{0, 0.5};
  int found_equal = 0;
  int found_better = 0;
  for (int i = 0; i < 50; ++i) {
    rounds one;
    rounds equal;
    rounds slower;
    for (int pair = 0; pair < 8; ++pair) {
      const auto pace = of_pair(here.random);
      one.push_back(here.run(10 * pace, 1).front());
      equal.push_back(here.run(10 * pace, 1).front());
      slower.push_back(here.run(15 * pace, 1).front());
    }
    const auto same = compare_pairs(one, equal, middle_of, confidence);
    found_equal += same.low <= 1 + noise && same.high >= 1 / (1 + noise);
    found_better += is_called_worse(compare_pairs(one, slower, middle_of, confidence));
  }
  BOOST_TEST(found_equal == 50);
  BOOST_TEST(found_better >= 45);
}

BOOST_AUTO_TEST_CASE(the_same_pairs_give_the_same_answer) {
  restless_machine here{std::mt19937_64{1}};
  const auto one = here.run(10);
  const auto other = here.run(11);
  BOOST_TEST(compare_pairs(one, other, middle_of, 0.95).low == compare_pairs(one, other, middle_of, 0.95).low);
}

/// The usual ones are alike, and one in twenty takes four times as long: the median says nothing of it.
BOOST_AUTO_TEST_CASE(late_samples_are_compared_as_what_they_are) {
  restless_machine here{std::mt19937_64{3}};
  const auto baseline = here.run(10);
  auto ragged = here.run(10);
  for (auto& round : ragged)
    for (std::size_t i = 0; i < round.size(); i += 20)
      round[i] *= 4;
  BOOST_TEST(!is_called_worse(compare_pairs(baseline, ragged, middle_of, confidence)));
  BOOST_TEST(is_called_worse(compare_pairs(baseline, ragged, late_of, confidence)));
}

BOOST_AUTO_TEST_CASE(summaries_by_hand) {
  std::vector<double> values{4, 1, 2, 3};
  BOOST_TEST(mean_of(values) == 2.5);
  BOOST_TEST(middle_of(values) == 2);
  BOOST_TEST(late_of(values) == 4);
  values.clear();
  for (const auto summary : {mean_of, middle_of, late_of})
    BOOST_TEST(summary(values) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
