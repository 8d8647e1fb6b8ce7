// verify, digest: is everything as it must be, and the same on both sides?
#include <iostream>
#include <memory>
#include <string>

#include "demos/node/arguments.hpp"
#include "demos/node/command.hpp"
#include "demos/node/progress.hpp"

namespace tandem::node {

namespace {

/// More would only scroll away the first ones.
constexpr std::size_t differences_shown = 20;

struct verify_arguments {
  std::string database;
  std::string other;
};

std::size_t print_findings(const std::string& path, const storage::findings& findings) {
  for (const auto& finding : findings) {
    std::cout << path << ": " << finding << "\n";
  }
  return findings.size();
}

int verify(const verify_arguments& arguments) {
  const progress shown{"Checking"};
  auto replica = open_for_reading(arguments.database);
  auto found = print_findings(arguments.database, replica.verify());
  if (arguments.other.empty()) {
    if (found == 0) {
      std::cout << arguments.database << ": all is as it must be.\n";
    }
    return found == 0 ? exit_done : exit_failure;
  }
  auto other = open_for_reading(arguments.other);
  found += print_findings(arguments.other, other.verify());
  found += print_findings(arguments.database + " and " + arguments.other,
                          storage::compare(replica, other, differences_shown));
  if (found == 0) {
    std::cout << arguments.database << " and " << arguments.other << ": equal, and all is as it must be.\n";
  }
  return found == 0 ? exit_done : exit_failure;
}

} // namespace

void add_verify(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<verify_arguments>();
  auto* command = program.add_subcommand(
      "verify", "Check every invariant that can be checked at rest; with two files, that they are equal");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  command->add_option("DB2", arguments->other, "Another replica of it");
  command->footer(
      "Exit 0: nothing found. Exit 1: each finding is a line.\nExample:\n  tandem verify laptop.db phone.db");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      return verify(*arguments);
    };
  });
}

void add_digest(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<verify_arguments>();
  auto* command = program.add_subcommand("digest", "A hash of all tracked rows, equal on converged replicas");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  command->footer("Example:\n  [ \"$(tandem digest laptop.db)\" = \"$(tandem digest phone.db)\" ] && echo level");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      const progress shown{"Hashing"};
      std::cout << open_for_reading(arguments->database).digest() << "\n";
      return exit_done;
    };
  });
}

} // namespace tandem::node
