// Runs histories by RapidCheck, or by plain seeds.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <limits>

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include "tests/property/environment.hpp"
#include "tests/property/history.hpp"

namespace tandem::property {
namespace {

step step_of(std::uint64_t bits) {
  return {static_cast<std::uint8_t>((bits >> 40) % 100), static_cast<std::uint8_t>(bits >> 32),
          static_cast<std::uint32_t>(bits)};
}

// Uniform whatever RapidCheck's size.
rc::Gen<std::uint64_t> any_bits() {
  return rc::gen::noShrink(rc::gen::inRange<std::uint64_t>(0, std::numeric_limits<std::uint64_t>::max()));
}

// What a history breaks; empty: nothing.
std::string broken_by(std::uint64_t seed, const std::vector<step>& steps, const history_options& options) {
  try {
    run_history(seed, steps, options);
    return {};
  } catch (const violation& error) {
    return error.what();
  }
}

// Leaves out as many steps as it can while something still breaks. (RapidCheck's own way tries every pair of
// ends of what to leave out, which takes hours here.)
std::string smaller(std::uint64_t seed, std::vector<step> steps, const history_options& options, std::string found) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  for (auto chunk = std::max<std::size_t>(steps.size() / 2, 1); chunk > 0 && std::chrono::steady_clock::now() < end;) {
    bool was_cut = false;
    for (std::size_t at = 0; at < steps.size() && std::chrono::steady_clock::now() < end;) {
      auto fewer = steps;
      const auto from = fewer.begin() + static_cast<std::ptrdiff_t>(at);
      fewer.erase(from, from + static_cast<std::ptrdiff_t>(std::min(chunk, fewer.size() - at)));
      if (auto broken = broken_by(seed, fewer, options); broken.empty()) {
        at += chunk;
      } else {
        steps = std::move(fewer);
        found = std::move(broken);
        was_cut = true;
      }
    }
    if (chunk == 1 && !was_cut)
      break;
    chunk = std::max<std::size_t>(chunk / 2, 1);
  }
  for (auto& letter : found)
    letter = letter == '\0' ? '?' : letter;
  return "history " + std::to_string(seed) + " made smaller to " + std::to_string(steps.size()) + " steps: " + found;
}

void check_seeds(std::uint64_t first, std::uint64_t count, std::size_t steps, const history_options& options) {
  for (auto seed = first; seed < first + count; ++seed) {
    const auto all = random_steps(seed, steps);
    if (const auto broken = broken_by(seed, all, options); !broken.empty())
      BOOST_ERROR("TANDEM_SEED=" << seed << ": " << smaller(seed, all, options, broken));
  }
  BOOST_TEST_MESSAGE("seeds " << first << " to " << first + count - 1 << " were run");
}

} // namespace

void check_histories(std::size_t count, std::size_t steps_max, const history_options& options) {
  const auto runs = number_from_environment("TANDEM_RUNS");
  if (const auto seed = number_from_environment("TANDEM_SEED")) {
    check_seeds(*seed, runs.value_or(1), steps_max, options);
    return;
  }
  rc::detail::TestMetadata metadata;
  metadata.id = boost::unit_test::framework::current_test_case().full_name();
  metadata.description = metadata.id;
  auto parameters = rc::detail::configuration().testParams;
  parameters.maxSuccess = static_cast<int>(runs.value_or(count));
  parameters.maxSize = static_cast<int>(2 * steps_max); // lengths are uniform below it
  std::cerr << metadata.id << ": RC_PARAMS=\"seed=" << parameters.seed << "\" repeats this run\n";
  const auto result = rc::detail::checkTestable(
      [&] {
        const auto seed = *any_bits();
        const auto steps = *rc::gen::noShrink(rc::gen::container<std::vector<step>>(rc::gen::map(any_bits(), step_of)));
        if (const auto broken = broken_by(seed, steps, options); !broken.empty())
          RC_FAIL(smaller(seed, steps, options, broken));
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
