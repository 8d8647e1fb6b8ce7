// The commands of the program: each declares its arguments on the command line's parser.
#pragma once

#include <functional>

#include <CLI/App.hpp>

namespace tandem::node {

/// What the command line asked for; run after all of it was understood. Returns the exit code; throws
/// messages::failure, which `main` turns into one line.
using chosen_command = std::function<int()>;

/// Wrong usage is what the command line alone shows to make no sense; everything else is a failure.
constexpr int exit_done = 0;
constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

void add_demo(CLI::App& program, chosen_command& chosen);
void add_track(CLI::App& program, chosen_command& chosen);
void add_untrack(CLI::App& program, chosen_command& chosen);
void add_serve(CLI::App& program, chosen_command& chosen);
void add_clone(CLI::App& program, chosen_command& chosen);
void add_sync(CLI::App& program, chosen_command& chosen);
void add_repair(CLI::App& program, chosen_command& chosen);
void add_status(CLI::App& program, chosen_command& chosen);
void add_conflicts(CLI::App& program, chosen_command& chosen);
void add_audit(CLI::App& program, chosen_command& chosen);
void add_verify(CLI::App& program, chosen_command& chosen);
void add_digest(CLI::App& program, chosen_command& chosen);
void add_migrate(CLI::App& program, chosen_command& chosen);
void add_rules(CLI::App& program, chosen_command& chosen);
void add_sim(CLI::App& program, chosen_command& chosen);
void add_validate(CLI::App& program, chosen_command& chosen);
void add_why(CLI::App& program, chosen_command& chosen);

} // namespace tandem::node
