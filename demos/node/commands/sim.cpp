// sim: histories of whole nodes with faults, on virtual time.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <spdlog/spdlog.h>

#include "demos/node/arguments.hpp"
#include "demos/node/command.hpp"
#include "tests/simulation/history.hpp"

namespace tandem::node {

namespace {

struct sim_arguments {
  std::uint64_t seed = 0;
  std::uint64_t seeds = 1;
  std::uint64_t seconds = 0;
  std::uint64_t steps = 200;
  std::uint64_t replicas = 4;
  std::uint64_t shrink_seconds = 20;
  std::string planted;
  std::string only;
  std::vector<std::string> without;
  bool is_strict = false;
  bool goes_on = false;
  bool shows_all = false;
};

simulation::plant plant_named(const std::string& name) {
  if (name.empty())
    return simulation::plant::none;
  std::string known;
  for (const auto& each : simulation::planted_mistakes()) {
    if (each.name == name)
      return each.what;
    known += (known.empty() ? "" : ", ") + std::string{each.name};
  }
  throw wrong_usage{"there is no mistake called '" + name + "' to plant; there are " + known};
}

std::vector<simulation::step> steps_given(const std::string& text) {
  try {
    return simulation::steps_of(text);
  } catch (const std::invalid_argument& trouble) {
    throw wrong_usage{std::string{trouble.what()} + "; --only takes what a failing run has printed"};
  }
}

std::string in_hex(std::uint64_t number) {
  constexpr auto digits = "0123456789abcdef";
  std::string result;
  for (int shift = 60; shift >= 0; shift -= 4)
    result += digits[(number >> shift) & 15];
  return result;
}

void print_failure(const sim_arguments& arguments, const simulation::history_options& options,
                   const std::vector<simulation::step>& steps, const simulation::outcome& found) {
  std::cout << "seed " << options.seed << " fails: " << found.trouble << "\n";
  std::string without;
  for (const auto& each : arguments.without)
    without += " --without " + each;
  without += arguments.is_strict ? " --strict" : "";
  const std::string base = "tandem sim --seed " + std::to_string(options.seed) + " --replicas " +
                           std::to_string(options.replicas) +
                           (arguments.planted.empty() ? "" : " --plant " + arguments.planted) + without;
  std::cout << "It happens again with:  " << base
            << (arguments.only.empty() ? " --steps " + std::to_string(steps.size()) : " --only " + arguments.only)
            << "\n";
  auto fewer = steps;
  if (arguments.shrink_seconds > 0)
    fewer = simulation::smaller(options, steps, static_cast<unsigned>(arguments.shrink_seconds));
  const auto small = simulation::run_history(options, fewer);
  if (fewer.size() < steps.size())
    std::cout << "With " << fewer.size() << " steps:  " << base << " --only '" << simulation::text_of(fewer) << "'\n  "
              << small.trouble << "\n";
  if (!arguments.shows_all && arguments.goes_on)
    return;
  std::cout << "What happened:\n";
  for (const auto& line : small.record)
    std::cout << "  " << line << "\n";
}

bool run_seed(const sim_arguments& arguments, std::uint64_t seed) {
  simulation::history_options options;
  options.seed = seed;
  options.replicas = arguments.replicas;
  options.planted = plant_named(arguments.planted);
  const auto has = [&arguments](const char* name) {
    return std::ranges::find(arguments.without, name) == arguments.without.end();
  };
  options.with_constraints = has("constraints");
  options.with_clocks = has("clocks");
  options.with_copies = has("copies");
  options.is_strict = arguments.is_strict;
  const auto steps =
      arguments.only.empty() ? simulation::random_steps(seed, arguments.steps) : steps_given(arguments.only);
  const auto found = simulation::run_history(options, steps);
  if (!found.is_sound) {
    print_failure(arguments, options, steps, found);
    return false;
  }
  std::cout << "seed " << seed << ": " << steps.size() << " steps, " << found.commits << " commits, " << found.frames
            << " frames, " << found.virtual_ms / 1'000 << " s of virtual time, history " << in_hex(found.hash) << "\n";
  if (arguments.shows_all)
    for (const auto& line : found.record)
      std::cout << "  " << line << "\n";
  return true;
}

int sim(const sim_arguments& arguments) {
  spdlog::set_level(spdlog::level::off);
  plant_named(arguments.planted);
  if (arguments.seconds == 0) {
    std::uint64_t failed = 0;
    for (auto seed = arguments.seed; seed < arguments.seed + arguments.seeds; ++seed) {
      failed += run_seed(arguments, seed) ? 0 : 1;
      if (failed && !arguments.goes_on)
        return exit_failure;
    }
    if (arguments.seeds > 1)
      std::cout << failed << " of " << arguments.seeds << " histories failed\n";
    return failed ? exit_failure : exit_done;
  }
  // Fresh seeds are as good as any other, and each is told, so that it can be run again.
  const auto base = arguments.seed != 0 ? arguments.seed : std::uint64_t{std::random_device{}()} << 16;
  std::cout << "Fresh seeds from " << base << " on\n";
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{arguments.seconds};
  std::uint64_t count = 0;
  for (; std::chrono::steady_clock::now() < end; ++count)
    if (!run_seed(arguments, base + count))
      return exit_failure;
  std::cout << count << " histories held all invariants\n";
  return exit_done;
}

} // namespace

void add_sim(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<sim_arguments>();
  auto* command = program.add_subcommand(
      "sim", "Simulate a history of whole nodes with faults; the same seed gives the same history");
  auto* seed = command->add_option("--seed", arguments->seed, "Which history");
  command->add_option("--steps", arguments->steps, "How long it is")->capture_default_str();
  command->add_option("--replicas", arguments->replicas, "Nodes, in a tree of links")
      ->capture_default_str()
      ->check(CLI::Range(2, 12));
  command->add_option("--seeds", arguments->seeds, "So many histories, counting up from --seed")->capture_default_str();
  command->add_option("--seconds", arguments->seconds, "Fresh seeds for so long");
  command->add_option("--plant", arguments->planted, "Make a known mistake, to see that it is found");
  command->add_option("--only", arguments->only, "Only these steps, as a failing run prints them");
  command->add_option("--shrink", arguments->shrink_seconds, "Seconds to look for a shorter history that fails")
      ->capture_default_str();
  command->add_option("--without", arguments->without, "Leave something out of the histories")
      ->check(CLI::IsMember({"constraints", "clocks", "copies"}));
  command->add_flag("--strict", arguments->is_strict,
                    "Conflicts of which one write had seen the other are a failure too");
  command->add_flag("--keep-going", arguments->goes_on, "Run the other seeds too when one has failed");
  command->add_flag("--show", arguments->shows_all, "Tell what happened, also if all is well");
  std::string mistakes;
  for (const auto& each : simulation::planted_mistakes())
    mistakes += "\n  " + std::string{each.name} + std::string(18 - each.name.size(), ' ') + std::string{each.text};
  command->footer("Exit 0: all invariants held. Exit 1: one did not; what it prints replays the history.\n"
                  "Mistakes that can be planted:" +
                  mistakes +
                  "\nExamples:\n"
                  "  tandem sim --seed 7                            one history\n"
                  "  tandem sim --seed 1 --seeds 2000 --steps 500   many\n"
                  "  tandem sim --seconds 60                        as many fresh ones as a minute holds\n"
                  "  tandem sim --seed 1 --seeds 200 --plant drop-row");
  command->callback([arguments, seed, &chosen] {
    if (seed->count() == 0 && arguments->seconds == 0)
      throw wrong_usage{"name a history with --seed N, or a time with --seconds S"};
    chosen = [arguments] {
      return sim(*arguments);
    };
  });
}

} // namespace tandem::node
