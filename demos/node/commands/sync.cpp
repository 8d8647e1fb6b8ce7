// clone, sync, repair: level with one peer, then end.
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "demos/node/command.hpp"
#include "demos/node/commands/links.hpp"
#include "demos/node/progress.hpp"
#include "demos/node/text.hpp"
#include "messages/failure.hpp"

namespace tandem::node {

namespace {

using messages::failure;
using messages::failure_code;
using phase = messages::link_phase::phase;

/// Between two looks at how far things are.
constexpr std::int64_t look_ms = 100;
/// A link that broke while it was in use comes back or not; this long without a step forward, and it does not.
constexpr std::chrono::seconds patience{30};

/// How far the one link of `node` is.
struct step {
  phase now = phase::connecting;
  std::uint64_t acked = 0;
  std::uint64_t applied = 0;
  bool operator==(const step&) const = default;
};

actors::link_info link_of(const actors::node& node) {
  const auto links = node.links();
  return links.empty() ? actors::link_info{} : links.front();
}

std::string how_far(const actors::node& node) {
  const auto link = link_of(node);
  if (link.now != phase::linked) {
    return "connecting";
  }
  return with_commas(link.applied) + " of " + with_commas(link.their_head) + " taken in, " + with_commas(link.acked) +
         " handed out";
}

/// Throws failure with what keeps the node from ever getting level.
void look_for_trouble(const actors::node& node, const std::string& url, bool was_linked) {
  if (const auto trouble = node.trouble(); !trouble.empty()) {
    throw failure{failure_code::defect, trouble};
  }
  const auto link = link_of(node);
  if (link.now == phase::refused) {
    throw failure{failure_code::denied, url + " does not link with this replica: " + link.text};
  }
  if (!was_linked && link.link == 0 && !link.text.empty()) {
    throw failure{failure_code::network,
                  url + " can't be reached (" + link.text + "): see that a node listens there, then try again"};
  }
}

void run_until_level(actors::node& node, const std::string& url) {
  const progress shown{"Syncing with " + url, [&node] {
                         return how_far(node);
                       }};
  node.start();
  bool was_linked = false;
  step last;
  auto last_step = std::chrono::steady_clock::now();
  while (!node.wait_until_level(look_ms)) {
    look_for_trouble(node, url, was_linked);
    const auto link = link_of(node);
    was_linked = was_linked || link.now == phase::linked;
    const step now{link.now, link.acked, link.applied};
    if (now != last) {
      last = now;
      last_step = std::chrono::steady_clock::now();
    } else if (std::chrono::steady_clock::now() - last_step > patience) {
      throw failure{failure_code::network, url + " has not answered for " + std::to_string(patience.count()) +
                                               " s: try again later; " + "what has arrived stays"};
    }
  }
}

int sync(const link_arguments& arguments, bool may_create) {
  set_up_log(true);
  auto options = options_of(arguments);
  options.may_create = may_create;
  const auto start = std::chrono::steady_clock::now();
  actors::node node{std::move(options)};
  run_until_level(node, arguments.peers.front());
  node.stop();
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
  auto replica = storage::replica::open(arguments.database);
  const auto status = replica.status();
  std::uint64_t rows = 0;
  for (const auto& table : status.tables) {
    rows += table.rows;
  }
  std::cout << arguments.database << " is level with " << arguments.peers.front() << ": "
            << counted(status.tables.size(), "table") << " with " << counted(rows, "row") << ", in "
            << as_duration(taken.count()) << ".\n";
  return exit_done;
}

int repair(const link_arguments& arguments) {
  set_up_log(true);
  actors::node node{options_of(arguments)};
  run_until_level(node, arguments.peers.front());
  const auto done = node.compare();
  node.wait_until_level(look_ms);
  node.stop();
  std::cout << arguments.database << " and " << arguments.peers.front() << ": " << done.text
            << (done.ranges == 0 ? "" : "; both sides are equal now, what lost is in tandem audit") << ".\n";
  return exit_done;
}

int clone(const link_arguments& arguments) {
  const std::filesystem::path file{arguments.database};
  if (std::filesystem::exists(file)) {
    throw failure{failure_code::storage,
                  file.string() + " exists: clone makes a new file; to level an existing replica use tandem sync"};
  }
  try {
    return sync(arguments, true);
  } catch (...) {
    for (const auto* suffix : {"", "-wal", "-shm", "-journal", "-tandem"}) {
      std::error_code ignored;
      std::filesystem::remove(file.string() + suffix, ignored);
    }
    throw;
  }
}

std::shared_ptr<link_arguments> with_one_peer() {
  auto arguments = std::make_shared<link_arguments>();
  arguments->peers.resize(1);
  return arguments;
}

} // namespace

void add_clone(CLI::App& program, chosen_command& chosen) {
  auto arguments = with_one_peer();
  auto* command = program.add_subcommand("clone", "A new replica from a peer");
  command->add_option("URL", arguments->peers.front(), "ws://HOST:PORT/ of the peer")->required();
  command->add_option("DB", arguments->database, "The new SQLite file")->required();
  add_token_option(*command, *arguments);
  command->footer("Never copy a tracked file by hand: two replicas of one identity would write.\n"
                  "Example:\n  tandem clone ws://127.0.0.1:7420/ laptop.db");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      return clone(*arguments);
    };
  });
}

void add_repair(CLI::App& program, chosen_command& chosen) {
  auto arguments = with_one_peer();
  auto* command =
      program.add_subcommand("repair", "Compare with a peer range by range, and mend what differs on both sides");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  command->add_option("URL", arguments->peers.front(), "ws://HOST:PORT/ of the peer")->required();
  add_token_option(*command, *arguments);
  command->footer(
      "Nodes that run do the same every hour. For rows that were changed behind Tandem's back: with triggers\n"
      "off, by a broken disk, by a bug. Where one write has two values, the peer's stands.\n"
      "Example:\n  tandem repair laptop.db ws://127.0.0.1:7420/");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      return repair(*arguments);
    };
  });
}

void add_sync(CLI::App& program, chosen_command& chosen) {
  auto arguments = with_one_peer();
  auto* command = program.add_subcommand("sync", "Once: push and pull until both sides are level");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  command->add_option("URL", arguments->peers.front(), "ws://HOST:PORT/ of the peer")->required();
  add_token_option(*command, *arguments);
  command->footer("Example:\n  tandem sync laptop.db ws://127.0.0.1:7420/");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      return sync(*arguments, false);
    };
  });
}

} // namespace tandem::node
