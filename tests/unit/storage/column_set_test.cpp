#include <vector>

#include <boost/test/unit_test.hpp>

#include "storage/column_set.hpp"

using tandem::storage::column_set;

namespace {

std::vector<std::uint32_t> listed(const column_set& set) {
  std::vector<std::uint32_t> result;
  set.each([&](std::uint32_t column) { result.push_back(column); });
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(column_sets)

BOOST_AUTO_TEST_CASE(ids_beyond_the_first_word_work_alike) {
  column_set set;
  for (const std::uint32_t column : {0U, 63U, 64U, 1'999U})
    set.add(column);
  BOOST_TEST(listed(set) == (std::vector<std::uint32_t>{0, 63, 64, 1'999}), boost::test_tools::per_element());
  BOOST_TEST(set.has(1'999));
  BOOST_TEST(!set.has(1'998));
  BOOST_TEST(!set.has(5'000));
}

BOOST_AUTO_TEST_CASE(removing_keeping_and_covering) {
  column_set left, right;
  left.add(1);
  left.add(100);
  right.add(100);
  BOOST_TEST(left.covers(right));
  BOOST_TEST(!right.covers(left));
  auto rest = left;
  rest.remove(right);
  BOOST_TEST(listed(rest) == std::vector<std::uint32_t>{1}, boost::test_tools::per_element());
  left.keep(right);
  BOOST_TEST(listed(left) == std::vector<std::uint32_t>{100}, boost::test_tools::per_element());
  left.remove(right);
  BOOST_TEST(left.empty());
}

BOOST_AUTO_TEST_SUITE_END()
