// status: where a replica stands, at a glance.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <nlohmann/json.hpp>

#include "demos/node/arguments.hpp"
#include "demos/node/as_json.hpp"
#include "demos/node/command.hpp"
#include "demos/node/text.hpp"

namespace tandem::node {

namespace {

struct status_arguments {
  std::string database;
  bool is_json = false;
  bool is_watching = false;
};

std::uint64_t waiting_for(const storage::peer_status& peer, std::uint64_t head) {
  return head - std::min(head, peer.acked);
}

int show_status(const status_arguments& arguments);

/// The one line that most people look for.
std::string verdict(const storage::replica_status& status) {
  if (status.tables.empty()) {
    return status.adopting ? "Empty: takes over its first peer's tables." : "Nothing is tracked: run tandem track.";
  }
  if (status.peers.empty()) {
    return "No peer yet: run tandem serve --listen here, or --peer URL.";
  }
  std::uint64_t behind = 0;
  for (const auto& peer : status.peers) {
    if (!peer.trouble.empty()) {
      return "A link has trouble, see below.";
    }
    behind += waiting_for(peer, status.head) > 0 ? 1 : 0;
  }
  if (behind > 0) {
    return std::to_string(behind) + " of " + counted(status.peers.size(), "peer") +
           " lack something that this replica has.";
  }
  return status.pending > 0 ? "Some writes are not stamped yet: they go out when a node runs (tandem serve or sync)."
                            : "In step: every peer has everything that this replica has.";
}

std::string peers_text(const storage::replica_status& status, std::int64_t now_ms) {
  std::vector<std::vector<std::string>> rows{{"peer", "site", "lacks", "last heard of", "state"}};
  for (const auto& peer : status.peers) {
    const auto lacks = waiting_for(peer, status.head);
    rows.push_back({peer.name.empty() ? "(unnamed)" : shortened(peer.name, 40), peer.site.to_short(),
                    lacks == 0 ? "nothing" : counted(lacks, "change"), as_age(peer.seen_ms, now_ms),
                    peer.trouble.empty() ? "fine" : peer.trouble});
  }
  return as_table(rows);
}

/// What keeps the log from being compacted, and until when.
std::string holder_text(const storage::replica_status& status, std::int64_t now_ms) {
  for (const auto& peer : status.peers) {
    if (status.log_holder == peer.site && status.log_entries > 0) {
      const auto left_hours = std::max<std::int64_t>(0, status.log_holder_until_ms - now_ms) / 3'600'000;
      return "             kept for " + (peer.name.empty() ? peer.site.to_short() : shortened(peer.name, 40)) +
             ", last heard of " + as_age(peer.seen_ms, now_ms) + "; for " +
             counted(static_cast<std::uint64_t>(left_hours), "more hour") +
             " unless it returns, then it gets a snapshot\n";
    }
  }
  return {};
}

std::string tables_text(const storage::replica_status& status) {
  std::string line;
  for (const auto& table : status.tables) {
    line += (line.empty() ? "" : ", ") + table.name + " " + with_commas(table.rows);
  }
  return line;
}

/// Again and again: what a person would do, or a program that reads line by line.
int watch_status(const status_arguments& arguments) {
  constexpr std::chrono::seconds between{1};
  const bool is_screen = isatty(STDOUT_FILENO) != 0;
  for (; std::cout; std::this_thread::sleep_for(between)) {
    if (is_screen) {
      std::cout << "\x1b[H\x1b[2J";
    }
    if (arguments.is_json) {
      std::cout << as_json(open_for_reading(arguments.database).status(), arguments.database).dump() << "\n";
    } else {
      show_status(arguments);
      std::cout << "\n";
    }
    std::cout.flush();
  }
  return exit_done;
}

int show_status(const status_arguments& arguments) {
  auto replica = open_for_reading(arguments.database);
  const auto status = replica.status();
  if (arguments.is_json) {
    print(as_json(status, arguments.database));
    return exit_done;
  }
  std::uint64_t rows = 0;
  for (const auto& table : status.tables) {
    rows += table.rows;
  }
  std::cout << arguments.database << ": site " << status.self.site.to_short() << ", "
            << counted(status.tables.size(), "table") << " with " << counted(rows, "row") << ", "
            << as_bytes(status.file_bytes) << "\n"
            << verdict(status) << "\n\n";
  if (!status.tables.empty()) {
    std::cout << "Tables       " << tables_text(status) << "\n";
  }
  for (const auto& table : status.kept_tables) {
    std::cout << "Kept         " << table.name << " " << with_commas(table.rows)
              << ", for peers that have it; create it here and run: tandem track " << arguments.database << " "
              << table.name << "\n";
  }
  for (const auto& each : status.policies) {
    std::cout << "Policy       " << each.table << (each.column.empty() ? "" : ".") << each.column << "=" << each.name
              << (each.options.empty() ? "" : ",") << each.options
              << (each.trouble.empty() ? "" : " does not hold: " + each.trouble) << "\n";
  }
  for (const auto& each : status.priorities) {
    std::cout << "Priority     " << each.table << "=" << messages::name_of(each.level) << "\n";
  }
  std::cout << "Log          at " << with_commas(status.head) << ", " << with_commas(status.log_entries)
            << " kept for peers"
            << "; " << counted(status.pending, "write") << " not stamped yet\n"
            << holder_text(status, storage::system_clock_ms()) << "Conflicts    " << with_commas(status.conflicts_open)
            << " open, " << with_commas(status.conflicts_total) << " in the audit trail\n"
            << "Quarantine   " << counted(status.quarantined, "row") << " set aside\n";
  if (status.refused > 0) {
    std::cout << "Refused      " << counted(status.refused, "change") << ", rolled back at their authors; tandem audit "
              << arguments.database << " tells which and why\n";
  }
  if (!status.compared_text.empty()) {
    std::cout << "Compared     " << as_age(status.compared_ms, storage::system_clock_ms()) << ", "
              << status.compared_text << "\n";
  }
  if (!status.renewed_why.empty()) {
    std::cout << "Identity     new (" << as_age(status.renewed_ms, storage::system_clock_ms())
              << "): " << status.renewed_why << "\n";
  }
  if (!status.peers.empty()) {
    std::cout << "Peers\n" << peers_text(status, storage::system_clock_ms());
  }
  if (status.conflicts_open > 0 || status.quarantined > 0) {
    std::cout << "\nNext: tandem conflicts " << arguments.database << "\n";
  }
  return exit_done;
}

} // namespace

void add_status(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<status_arguments>();
  auto* command = program.add_subcommand("status", "Where a replica and its peers stand");
  command->add_option("DB", arguments->database, "The app's SQLite file")->required();
  command->add_flag("--json", arguments->is_json, "One JSON document");
  command->add_flag("--watch", arguments->is_watching, "Again every second; with --json one document a line");
  command->footer("Reads the file only, whether a node runs or not; what a running node measures is at /monitor and "
                  "/metrics of where it listens.\nExamples:\n  tandem status notes.db --json\n"
                  "  tandem status notes.db --watch");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      return arguments->is_watching ? watch_status(*arguments) : show_status(*arguments);
    };
  });
}

} // namespace tandem::node
