#include <boost/test/unit_test.hpp>

#include "actors/batcher.hpp"
#include "messages/internal.hpp"
#include "messages/limits.hpp"
#include "tests/unit/actors/recording_outbox.hpp"

using namespace tandem;
using actors::role;
using messages::priority;
using tests::recording_outbox;

namespace {

struct one_batcher {
  recording_outbox out{{role::batcher}};
  actors::batcher batcher;

  explicit one_batcher(std::optional<std::int64_t> window_ms = {}) : batcher{window_ms} {}
  void queue_says(std::uint64_t link, std::uint64_t unacked, bool answers_flush = false, bool is_up = true,
                  std::int64_t round_ms = 0, std::int64_t held_ms = 0) {
    const messages::queue_state state{unacked, answers_flush, is_up,
                                      static_cast<std::uint64_t>(round_ms * actors::us_per_ms),
                                      static_cast<std::uint64_t>(held_ms * actors::us_per_ms)};
    batcher.receive(recording_outbox::from({role::queue, link}, state), out);
  }
  void log_grew(std::uint64_t head, std::uint64_t rows, std::uint64_t via_link = 0,
                priority urgency = priority::normal) {
    batcher.receive(recording_outbox::from({role::observer}, messages::grown{head, rows, via_link, {}, urgency}), out);
  }
  std::size_t flushes(std::uint64_t link) { return out.take<messages::flush>({role::queue, link}).size(); }
  void pass_ms(std::int64_t ms) {
    out.time_us += ms * actors::us_per_ms;
    if (out.due_us && *out.due_us <= out.time_us) {
      out.due_us.reset();
      batcher.tick(out);
    }
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(batcher)

BOOST_FIXTURE_TEST_CASE(a_quiet_link_sends_at_once, one_batcher) {
  queue_says(1, 0);
  BOOST_TEST(flushes(1) == 0U);
  log_grew(5, 1);
  BOOST_TEST(flushes(1) == 1U);
}

BOOST_FIXTURE_TEST_CASE(no_second_order_before_the_first_is_answered, one_batcher) {
  queue_says(1, 0);
  for (std::uint64_t i = 1; i <= 100; ++i)
    log_grew(i, limits::flush_rows_max);
  BOOST_TEST(flushes(1) == 1U);
  queue_says(1, 0, true);
  BOOST_TEST(flushes(1) == 1U);
}

BOOST_FIXTURE_TEST_CASE(changes_wait_for_the_bundle_under_way, one_batcher) {
  queue_says(1, 0);
  log_grew(1, 1);
  queue_says(1, 1, true);
  BOOST_TEST(flushes(1) == 1U);
  log_grew(2, 1);
  BOOST_TEST(flushes(1) == 0U);
  queue_says(1, 0);
  BOOST_TEST(flushes(1) == 1U);
}

BOOST_FIXTURE_TEST_CASE(but_not_for_long, one_batcher) {
  queue_says(1, 1);
  log_grew(2, 1);
  pass_ms(limits::flush_window_ms - 1);
  BOOST_TEST(flushes(1) == 0U);
  pass_ms(1);
  BOOST_TEST(flushes(1) == 1U);
}

/// A bundle goes out and is acknowledged after so long, of which the peer has taken a part; then another is under way.
BOOST_FIXTURE_TEST_CASE(for_as_long_as_suits_the_link_and_the_peer, one_batcher) {
  struct situation {
    std::int64_t took_ms, held_ms, window_ms;
  };
  std::uint64_t head = 0;
  for (const auto& [took_ms, held_ms, window_ms] :
       {situation{10 * limits::bundles_under_way, 2, 10}, situation{60, 25, 25},
        situation{2, 1, limits::flush_window_ms_min}, situation{5'000, 4'000, limits::flush_window_ms_max}}) {
    for (int i = 0; i < 200; ++i) { // until the mean has followed
      queue_says(1, 1);
      pass_ms(took_ms);
      queue_says(1, 0, false, true, took_ms, held_ms);
    }
    queue_says(1, 1);
    log_grew(++head, 1);
    BOOST_TEST(flushes(1) == 0U);
    pass_ms(window_ms - 1);
    BOOST_TEST(flushes(1) == 0U);
    pass_ms(1);
    BOOST_TEST(flushes(1) == 1U);
    queue_says(1, 0, true);
  }
}

BOOST_AUTO_TEST_CASE(or_for_as_long_as_a_person_has_set) {
  one_batcher fixed{40};
  fixed.queue_says(1, 0); // quiet
  fixed.log_grew(2, 1);
  fixed.pass_ms(39);
  BOOST_TEST(fixed.flushes(1) == 0U);
  fixed.pass_ms(1);
  BOOST_TEST(fixed.flushes(1) == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_critical_waits_for_no_window) {
  one_batcher fixed{40};
  fixed.queue_says(1, 3); // as busy as it may be
  fixed.log_grew(1, 1);
  BOOST_TEST(fixed.flushes(1) == 0U);
  fixed.log_grew(2, 1, 0, priority::critical);
  BOOST_TEST(fixed.flushes(1) == 1U);
  fixed.queue_says(1, 3, true);
  fixed.log_grew(3, 1);
  BOOST_TEST(fixed.flushes(1) == 0U); // it was the other that was in a hurry
}

BOOST_FIXTURE_TEST_CASE(what_is_in_the_background_goes_a_few_times_a_second, one_batcher) {
  queue_says(1, 0);
  auto grow = [this, head = std::uint64_t{0}](priority urgency) mutable {
    log_grew(++head, 1, 0, urgency);
    const auto sent = flushes(1);
    queue_says(1, 0, true);
    return sent;
  };
  BOOST_TEST(grow(priority::background) == 1U); // nothing else is to be done
  BOOST_TEST(grow(priority::background) == 0U);
  pass_ms(limits::background_window_ms - 1);
  BOOST_TEST(grow(priority::background) == 0U);
  pass_ms(1);
  BOOST_TEST(flushes(1) == 1U);
  queue_says(1, 0, true);
  BOOST_TEST(grow(priority::background) == 0U);
  BOOST_TEST(grow(priority::normal) == 1U); // and what waited goes with it
  pass_ms(limits::background_window_ms);
  BOOST_TEST(flushes(1) == 0U);
}

BOOST_FIXTURE_TEST_CASE(nor_when_they_are_many, one_batcher) {
  queue_says(1, 1);
  log_grew(limits::flush_rows_max, limits::flush_rows_max);
  BOOST_TEST(flushes(1) == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_slow_link_holds_up_no_other, one_batcher) {
  queue_says(1, 3);
  queue_says(2, 0);
  log_grew(1, 1);
  BOOST_TEST(flushes(1) == 0U);
  BOOST_TEST(flushes(2) == 1U);
}

BOOST_FIXTURE_TEST_CASE(what_a_peer_sent_itself_goes_back_late_and_as_nothing, one_batcher) {
  queue_says(1, 0);
  queue_says(2, 0);
  log_grew(1, 1, 1);
  BOOST_TEST(flushes(1) == 0U);
  BOOST_TEST(flushes(2) == 1U);
  pass_ms(limits::advance_window_ms);
  BOOST_TEST(flushes(1) == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_link_that_ended_gets_nothing, one_batcher) {
  queue_says(1, 0);
  queue_says(1, 0, false, false);
  log_grew(1, 1);
  BOOST_TEST(flushes(1) == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
