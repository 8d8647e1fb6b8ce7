// A simulator that finds nothing proves nothing: each known mistake must be found, and in the same history without
// it all must hold.
#include <cstdint>

#include <boost/test/unit_test.hpp>
#include <spdlog/spdlog.h>

#include "tests/simulation/history.hpp"

using namespace tandem::simulation;

namespace {

struct quiet {
  quiet() { spdlog::set_level(spdlog::level::off); }
};

constexpr std::size_t steps_each = 60;

// Found by far fewer as a rule. By hand: tandem sim --seed 1 --seeds 200 --plant NAME
constexpr std::uint64_t seeds_tried = 40;

outcome run(std::uint64_t seed, plant planted, bool is_strict) {
  history_options options;
  options.seed = seed;
  options.planted = planted;
  options.is_strict = is_strict;
  options.with_constraints = options.with_clocks = options.with_copies = false;
  return run_history(options, random_steps(seed, steps_each));
}

/// The first history that fails with the mistake and holds without it; 0: none does.
std::uint64_t seed_that_finds(plant planted, bool is_strict) {
  for (std::uint64_t seed = 1; seed <= seeds_tried; ++seed)
    if (!run(seed, planted, is_strict).is_sound && run(seed, plant::none, is_strict).is_sound)
      return seed;
  return 0;
}

} // namespace

BOOST_GLOBAL_FIXTURE(quiet);

BOOST_AUTO_TEST_CASE(every_planted_mistake_is_found) {
  BOOST_TEST(planted_mistakes().size() == 10U);
  for (const auto& mistake : planted_mistakes()) {
    // Bundles that are applied again do no harm but conflicts that are none.
    const auto seed = seed_that_finds(mistake.what, mistake.what == plant::lose_cursor);
    BOOST_TEST(seed != 0U, mistake.name << " was not found");
    BOOST_TEST_MESSAGE(mistake.name << " is found by seed " << seed);
  }
}
