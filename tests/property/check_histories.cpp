// Runs histories by RapidCheck, or by plain seeds.
#include <cstdlib>
#include <iostream>
#include <limits>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include "tests/property/history.hpp"

namespace tandem::property {
namespace {

std::optional<std::uint64_t> number_from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text && *text ? std::optional<std::uint64_t>{std::strtoull(text, nullptr, 10)} : std::nullopt;
}

step step_of(std::uint64_t bits) {
  return {static_cast<std::uint8_t>((bits >> 40) % 100), static_cast<std::uint8_t>(bits >> 32),
          static_cast<std::uint32_t>(bits)};
}

// Uniform whatever RapidCheck's size; made smaller only by leaving steps out.
rc::Gen<std::uint64_t> any_bits() {
  return rc::gen::noShrink(rc::gen::inRange<std::uint64_t>(0, std::numeric_limits<std::uint64_t>::max()));
}

void check_seeds(std::uint64_t first, std::uint64_t count, std::size_t steps, const history_options& options) {
  for (auto seed = first; seed < first + count; ++seed) {
    try {
      run_history(seed, random_steps(seed, steps), options);
    } catch (const violation& error) {
      BOOST_FAIL("TANDEM_SEED=" << seed << ": " << error.what());
    }
  }
  BOOST_TEST_MESSAGE("seeds " << first << " to " << first + count - 1 << " hold");
}

} // namespace

void check_histories(std::size_t count, std::size_t steps, const history_options& options) {
  const auto runs = number_from_environment("TANDEM_RUNS");
  if (const auto seed = number_from_environment("TANDEM_SEED")) {
    check_seeds(*seed, runs.value_or(1), steps, options);
    return;
  }
  rc::detail::TestMetadata metadata;
  metadata.id = boost::unit_test::framework::current_test_case().full_name();
  metadata.description = metadata.id;
  auto parameters = rc::detail::configuration().testParams;
  parameters.maxSuccess = static_cast<int>(runs.value_or(count));
  parameters.maxSize = static_cast<int>(2 * steps); // lengths are uniform below it
  std::cerr << metadata.id << ": RC_PARAMS=\"seed=" << parameters.seed << "\" repeats this run\n";
  const auto result = rc::detail::checkTestable(
      [&] {
        const auto seed = *any_bits();
        const auto history = *rc::gen::container<std::vector<step>>(rc::gen::map(any_bits(), step_of));
        run_history(seed, history, options);
      },
      metadata, parameters);
  BOOST_CHECK(true);
  if (!result.is<rc::detail::SuccessResult>()) {
    std::ostringstream text;
    rc::detail::printResultMessage(result, text);
    BOOST_FAIL(text.str());
  }
}

} // namespace tandem::property
