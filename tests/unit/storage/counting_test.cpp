#include <array>
#include <cstdint>
#include <limits>

#include <boost/test/unit_test.hpp>

#include "storage/counting.hpp"

using namespace tandem::storage;

namespace {

constexpr auto largest = std::numeric_limits<std::int64_t>::max();
constexpr auto smallest = std::numeric_limits<std::int64_t>::min();

value whole(std::int64_t number) {
  return value{value_view::of_integer(number)};
}

value real(double number) {
  return value{value_view::of_real(number)};
}

const value text{value_view::of_text("7")};

} // namespace

BOOST_AUTO_TEST_SUITE(counting)

BOOST_AUTO_TEST_CASE(only_numbers_are_summed) {
  BOOST_CHECK(sum_of({}) == value{});
  BOOST_CHECK(sum_of(std::array{value{}, text}) == value{});
  BOOST_CHECK(sum_of(std::array{whole(3), value{}, text, whole(-5)}) == whole(-2));
  BOOST_CHECK(sum_of(std::array{whole(3), real(0.5)}) == real(3.5));
}

BOOST_AUTO_TEST_CASE(sums_stay_at_the_limits_of_integers_whatever_the_order) {
  BOOST_CHECK(sum_of(std::array{whole(largest), whole(largest)}) == whole(largest));
  BOOST_CHECK(sum_of(std::array{whole(smallest), whole(-1)}) == whole(smallest));
  BOOST_CHECK(sum_of(std::array{whole(largest), whole(5), whole(-6)}) == whole(largest - 1));
}

BOOST_AUTO_TEST_CASE(opposite_infinities_have_no_sum) {
  constexpr auto infinity = std::numeric_limits<double>::infinity();
  BOOST_CHECK(sum_of(std::array{real(infinity), real(-infinity)}) == value{});
}

BOOST_AUTO_TEST_CASE(a_site_counts_the_difference) {
  BOOST_CHECK(recounted(whole(2), whole(10), whole(13)) == whole(5));
  BOOST_CHECK(recounted({}, {}, whole(4)) == whole(4));
  BOOST_CHECK(recounted({}, {}, {}) == value{});
  BOOST_CHECK(recounted(whole(2), whole(10), {}) == whole(-8));
  BOOST_CHECK(recounted(whole(2), whole(10), text) == whole(-8));
  BOOST_CHECK(recounted(whole(1), real(1.5), whole(2)) == real(1.5));
}

BOOST_AUTO_TEST_CASE(sums_of_reals_may_differ_in_their_last_digits) {
  BOOST_TEST(shows_sum(real(0.3), real(0.1 + 0.2)));
  BOOST_TEST(shows_sum(whole(3), real(3)));
  BOOST_TEST(!shows_sum(real(0.3), real(0.31)));
  BOOST_TEST(!shows_sum(whole(largest), whole(largest - 1)));
  BOOST_TEST(!shows_sum(value{}, whole(0)));
  BOOST_TEST(!shows_sum(text, whole(7)));
}

BOOST_AUTO_TEST_SUITE_END()
