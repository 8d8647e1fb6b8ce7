#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "monitor/windows.hpp"

using namespace tandem::monitor;

namespace {

constexpr std::int64_t second_us = 1'000'000;

/// The value of that rank, from all of them.
std::uint64_t exact(std::vector<std::uint64_t> values, double share) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size()) + 0.999999);
  return values.at(std::max<std::size_t>(rank, 1) - 1);
}

void check_near(std::uint64_t found, std::uint64_t wanted) {
  const auto difference = found > wanted ? found - wanted : wanted - found;
  BOOST_TEST(static_cast<double>(difference) <= 0.01 * static_cast<double>(wanted), found << " is not " << wanted);
}

} // namespace

BOOST_AUTO_TEST_SUITE(windows)

BOOST_AUTO_TEST_CASE(quantiles_are_off_by_one_percent_at_most) {
  std::mt19937_64 random{7};
  std::vector<std::uint64_t> values;
  windowed_histogram all;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(random() >> (20 + random() % 40));
    all.add(values.back(), 5 * second_us);
  }
  const auto found = all.minute(5 * second_us);
  BOOST_TEST(found.count == values.size());
  BOOST_TEST(found.largest == exact(values, 1));
  check_near(found.p50, exact(values, 0.5));
  check_near(found.p90, exact(values, 0.9));
  check_near(found.p99, exact(values, 0.99));
  BOOST_TEST(all.total().p99 == found.p99);
}

BOOST_AUTO_TEST_CASE(what_is_old_leaves_the_minute_and_then_the_hour) {
  windowed_histogram all;
  all.add(10, 1 * second_us);
  all.add(20, 50 * second_us);
  BOOST_TEST(all.minute(55 * second_us).count == 2U);
  BOOST_TEST(all.minute(70 * second_us).count == 1U);
  BOOST_TEST(all.minute(70 * second_us).p50 == 20U);
  BOOST_TEST(all.minute(200 * second_us).count == 0U);
  BOOST_TEST(all.minute(200 * second_us).p99 == 0U);
  BOOST_TEST(all.hour(200 * second_us).count == 2U);
  BOOST_TEST(all.hour(3'700 * second_us).count == 0U);
  BOOST_TEST(all.total().count == 2U);
}

BOOST_AUTO_TEST_CASE(a_slice_is_used_again_without_what_was_in_it) {
  windowed_histogram all;
  for (int second = 0; second < 300; ++second)
    all.add(static_cast<std::uint64_t>(second), second * second_us);
  const auto found = all.minute(299 * second_us);
  BOOST_TEST(found.count == 60U);
  BOOST_TEST(found.largest == 299U);
  BOOST_TEST(found.sum == (240.0 + 299.0) * 30);
}

BOOST_AUTO_TEST_SUITE_END()
