#include <algorithm>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "actors/supervisor.hpp"
#include "messages/limits.hpp"
#include "tests/unit/actors/recording_outbox.hpp"

using namespace tandem;
using actors::address;
using actors::role;
using tests::recording_outbox;

namespace {

/// Writes down what it is asked for.
struct fake_staff : actors::staff {
  std::vector<address> spawned;
  std::vector<address> ended;
  std::vector<std::uint64_t> closed;
  bool is_finished = false;

  void spawn(address who) override { spawned.push_back(who); }
  void end(address who) override { ended.push_back(who); }
  void close_connection(std::uint64_t link) override { closed.push_back(link); }
  void forget_connection(std::uint64_t) override {}
  void finish() override { is_finished = true; }

  [[nodiscard]] auto count(address who) const { return std::count(spawned.begin(), spawned.end(), who); }
};

struct one_supervisor {
  fake_staff staff;
  recording_outbox out{{role::supervisor}};
  actors::supervisor supervisor{staff, 1};

  one_supervisor() { supervisor.start(out); }
  template <class T>
  void hears(const T& message, address from = {role::supervisor}) {
    supervisor.receive(recording_outbox::from(from, message), out);
  }
  void dies(address who, bool was_ordered = false) {
    hears(messages::actor_ended{who.who, who.number, was_ordered, "test"});
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(supervisor)

BOOST_FIXTURE_TEST_CASE(one_that_dies_is_started_anew, one_supervisor) {
  dies({role::observer});
  BOOST_TEST(staff.count({role::observer}) == 2);
}

BOOST_FIXTURE_TEST_CASE(a_link_is_whole_or_not_at_all, one_supervisor) {
  hears(messages::link_opened{7, 1});
  BOOST_TEST(staff.count({role::queue, 7}) == 1);
  BOOST_TEST(staff.count({role::endpoint, 7}) == 1);
  dies({role::queue, 7});
  BOOST_TEST(staff.closed == std::vector<std::uint64_t>{7});
  hears(messages::link_closed{7, false, false, "closed"});
  BOOST_TEST((staff.ended == std::vector<address>{{role::endpoint, 7}}));
  BOOST_TEST(out.take<messages::link_closed>({role::dialer, 1}).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(without_its_arbiter_every_link_begins_anew, one_supervisor) {
  hears(messages::link_opened{1, 1});
  hears(messages::link_opened{2, 0});
  dies({role::arbiter});
  BOOST_TEST(staff.count({role::arbiter}) == 2);
  BOOST_TEST((staff.closed == std::vector<std::uint64_t>{1, 2}));
}

BOOST_FIXTURE_TEST_CASE(pausing_ends_links_with_a_goodbye_and_lets_pages_be, one_supervisor) {
  hears(messages::link_opened{1, 1});
  hears(messages::link_opened{2, 0, true});
  hears(messages::pause_links{true});
  const auto farewell = out.take<messages::end_link>({role::endpoint, 1});
  BOOST_REQUIRE(farewell.size() == 1U);
  BOOST_TEST(farewell[0].is_planned);
  BOOST_TEST(!farewell[0].is_refusal);
  BOOST_TEST(out.take<messages::end_link>({role::endpoint, 2}).empty());
  BOOST_TEST(out.take<messages::pause_links>({role::dialer, 1}).size() == 1U);
  BOOST_TEST(out.take<messages::pause_links>({role::monitor}).size() == 1U);

  hears(messages::pause_links{true}); // again: nothing new
  BOOST_TEST(out.take<messages::pause_links>({role::dialer, 1}).empty());
  hears(messages::link_opened{3, 0}); // a peer that calls meanwhile
  BOOST_TEST(out.take<messages::end_link>({role::endpoint, 3}).size() == 1U);

  hears(messages::pause_links{false});
  BOOST_TEST(out.take<messages::pause_links>({role::dialer, 1}).size() == 1U);
  hears(messages::link_opened{4, 1});
  BOOST_TEST(out.take<messages::end_link>({role::endpoint, 4}).empty());
}

BOOST_FIXTURE_TEST_CASE(gives_up_loudly_after_a_few_deaths_within_a_minute, one_supervisor) {
  for (std::size_t i = 0; i < limits::restarts_max; ++i)
    dies({role::observer});
  BOOST_TEST(out.take<messages::gave_up>({role::host}).empty());
  dies({role::observer});
  BOOST_TEST(out.take<messages::gave_up>({role::host}).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(links_that_fail_one_after_the_other_end_nothing_but_themselves, one_supervisor) {
  for (std::uint64_t link = 1; link <= 10 * limits::restarts_max; ++link) {
    hears(messages::link_opened{link, 0, link % 2 == 0});
    dies({link % 2 == 0 ? role::endpoint : role::queue, link});
    BOOST_TEST(staff.closed.back() == link);
    hears(messages::link_closed{link, false, false, "closed"});
  }
  BOOST_TEST(out.take<messages::gave_up>({role::host}).empty());
}

BOOST_FIXTURE_TEST_CASE(deaths_far_apart_are_forgiven, one_supervisor) {
  for (std::size_t i = 0; i < 10 * limits::restarts_max; ++i) {
    dies({role::observer});
    out.time_us += limits::restart_window_ms * actors::us_per_ms;
  }
  BOOST_TEST(out.take<messages::gave_up>({role::host}).empty());
}

BOOST_FIXTURE_TEST_CASE(stops_producers_first_and_says_when_all_have_ended, one_supervisor) {
  hears(messages::link_opened{1, 1});
  hears(messages::stop_node{});
  std::vector<role> order;
  for (std::size_t i = 0; i < staff.ended.size() && i < 100; ++i) {
    order.push_back(staff.ended[i].who);
    dies(staff.ended[i], true);
  }
  const std::vector<role> wanted{role::dialer,  role::observer, role::queue,   role::endpoint,
                                 role::arbiter, role::batcher,  role::monitor, role::host};
  BOOST_TEST((order == wanted));
  BOOST_TEST(staff.is_finished);
}

BOOST_AUTO_TEST_SUITE_END()
