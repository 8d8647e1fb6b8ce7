#include <boost/test/unit_test.hpp>

#include "actors/device_clock.hpp"
#include "messages/limits.hpp"

using namespace tandem;

namespace {

constexpr std::int64_t hour_ms = 3'600'000;

struct one_clock {
  std::int64_t wall_ms = 1'700'000'000'000;
  std::int64_t steady_us = 0;
  actors::device_clock clock{[this] { return wall_ms; },
                             [this] {
                               return steady_us;
                             }};

  void pass(std::int64_t ms) {
    wall_ms += ms;
    steady_us += ms * 1'000;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(device_clock)

BOOST_FIXTURE_TEST_CASE(until_a_hub_is_heard_the_machines_clock_counts, one_clock) {
  BOOST_TEST(clock.now_ms() == wall_ms);
  wall_ms += hour_ms;
  BOOST_TEST(clock.now_ms() == wall_ms);
  BOOST_TEST(clock.correction_ms() == 0);
}

BOOST_FIXTURE_TEST_CASE(a_clock_that_is_set_right_while_linked_is_not_corrected_twice, one_clock) {
  const auto right_ms = wall_ms;
  wall_ms -= 24 * hour_ms;
  clock.correct(24 * hour_ms);
  pass(5'000);
  BOOST_TEST(clock.now_ms() == right_ms + 5'000);
  wall_ms += 24 * hour_ms;
  BOOST_TEST(clock.correction_ms() == 0);
  BOOST_TEST(clock.now_ms() == right_ms + 5'000);
  pass(hour_ms);
  BOOST_TEST(clock.now_ms() == right_ms + 5'000 + hour_ms);
}

BOOST_FIXTURE_TEST_CASE(a_right_clock_that_jumps_while_linked_is_not_followed, one_clock) {
  clock.correct(0);
  const auto right_ms = wall_ms;
  wall_ms -= hour_ms;
  BOOST_TEST(clock.now_ms() == right_ms);
  BOOST_TEST(clock.correction_ms() == hour_ms);
  clock.correct(0);
  BOOST_TEST(clock.now_ms() == wall_ms);
}

BOOST_FIXTURE_TEST_CASE(small_steps_are_followed, one_clock) {
  clock.correct(0);
  for (int i = 0; i < 10; ++i) {
    wall_ms += limits::clock_jump_ms_max;
    BOOST_TEST(clock.now_ms() == wall_ms);
  }
}

BOOST_FIXTURE_TEST_CASE(a_machine_that_slept_knows_how_long, one_clock) {
  clock.correct(hour_ms);
  pass(7 * 24 * hour_ms);
  BOOST_TEST(clock.now_ms() == wall_ms + hour_ms);
}

BOOST_AUTO_TEST_SUITE_END()
