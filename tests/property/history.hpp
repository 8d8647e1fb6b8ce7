// A history: a list of steps that says all that happens in a world. The same steps give the same history,
// so a failing one can be made smaller by leaving steps out.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "tests/property/ground_truth.hpp"
#include "tests/property/statements.hpp"

namespace tandem::property {

struct step {
  std::uint8_t kind = 0;  ///< of what: picks by weight
  std::uint8_t where = 0; ///< device or link
  std::uint32_t salt = 0; ///< seeds every choice within the step
};
std::ostream& operator<<(std::ostream& out, const step& each);

enum class schema_kind { free, constrained };

struct history_options {
  schema_kind schema = schema_kind::free;
  std::size_t devices_max = 5;
  bool with_crashes = true;
  bool with_foreign_keys = false; ///< apps that switch PRAGMA foreign_keys on and off
};

/// Throws violation, with the record of what happened, if something that must hold does not.
void run_history(std::uint64_t seed, const std::vector<step>& steps, const history_options& options);

/// Steps for a seed, for plain loops.
std::vector<step> random_steps(std::uint64_t seed, std::size_t count);

/// Runs `count` histories, by RapidCheck (which makes a failing one smaller), and fails the test with the
/// record. TANDEM_SEED=N runs just that seed; TANDEM_RUNS=N another number; RC_PARAMS is RapidCheck's own.
void check_histories(std::size_t count, std::size_t steps, const history_options& options);

} // namespace tandem::property
