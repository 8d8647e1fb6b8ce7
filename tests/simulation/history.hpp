// A history: a seed, and a list of steps that says all that people, machines and links do. The same seed and steps
// give the same history to the byte, so a failing one can be made smaller by leaving steps out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/plants.hpp"

namespace tandem::simulation {

struct step {
  std::uint8_t kind = 0;  ///< of what: picks by weight
  std::uint8_t where = 0; ///< which node
  std::uint32_t salt = 0; ///< seeds every choice within the step
};

struct history_options {
  std::uint64_t seed = 1;
  std::size_t replicas = 4;
  bool with_constraints = true; ///< UNIQUE, CHECK, NOT NULL, foreign keys
  bool with_clocks = true;      ///< clocks that jump
  bool is_strict = false;       ///< the audit trail must name no writes of which one had seen the other
  bool with_copies = true;      ///< backups that are put back, files that are copied
  plant planted = plant::none;
};

struct outcome {
  bool is_sound = true;
  std::string trouble;             ///< what did not hold; empty: all did
  std::vector<std::string> record; ///< what happened, a line each
  std::string kind;                ///< what is special about the history
  std::uint64_t hash = 0;          ///< of everything that happened, frames included
  std::size_t commits = 0;
  std::uint64_t frames = 0;
  std::int64_t virtual_ms = 0;
};

std::vector<step> random_steps(std::uint64_t seed, std::size_t count);
/// Never throws for what the history shows.
outcome run_history(const history_options& options, const std::vector<step>& steps);
/// Leaves out as many steps as it can while the history still fails, for about so many seconds.
std::vector<step> smaller(const history_options& options, std::vector<step> steps, unsigned seconds);

/// Steps as one word for the command line, and back. Throws std::invalid_argument.
std::string text_of(const std::vector<step>& steps);
std::vector<step> steps_of(const std::string& text);

} // namespace tandem::simulation
