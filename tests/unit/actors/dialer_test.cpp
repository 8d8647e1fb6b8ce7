#include <algorithm>

#include <boost/test/unit_test.hpp>

#include "actors/dialer.hpp"
#include "messages/internal.hpp"
#include "messages/limits.hpp"
#include "messages/measurement.hpp"
#include "tests/unit/actors/recording_outbox.hpp"

using namespace tandem;
using actors::role;
using tests::recording_outbox;

BOOST_AUTO_TEST_SUITE(dialer)

BOOST_AUTO_TEST_CASE(waits_grow_to_their_limit_and_are_never_equal_for_all) {
  std::mt19937_64 random{7};
  std::int64_t largest = 0;
  for (std::uint32_t tries = 1; tries < 100; ++tries) {
    const auto wait = actors::dialer::wait_ms(tries, random);
    BOOST_TEST(wait >= limits::retry_ms_min / 2);
    BOOST_TEST(wait <= limits::retry_ms_max);
    largest = std::max(largest, wait);
  }
  BOOST_TEST(largest > limits::retry_ms_max / 2);
}

BOOST_AUTO_TEST_CASE(calls_again_for_ever) {
  int dials = 0;
  recording_outbox out{{role::dialer, 1}};
  actors::dialer dialer{{"ws://hub:1/", 1, [&dials] {
                           ++dials;
                         }}};
  dialer.start(out);
  for (int i = 0; i < 1'000; ++i) {
    BOOST_TEST(dials == i + 1);
    dialer.receive(recording_outbox::from({role::dialer, 1}, messages::dial_failed{"nobody there"}), out);
    BOOST_REQUIRE(out.due_us.has_value());
    BOOST_TEST(*out.due_us - out.time_us <= limits::retry_ms_max * actors::us_per_ms);
    out.time_us = *out.due_us;
    dialer.tick(out);
  }
}

BOOST_AUTO_TEST_CASE(after_a_refusal_somebody_has_to_act_first) {
  recording_outbox out{{role::dialer, 1}};
  actors::dialer dialer{{"ws://hub:1/", 1, [] {
                         }}};
  dialer.start(out);
  dialer.receive(recording_outbox::from({role::supervisor}, messages::link_closed{1, true, true, "schema"}), out);
  BOOST_TEST(*out.due_us - out.time_us >= limits::refused_retry_ms * actors::us_per_ms);
  const auto news = out.take<messages::link_phase>({role::host});
  BOOST_REQUIRE(news.size() == 1U);
  BOOST_TEST((news[0].now == messages::link_phase::phase::refused));
  BOOST_TEST(news[0].text == "schema");
}

BOOST_AUTO_TEST_CASE(a_token_that_is_refused_is_a_refusal_and_the_monitor_hears_of_it) {
  recording_outbox out{{role::dialer, 1}};
  actors::dialer dialer{{"ws://hub:1/", 1, [] {
                         }}};
  dialer.start(out);
  BOOST_TEST(out.take<messages::link_phase>({role::monitor}).at(0).peer_name == "ws://hub:1/");
  dialer.receive(recording_outbox::from({role::dialer, 1}, messages::dial_failed{"it refuses the token", true}), out);
  BOOST_TEST(*out.due_us - out.time_us >= limits::refused_retry_ms * actors::us_per_ms);
  for (const auto who : {role::host, role::monitor})
    BOOST_TEST((out.take<messages::link_phase>({who}).at(0).now == messages::link_phase::phase::refused));
  const auto measured = out.take<messages::measurements>({role::monitor});
  BOOST_REQUIRE(measured.size() == 1U);
  BOOST_TEST((measured[0].samples.at(0).what == messages::metric::links_refused));
}

BOOST_AUTO_TEST_CASE(calls_nobody_while_sync_is_paused_and_at_once_when_it_goes_on) {
  int dials = 0;
  recording_outbox out{{role::dialer, 1}};
  actors::dialer dialer{{"ws://hub:1/", 1, [&dials] {
                           ++dials;
                         }}};
  const auto pause = [&](bool is_paused) {
    dialer.receive(recording_outbox::from({role::supervisor}, messages::pause_links{is_paused}), out);
  };
  dialer.start(out);
  pause(true); // while there is a link
  BOOST_TEST(out.take<messages::link_phase>({role::host}).empty());
  dialer.receive(recording_outbox::from({role::supervisor}, messages::link_closed{1, false, true, "paused"}), out);
  const auto news = out.take<messages::link_phase>({role::host});
  BOOST_REQUIRE(news.size() == 1U);
  BOOST_TEST((news[0].now == messages::link_phase::phase::paused));
  out.time_us += 2 * limits::retry_ms_max * actors::us_per_ms;
  dialer.tick(out);
  BOOST_TEST(dials == 1);
  pause(false);
  BOOST_TEST(dials == 2);
  BOOST_TEST((out.take<messages::link_phase>({role::host}).at(0).now == messages::link_phase::phase::connecting));
  dialer.tick(out); // one that was ordered before
  BOOST_TEST(dials == 2);
}

BOOST_AUTO_TEST_CASE(pauses_also_while_it_waits_for_its_next_try) {
  int dials = 0;
  recording_outbox out{{role::dialer, 1}};
  actors::dialer dialer{{"ws://hub:1/", 1, [&dials] {
                           ++dials;
                         }}};
  dialer.start(out);
  dialer.receive(recording_outbox::from({role::dialer, 1}, messages::dial_failed{"nobody there"}), out);
  dialer.receive(recording_outbox::from({role::supervisor}, messages::pause_links{true}), out);
  out.time_us = *out.due_us;
  dialer.tick(out);
  BOOST_TEST(dials == 1);
  dialer.receive(recording_outbox::from({role::supervisor}, messages::pause_links{false}), out);
  BOOST_TEST(dials == 2);
}

BOOST_AUTO_TEST_SUITE_END()
