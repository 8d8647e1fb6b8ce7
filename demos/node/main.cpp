// The program `tandem`: one file for each command in commands/, the guided story in demo/.
#include <algorithm>
#include <cctype>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "demos/node/arguments.hpp"
#include "demos/node/command.hpp"
#include "messages/failure.hpp"

namespace {

constexpr const char* examples = R"(Examples:
  tandem demo                                        the whole story, in seconds
  tandem track notes.db --all                        every table of the app's database syncs from now on
  tandem serve notes.db --listen 127.0.0.1:7420      a hub
  tandem clone ws://127.0.0.1:7420/ laptop.db        a new replica from it
  tandem serve laptop.db --peer ws://127.0.0.1:7420/ kept in step for as long as this runs
  tandem status laptop.db                            where things stand)";

/// An arena for each of a node's threads would keep a third more memory than the node needs, for they all wait most of
/// the time. The program may say so for its own process; a library may not.
void share_arenas() {
#ifdef __GLIBC__
  constexpr int arenas = 2;
  mallopt(M_ARENA_MAX, arenas);
#endif
}

/// One line on standard error, whatever the text.
int report(int exit_code, std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char byte) { return byte == '\n' || byte == '\r'; }, ' ');
  std::cerr << "tandem: " << text << "\n";
  return exit_code;
}

/// A negative number as the last argument is a key, not an option.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> result(argv + 1, argv + argc);
  const auto is_number = [](const std::string& text) {
    return text.size() > 1 && text[0] == '-' && std::isdigit(static_cast<unsigned char>(text[1])) != 0;
  };
  const auto is_why = !result.empty() && result.front() == "why";
  if (is_why && is_number(result.back()) && std::find(result.begin(), result.end(), "--") == result.end()) {
    result.insert(result.end() - 1, "--");
  }
  std::reverse(result.begin(), result.end());
  return result;
}

std::string command_name(const CLI::App& program) {
  const auto commands = program.get_subcommands();
  return commands.empty() ? "tandem" : "tandem " + commands.front()->get_name();
}

int run(int argc, char** argv) {
  CLI::App program{"Tandem keeps an app's SQLite database and its other devices in step, and goes on working offline.",
                   "tandem"};
  program.set_version_flag("--version", "tandem " TANDEM_VERSION);
  program.require_subcommand(1);
  program.footer(examples);

  tandem::node::chosen_command chosen;
  tandem::node::add_demo(program, chosen);
  tandem::node::add_track(program, chosen);
  tandem::node::add_untrack(program, chosen);
  tandem::node::add_migrate(program, chosen);
  tandem::node::add_rules(program, chosen);
  tandem::node::add_serve(program, chosen);
  tandem::node::add_clone(program, chosen);
  tandem::node::add_sync(program, chosen);
  tandem::node::add_repair(program, chosen);
  tandem::node::add_status(program, chosen);
  tandem::node::add_conflicts(program, chosen);
  tandem::node::add_audit(program, chosen);
  tandem::node::add_verify(program, chosen);
  tandem::node::add_digest(program, chosen);
  tandem::node::add_why(program, chosen);
  tandem::node::add_validate(program, chosen);
  tandem::node::add_sim(program, chosen);

  try {
    program.parse(arguments_of(argc, argv));
  } catch (const CLI::ParseError& trouble) {
    if (trouble.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      return program.exit(trouble);
    }
    return report(tandem::node::exit_usage, std::string{trouble.what()} + "; see " + command_name(program) + " --help");
  }
  return chosen();
}

} // namespace

int main(int argc, char** argv) {
  share_arenas();
  try {
    return run(argc, argv);
  } catch (const tandem::node::wrong_usage& trouble) {
    return report(tandem::node::exit_usage, trouble.what());
  } catch (const tandem::messages::failure& trouble) {
    return report(tandem::node::exit_failure, trouble.what());
  } catch (const std::exception& trouble) {
    return report(tandem::node::exit_failure, std::string{"a defect, please report it: "} + trouble.what());
  }
}
