// serve: keeps a replica in step with its peers for as long as it runs.
#include <csignal>
#include <iostream>
#include <memory>
#include <string>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "demos/node/command.hpp"
#include "demos/node/commands/links.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"

namespace tandem::node {

namespace {

/// Between two looks at whether the node has given up by itself.
constexpr long look_seconds = 1;

/// SIGINT and SIGTERM, blocked in all threads and waited for in this one. Construct it before any thread starts.
class stop_signals {
public:
  stop_signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  /// True if one came, false if `seconds` passed first.
  [[nodiscard]] bool wait(long seconds) const {
    const timespec patience{seconds, 0};
    return sigtimedwait(&set_, nullptr, &patience) > 0;
  }

private:
  sigset_t set_{};
};

/// What a burst or a large value has needed is not needed for longer; the allocator would keep it for the next one.
void give_memory_back() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

int serve(const link_arguments& arguments) {
  const auto tail = set_up_kept_log();
  const stop_signals signals;
  auto options = options_of(arguments);
  options.may_create = true;
  options.log = [tail] {
    return tail->lines();
  };
  actors::node node{std::move(options)};
  node.start();
  const auto url = node.url();
  std::cout << "ready" << (url.empty() ? "" : " " + url) << std::endl;
  while (!signals.wait(look_seconds)) {
    if (const auto trouble = node.trouble(); !trouble.empty()) {
      throw messages::failure{messages::failure_code::defect, trouble};
    }
    give_memory_back();
  }
  node.stop();
  return exit_done;
}

} // namespace

void add_serve(CLI::App& program, chosen_command& chosen) {
  auto arguments = std::make_shared<link_arguments>();
  auto* command = program.add_subcommand("serve", "Keep a replica in step with its peers, until SIGINT or SIGTERM");
  command
      ->add_option("DB", arguments->database,
                   "The app's SQLite file; if there is none, an empty replica that takes over its peers' tables")
      ->required();
  command->add_option("--listen", arguments->listen, "HOST:PORT to accept links at; port 0 takes a free one");
  command
      ->add_option("--peer", arguments->peers, "ws://HOST:PORT/ of a replica to keep a link with; may be given again")
      ->allow_extra_args(false)
      ->take_all();
  command->add_option("--name", arguments->name, "What peers call this node; if not given, the file's name");
  command->add_option("--user", arguments->user, "Who settles conflicts through this node, for the audit trail");
  command
      ->add_option("--retain-days", arguments->retain_days,
                   "How long the log is kept for a peer that stays silent (30); one that returns later gets a snapshot")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--audit-keep-days", arguments->audit_keep_days,
                   "How long settled conflicts stay in the audit trail, everywhere; 0: for ever")
      ->check(CLI::Range(std::int64_t{0}, limits::audit_keep_days_max));
  command
      ->add_option("--audit-keep-count", arguments->audit_keep_count,
                   "How many settled conflicts stay there, the newest; 0: all")
      ->check(CLI::NonNegativeNumber);
  add_token_option(*command, *arguments);
  command
      ->add_option("--allow-origin", arguments->origins,
                   "An origin whose pages may connect, as in http://127.0.0.1:5173; may be given again")
      ->allow_extra_args(false)
      ->take_all();
  command->add_option("--page-token-file", arguments->page_token_file,
                      "A file whose first line is a secret for pages: they may do everything, but are no nodes");
  command->add_option("--page-read-only-token-file", arguments->read_only_token_file,
                      "A file whose first line is a secret for pages that may only read");
  command->add_flag("!--no-measuring", arguments->is_measured,
                    "Do not measure what goes on: /metrics and /monitor have little to tell then");
  command
      ->add_option(
          "--batch-window-ms", arguments->batch_window_ms,
          "How long changes are collected before they are sent; if not given, not at all while a link is quiet, and "
          "as long as suits it while it is busy")
      ->check(CLI::Range(std::int64_t{0}, limits::batch_window_ms_max));
  command->add_option("--www", arguments->www, "A folder whose files are served over HTTP")
      ->check(CLI::ExistingDirectory);
  command->footer(
      "Prints 'ready ws://HOST:PORT/' (or 'ready') once it works. Listening beyond loopback wants a token.\n"
      "HTTP: /metrics for Prometheus, /monitor for people.\n"
      "Examples:\n  tandem serve notes.db --listen 127.0.0.1:7420\n"
      "  tandem serve laptop.db --peer ws://127.0.0.1:7420/ --token-file token");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      return serve(*arguments);
    };
  });
}

} // namespace tandem::node
