#include <boost/test/unit_test.hpp>

#include "demos/node/text.hpp"

using namespace tandem::node;

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(numbers_get_commas) {
  BOOST_TEST(with_commas(0) == "0");
  BOOST_TEST(with_commas(999) == "999");
  BOOST_TEST(with_commas(1'000) == "1,000");
  BOOST_TEST(with_commas(15'607) == "15,607");
  BOOST_TEST(with_commas(1'234'567) == "1,234,567");
}

BOOST_AUTO_TEST_CASE(one_is_singular) {
  BOOST_TEST(counted(1, "row") == "1 row");
  BOOST_TEST(counted(0, "row") == "0 rows");
}

BOOST_AUTO_TEST_CASE(sizes_and_durations_pick_a_unit) {
  BOOST_TEST(as_bytes(999) == "999 bytes");
  BOOST_TEST(as_bytes(1'007'616) == "1.0 MB");
  BOOST_TEST(as_duration(0.42) == "0.4 ms");
  BOOST_TEST(as_duration(1'530) == "1.5 s");
  BOOST_TEST(as_duration(90'000) == "1 min 30 s");
}

BOOST_AUTO_TEST_CASE(ages_are_rough) {
  BOOST_TEST(as_age(0, 1'000) == "never");
  BOOST_TEST(as_age(1'000, 1'500) == "just now");
  BOOST_TEST(as_age(5'000, 1'000) == "just now");
  BOOST_TEST(as_age(1'000, 61'000) == "60 s ago");
  BOOST_TEST(as_age(1'000, 3 * 86'400'000LL) == "2 days ago");
}

BOOST_AUTO_TEST_CASE(shortening_counts_characters_not_bytes) {
  BOOST_TEST(shortened("Motörhead", 9) == "Motörhead");
  BOOST_TEST(shortened("Motörhead", 5) == "Motö…");
  BOOST_TEST(shortened("a\nb", 9) == "a b");
}

BOOST_AUTO_TEST_CASE(tables_align) {
  BOOST_TEST(as_table({{"a", "b"}, {"ö", "long"}, {"xyz", "c"}}, "") == "a    b\nö    long\nxyz  c\n");
}

BOOST_AUTO_TEST_SUITE_END()
