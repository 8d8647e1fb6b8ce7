#include <algorithm>
#include <random>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "actors/live_list.hpp"

using namespace tandem;
using messages::value_view;

namespace {

struct plain_row {
  std::int64_t key = 0;
  std::int64_t content = 0;
  bool operator==(const plain_row&) const = default;
};
using plain_rows = std::vector<plain_row>;

constexpr std::size_t no_limit = 1'000'000;

actors::live_rows live_of(const plain_rows& rows, bool has_key = true) {
  actors::live_rows result{has_key ? std::vector<std::size_t>{0} : std::vector<std::size_t>{}};
  for (const auto& each : rows)
    result.add({value_view::of_integer(each.key), value_view::of_integer(each.content)});
  return result;
}

plain_rows read(const messages::page::encoded_values& values) {
  messages::decoder in{values.bytes.bytes()};
  plain_rows result(values.count / 2);
  for (auto& each : result) {
    each.key = in.value().integer;
    each.content = in.value().integer;
  }
  in.end();
  return result;
}

/// As a page does it.
void apply(plain_rows& shown, const actors::live_difference& difference) {
  for (auto each = difference.removed.rbegin(); each != difference.removed.rend(); ++each)
    shown.erase(shown.begin() + *each);
  const auto inserted = read(difference.inserted_values);
  for (std::size_t i = 0; i < inserted.size(); ++i)
    shown.insert(shown.begin() + difference.inserted[i], inserted[i]);
  const auto changed = read(difference.changed_values);
  for (std::size_t i = 0; i < changed.size(); ++i)
    shown.at(difference.changed[i]) = changed[i];
}

} // namespace

BOOST_AUTO_TEST_SUITE(live_list)

BOOST_AUTO_TEST_CASE(a_difference_is_as_small_as_it_can_be) {
  actors::live_list list;
  list.become(live_of({{1, 0}, {2, 0}, {3, 0}, {4, 0}}), no_limit);
  const auto one = list.become(live_of({{1, 0}, {3, 9}, {4, 0}, {2, 0}}), no_limit);
  BOOST_TEST(one.removed == (std::vector<std::uint32_t>{1}), boost::test_tools::per_element());
  BOOST_TEST(one.inserted == (std::vector<std::uint32_t>{3}), boost::test_tools::per_element());
  BOOST_TEST(one.changed == (std::vector<std::uint32_t>{1}), boost::test_tools::per_element());
  BOOST_TEST(list.become(live_of({{1, 0}, {3, 9}, {4, 0}, {2, 0}}), no_limit).is_empty());
}

BOOST_AUTO_TEST_CASE(random_lists_become_each_other) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    std::mt19937_64 random{seed};
    const bool has_key = seed % 2 == 0;
    const std::size_t limit = seed % 3 == 0 ? 20 : no_limit; // Some get a few rows at a time.
    actors::live_list list;
    plain_rows shown;
    plain_rows wanted;
    for (int step = 0; step < 12; ++step) {
      for (auto edits = random() % 6; edits > 0; --edits) {
        const auto at = wanted.begin() + static_cast<std::ptrdiff_t>(random() % (wanted.size() + 1));
        if (at == wanted.end() || random() % 3 == 0)
          wanted.insert(at, {static_cast<std::int64_t>(random() % 30), static_cast<std::int64_t>(random() % 3)});
        else if (random() % 2 == 0)
          wanted.erase(at);
        else
          at->content = static_cast<std::int64_t>(random() % 5);
      }
      if (random() % 4 == 0)
        std::shuffle(wanted.begin(), wanted.end(), random);
      const auto fresh = live_of(wanted, has_key);
      bool is_all = false;
      for (std::size_t rounds = 0; !is_all; ++rounds) {
        BOOST_REQUIRE(rounds <= wanted.size());
        const auto difference = list.become(fresh, limit);
        is_all = difference.is_all;
        apply(shown, difference);
        BOOST_REQUIRE(shown.size() == difference.total);
      }
      BOOST_REQUIRE_MESSAGE(shown == wanted, "seed " << seed << ", step " << step);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
