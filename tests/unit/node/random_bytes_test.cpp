#include <array>
#include <cmath>
#include <set>

#include <boost/test/unit_test.hpp>

#include "demos/node/validation/random_bytes.hpp"

using tandem::node::random_bytes;

BOOST_AUTO_TEST_SUITE(bytes)

/// No compression finds anything in them: every byte is as frequent as any other, and no eight of them come again,
/// wherever the first of them stand.
BOOST_AUTO_TEST_CASE(they_can_not_be_compressed) {
  const auto bytes = random_bytes(1'000'000, 7);
  BOOST_REQUIRE(bytes.size() == 1'000'000U);
  std::array<double, 256> counts{};
  for (const unsigned char each : bytes)
    counts.at(each) += 1;
  double bits = 0;
  for (const auto count : counts)
    bits -= count / 1e6 * std::log2(count / 1e6);
  BOOST_TEST(bits > 7.99);
  std::set<std::string_view> seen;
  const std::string_view all{bytes};
  for (std::size_t at = 0; at + 8 <= all.size(); ++at)
    BOOST_REQUIRE(seen.insert(all.substr(at, 8)).second);
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_and_another_others) {
  BOOST_TEST(random_bytes(13, 1).size() == 13U);
  BOOST_TEST(random_bytes(100, 1) == random_bytes(100, 1));
  BOOST_TEST(random_bytes(100, 1) != random_bytes(100, 2));
  BOOST_TEST(random_bytes(0, 1).empty());
}

BOOST_AUTO_TEST_SUITE_END()
