// What serve, clone and sync have in common: a node with the options of the command line.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "actors/log_tail.hpp"
#include "actors/node.hpp"

namespace tandem::node {

struct link_arguments {
  std::string database;
  std::vector<std::string> peers;
  std::string listen;                          ///< HOST:PORT; empty: nowhere
  std::string token_file;                      ///< empty: no token
  std::vector<std::string> origins;            ///< of pages that may connect, beyond the node's own
  std::string page_token_file;                 ///< for pages only; empty: none
  std::string read_only_token_file;            ///< for pages that may only read; empty: none
  std::string www;                             ///< a folder to serve; empty: none
  double retain_days = 0;                      ///< how long a silent peer holds the log; 0: as it was
  std::string name;                            ///< what peers call this node; empty: as the file is called
  bool is_measured = true;                     ///< the node measures what goes on
  std::optional<std::int64_t> batch_window_ms; ///< none: as suits each link
  std::string user;                            ///< who settles conflicts here
  std::int64_t audit_keep_days = -1;           ///< how long the audit trail is kept; negative: as it was
  std::int64_t audit_keep_count = -1;          ///< how many settled conflicts of it; negative: as it was
};

void add_token_option(CLI::App& command, link_arguments& arguments);

/// Throws wrong_usage.
actors::node_options options_of(const link_arguments& arguments);

/// Log lines go to standard error: warnings and worse, or (quiet) none, where the command says itself what is wrong.
void set_up_log(bool is_quiet);
/// The same, and the last lines of every level are kept for the dashboard.
std::shared_ptr<actors::log_tail> set_up_kept_log();

} // namespace tandem::node
