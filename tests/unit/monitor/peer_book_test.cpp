#include <cstdint>
#include <string>

#include <boost/test/unit_test.hpp>

#include "messages/limits.hpp"
#include "monitor/peer_book.hpp"

using namespace tandem;
using namespace tandem::monitor;

namespace {

messages::site_id site(std::size_t number) {
  messages::site_id result;
  result.bytes[0] = static_cast<std::uint8_t>(number >> 8U);
  result.bytes[1] = static_cast<std::uint8_t>(number & 0xffU);
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(peer_books)

BOOST_AUTO_TEST_CASE(two_of_one_name_keep_their_labels_whoever_comes_first) {
  peer_book book;
  BOOST_TEST(book.linked(1, site(1), "phone", 1).label == "phone");
  const auto second = book.linked(2, site(2), "phone", 1).label;
  BOOST_TEST(second == "phone " + site(2).to_short());
  book.closed(1, 2);
  book.closed(2, 2);
  BOOST_TEST(book.linked(3, site(2), "phone", 3).label == second);
  BOOST_TEST(book.linked(4, site(1), "phone", 3).label == "phone");
  BOOST_TEST(*book.label_of(3) == second);
  BOOST_TEST(!book.label_of(1).has_value());
}

BOOST_AUTO_TEST_CASE(a_new_name_frees_the_old_label) {
  peer_book book;
  book.linked(1, site(1), "phone", 1);
  book.closed(1, 2);
  const auto renamed = book.linked(2, site(1), "tablet", 3);
  BOOST_TEST(renamed.label == "tablet");
  BOOST_TEST((renamed.freed == std::vector<std::string>{"phone"}));
}

BOOST_AUTO_TEST_CASE(the_label_of_who_is_longest_gone_is_freed_and_none_of_who_is_here) {
  peer_book book;
  std::uint64_t link = 0;
  for (std::size_t i = 0; i < limits::measured_peers_max; ++i)
    book.linked(++link, site(i), "peer " + std::to_string(i), 1);
  const auto late = book.linked(++link, site(900), "late", 2);
  BOOST_TEST(late.label == other_peers);
  BOOST_TEST(*book.label_of(link) == other_peers);
  BOOST_TEST(!book.closed(link, 3)->was_last);
  book.closed(8, 5);
  book.closed(4, 4);
  const auto next = book.linked(++link, site(901), "next", 6);
  BOOST_TEST(next.label == "next");
  BOOST_TEST((next.freed == std::vector<std::string>{"peer 3"}));
}

BOOST_AUTO_TEST_CASE(a_peer_is_away_once_its_last_link_is) {
  peer_book book;
  book.linked(1, site(1), "phone", 1);
  book.linked(2, site(1), "phone", 2);
  BOOST_TEST(!book.closed(1, 3)->was_last);
  BOOST_TEST(book.closed(2, 4)->was_last);
  BOOST_TEST(!book.closed(2, 5).has_value());
}

BOOST_AUTO_TEST_CASE(who_was_here_before_is_remembered_until_the_file_forgets) {
  peer_book book;
  BOOST_TEST(*book.remember(site(1), "phone", 1) == "phone");
  BOOST_TEST(!book.remember(site(1), "phone", 1).has_value());
  book.linked(1, site(2), "desk", 2);
  BOOST_TEST(!book.remember(site(2), "desk", 2).has_value());
  BOOST_TEST((book.keep_only({}) == std::vector<std::string>{"phone"}));
  BOOST_TEST(*book.label_of(1) == "desk");
}

BOOST_AUTO_TEST_CASE(nobody_passes_for_the_others_or_for_another_one) {
  peer_book book;
  BOOST_TEST(book.linked(1, site(1), other_peers, 1).label != other_peers);
  BOOST_TEST(!book.linked(2, site(2), "", 1).label.empty());
  book.linked(3, site(3), "phone " + site(5).to_short(), 1);
  book.linked(4, site(4), "phone", 1);
  BOOST_TEST(book.linked(5, site(5), "phone", 1).label == "phone " + site(5).to_hex());
}

BOOST_AUTO_TEST_SUITE_END()
