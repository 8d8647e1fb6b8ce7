#include "demos/node/validation/field.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "demos/node/validation/app_file.hpp"
#include "messages/failure.hpp"
#include "storage/replica.hpp"

namespace tandem::node {

namespace fs = std::filesystem;
using messages::failure;
using messages::failure_code;

namespace {

constexpr int start_ms = 20'000;

std::string digest_of(const fs::path& file) {
  storage::replica_options options;
  options.mode = storage::open_mode::read_only;
  return storage::replica::open(file.string(), std::move(options)).digest();
}

} // namespace

fs::path make_own_folder(const std::string& beginning) {
  std::error_code trouble;
  const auto place = fs::temp_directory_path(trouble);
  auto pattern = (place / (beginning + "-XXXXXX")).string();
  if (trouble || mkdtemp(pattern.data()) == nullptr) {
    throw failure{failure_code::storage, "no folder for this run can be made" +
                                             (trouble ? std::string{} : " in " + place.string()) +
                                             ": set TMPDIR to one that can be written"};
  }
  return pattern;
}

void wait_for(const std::function<bool()>& condition, const std::string& what, int deadline_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{deadline_ms};
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      throw failure{failure_code::busy,
                    what + " did not come about within " + std::to_string(deadline_ms / 1'000) + " s"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

field::field(const fs::path& original, std::vector<std::string> settings)
    : folder_{make_own_folder("tandem-validate")}, settings_{std::move(settings)} {
  hub.file = folder_ / "hub.db";
  near.file = folder_ / "near.db";
  far.file = folder_ / "far.db";
  if (!original.empty()) {
    // Not a file copy: the original may be in use.
    auto quoted = near.file.string();
    for (std::size_t at = 0; (at = quoted.find('\'', at)) != std::string::npos; at += 2) {
      quoted.insert(at, 1, '\'');
    }
    app_file{original}.execute("VACUUM INTO '" + quoted + "'");
  }
  app_file app{near.file};
  app.create_table();
  next_id_ = app.number("SELECT max(id) FROM validation") + 1;
  run({own_program(), "track", near.file.string(), "--all"});
  start_hub();
  start(near, {"--peer", url_});
  start(far, {"--peer", url_});
  wait_until_level(start_ms);
}

field::~field() {
  for (auto* each : {&far, &near, &hub}) {
    each->node.end(SIGTERM);
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void field::start(field_node& which, const std::vector<std::string>& arguments) {
  std::vector<std::string> all{own_program(), "serve", which.file.string()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  all.insert(all.end(), settings_.begin(), settings_.end());
  which.node = process{all, which.file.string() + ".log", false};
  const auto line = which.node.wait_for_line("ready", start_ms);
  if (line.empty()) {
    throw failure{failure_code::busy,
                  "the node of " + which.file.string() + " does not come up:\n" + which.node.last_words()};
  }
  if (line.find("ws://") != std::string::npos) {
    url_ = line.substr(line.find("ws://"));
  }
}

void field::start_hub() {
  // After a crash at the address that the devices know.
  const auto address = url_.empty() ? std::string{"127.0.0.1:0"} : url_.substr(5, url_.size() - 6);
  start(hub, {"--listen", address});
}

void field::kill_hub() {
  hub.node.end(SIGKILL);
}

void field::freeze_hub() {
  kill(hub.node.id(), SIGSTOP);
}

void field::thaw_hub() {
  kill(hub.node.id(), SIGCONT);
}

void field::run(const std::vector<std::string>& arguments) const {
  const auto log = folder_ / "command.log";
  process command{arguments, log, false};
  if (command.wait() != 0) {
    throw failure{failure_code::storage, "`tandem " + arguments[1] + "` fails:\n" + command.last_words()};
  }
}

fs::path field::tracked_file(const std::string& name, const std::string& sql) const {
  auto result = fresh_path(name);
  app_file{result}.execute(sql);
  run({own_program(), "track", result.string(), "--all"});
  return result;
}

void field::wait_until_level(int deadline_ms) {
  wait_for(
      [this] {
        try {
          const auto here = digest_of(near.file);
          return here == digest_of(hub.file) && here == digest_of(far.file);
        } catch (const failure&) {
          return false; // a file that is not a replica yet
        }
      },
      "that the hub and both devices have the same rows", deadline_ms);
}

std::int64_t field::take_ids(std::int64_t count) {
  const auto first = next_id_;
  next_id_ += count;
  return first;
}

} // namespace tandem::node
