// A simulator that finds nothing proves nothing: each known mistake must be found, and in the same history without
// it all must hold.
#include <map>

#include <boost/test/unit_test.hpp>
#include <spdlog/spdlog.h>

#include "tests/simulation/history.hpp"

using namespace tandem::simulation;

namespace {

struct quiet {
  quiet() { spdlog::set_level(spdlog::level::off); }
};

constexpr std::size_t steps_each = 60;

// Where a search from seed 1 on first finds the mistake. By hand: tandem sim --seed 1 --seeds 200 --plant NAME
const std::map<plant, std::uint64_t> found_by{
    {plant::skip_fsync, 1},       {plant::forget_clock, 6},     {plant::drop_row, 1},    {plant::early_ack, 2},
    {plant::split_bundle, 1},     {plant::lose_tombstones, 18}, {plant::lose_cursor, 1}, {plant::no_forwarding, 1},
    {plant::merge_unstamped, 11}, {plant::skip_audit, 1},
};

outcome run(std::uint64_t seed, plant planted) {
  history_options options;
  options.seed = seed;
  options.planted = planted;
  options.is_strict = planted == plant::lose_cursor;
  options.with_constraints = options.with_clocks = options.with_copies = false;
  return run_history(options, random_steps(seed, steps_each));
}

} // namespace

BOOST_GLOBAL_FIXTURE(quiet);

BOOST_AUTO_TEST_CASE(every_planted_mistake_is_found) {
  BOOST_TEST(planted_mistakes().size() == 10U);
  for (const auto& mistake : planted_mistakes()) {
    const auto seed = found_by.at(mistake.what);
    const auto with = run(seed, mistake.what);
    BOOST_TEST(!with.is_sound, mistake.name << " was not found by seed " << seed);
    BOOST_TEST_MESSAGE(mistake.name << ": " << with.trouble);
  }
}

BOOST_AUTO_TEST_CASE(without_a_mistake_the_same_histories_are_sound) {
  for (const auto& [mistake, seed] : found_by) {
    const auto without = run(seed, plant::none);
    BOOST_TEST(without.is_sound, "seed " << seed << ": " << without.trouble);
  }
}
