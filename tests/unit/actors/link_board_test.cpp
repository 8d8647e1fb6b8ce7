#include <boost/test/unit_test.hpp>

#include "actors/link_board.hpp"

using namespace tandem;
using phase = messages::link_phase::phase;

namespace {

messages::link_phase told(phase now, std::uint64_t link, std::uint64_t dialer) {
  messages::link_phase news;
  news.now = now;
  news.link = link;
  news.dialer = dialer;
  return news;
}

} // namespace

BOOST_AUTO_TEST_SUITE(link_board)

BOOST_AUTO_TEST_CASE(has_one_entry_for_a_peer_that_is_called) {
  actors::link_board board;
  board.take(told(phase::connecting, 0, 1));
  board.take(told(phase::refused, 0, 2));
  BOOST_TEST(board.links().size() == 2U);
  board.take(told(phase::linked, 7, 1));
  const auto now = board.links();
  BOOST_REQUIRE(now.size() == 2U);
  BOOST_TEST((now[0].now == phase::linked));
  BOOST_TEST((now[1].now == phase::refused));
  board.take(messages::link_closed{7, false, true, "cut"});
  board.take(told(phase::connecting, 0, 1));
  BOOST_TEST(board.links().size() == 2U);
}

BOOST_AUTO_TEST_CASE(forgets_a_link_that_closed_whatever_is_told_of_it_later) {
  actors::link_board board;
  board.take(told(phase::linked, 3, 0));
  board.take(messages::link_closed{3, false, true, "cut"});
  board.take(messages::link_sent{3, 10, 10});
  board.take(messages::link_applied{3, 10});
  board.take(told(phase::linked, 3, 0));
  BOOST_TEST(board.links().empty());
  board.take(told(phase::linked, 4, 0));
  BOOST_TEST(board.links().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
