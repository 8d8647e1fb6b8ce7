#include <fstream>

#include <boost/test/unit_test.hpp>

#include "actors/file_marker.hpp"
#include "tests/unit/actors/test_folder.hpp"

using namespace tandem;
using actors::file_mark;
using actors::sign_of_copy;

BOOST_AUTO_TEST_SUITE(file_marker)

BOOST_AUTO_TEST_CASE(comes_back_as_it_was_written) {
  const tests::test_folder folder;
  const auto path = folder.file("a.db");
  std::ofstream{path} << "x";
  BOOST_TEST(!actors::read_marker(path).has_value());
  const auto mark = actors::mark_of(path, {{}, 7}, 12);
  actors::write_marker(path, mark);
  const auto got = actors::read_marker(path);
  BOOST_REQUIRE(got.has_value());
  BOOST_TEST(got->inode == mark.inode);
  BOOST_TEST(got->head == 12U);
  BOOST_TEST(sign_of_copy(got, mark, true).empty());
}

BOOST_AUTO_TEST_CASE(tells_copies_and_backups) {
  const file_mark before{"site", 1, 2, 3, 10};
  auto now = before;
  now.head = 11;
  BOOST_TEST(sign_of_copy(before, now, true).empty());
  now.head = 9;
  BOOST_TEST(!sign_of_copy(before, now, true).empty());
  now = before;
  now.inode = 4;
  BOOST_TEST(!sign_of_copy(before, now, true).empty());
  BOOST_TEST(!sign_of_copy(std::nullopt, now, true).empty());
  BOOST_TEST(sign_of_copy(std::nullopt, now, false).empty());
}

BOOST_AUTO_TEST_SUITE_END()
