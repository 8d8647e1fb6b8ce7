// The simulator itself: it repeats itself to the byte, shrinks what fails, and finds the mistakes that are planted.
#include <stdexcept>
#include <string>

#include <boost/test/unit_test.hpp>
#include <spdlog/spdlog.h>

#include "tests/simulation/history.hpp"

using namespace tandem::simulation;

namespace {

struct quiet {
  quiet() { spdlog::set_level(spdlog::level::off); }
};

outcome run(std::uint64_t seed, std::size_t steps, plant planted = plant::none) {
  history_options options;
  options.seed = seed;
  options.planted = planted;
  options.with_constraints = options.with_clocks = options.with_copies = false;
  return run_history(options, random_steps(seed, steps));
}

} // namespace

BOOST_GLOBAL_FIXTURE(quiet);

BOOST_AUTO_TEST_SUITE(histories)

BOOST_AUTO_TEST_CASE(one_seed_is_one_history_to_the_byte) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const auto first = run(seed, 60);
    run(seed + 100, 20); // what else this process did does not matter
    const auto second = run(seed, 60);
    BOOST_TEST(first.is_sound, first.trouble);
    BOOST_TEST(first.hash == second.hash, "seed " << seed);
    BOOST_TEST(first.frames == second.frames);
    BOOST_TEST(first.record == second.record);
  }
}

BOOST_AUTO_TEST_CASE(seeds_differ) {
  BOOST_TEST(run(1, 20).hash != run(2, 20).hash);
}

BOOST_AUTO_TEST_CASE(steps_are_written_down_and_read_again) {
  const auto steps = random_steps(5, 12);
  const auto again = steps_of(text_of(steps));
  BOOST_TEST(text_of(again) == text_of(steps));
  BOOST_TEST(again.size() == steps.size());
  BOOST_TEST(steps_of("").empty());
  for (const auto* wrong : {"1", "1.2", "1.2.", "1.2.3,", "300.1.1", "a.b.c", "1.2.3;4.5.6"})
    BOOST_CHECK_THROW(steps_of(wrong), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_failing_history_is_made_smaller) {
  history_options options;
  options.planted = plant::drop_row;
  options.with_constraints = options.with_clocks = options.with_copies = false;
  const auto steps = random_steps(options.seed, 40);
  BOOST_TEST_REQUIRE(!run_history(options, steps).is_sound);
  const auto fewer = smaller(options, steps, 120); // It ends when nothing more can go.
  BOOST_TEST(fewer.size() < steps.size() / 4);
  BOOST_TEST(!run_history(options, fewer).is_sound);
}

BOOST_AUTO_TEST_SUITE_END()
