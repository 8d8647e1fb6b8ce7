#include "demos/node/validation/yardstick.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "demos/node/demo/story.hpp"
#include "demos/node/validation/app_file.hpp"
#include "messages/failure.hpp"

namespace tandem::node {

namespace {

using messages::failure;
using messages::failure_code;

constexpr std::size_t hops = 3;
constexpr int rows = 12;
/// The threads sleep meanwhile, as a node's actors do between two changes: waking them is part of the work.
constexpr std::chrono::milliseconds between{1};

/// Two ends of a way for bytes; both are closed with it.
class byte_pair {
public:
  byte_pair() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) != 0) {
      throw failure{failure_code::storage, "no pair of sockets can be had; allow more open files (ulimit -n)"};
    }
  }
  ~byte_pair() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  byte_pair(const byte_pair&) = delete;
  byte_pair& operator=(const byte_pair&) = delete;

  [[nodiscard]] bool put() const { return ::send(ends_[0], "r", 1, MSG_NOSIGNAL) == 1; }
  /// Waits; false if there is nothing more to come.
  [[nodiscard]] bool take() const {
    char byte = 0;
    return ::recv(ends_[1], &byte, 1, 0) == 1;
  }
  /// Whoever waits at the other end is told that nothing more comes.
  void end() const { ::shutdown(ends_[0], SHUT_RDWR); }

private:
  std::array<int, 2> ends_{};
};

/// As a node's own commits are: durable before they are passed on.
app_file durable_file(const std::filesystem::path& beginning, std::size_t number) {
  app_file result{beginning.string() + "-" + std::to_string(number) + ".db"};
  result.execute("PRAGMA synchronous = FULL");
  result.create_table();
  return result;
}

} // namespace

class yardstick::relay {
public:
  explicit relay(const std::filesystem::path& beginning) {
    for (std::size_t i = 0; i < hops; ++i) {
      files_.push_back(durable_file(beginning, i));
    }
    for (std::size_t i = 0; i < hops; ++i) {
      threads_[i] = std::jthread{[this, i] {
        for (std::int64_t id = 1; ways_[i].take() && files_[i].insert(id, "a line of text") && ways_[i + 1].put();
             ++id) {
        }
        ways_[i + 1].end();
      }};
    }
  }
  /// The end of the first way ends the first thread, which ends the next way.
  ~relay() { ways_.front().end(); }
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;

  double pass_row_ms() {
    const stopwatch time;
    if (!ways_.front().put() || !ways_.back().take()) {
      throw failure{failure_code::storage, "plain SQLite can't write to a file of this validation's own"};
    }
    return time.ms();
  }

private:
  std::vector<app_file> files_;
  std::array<byte_pair, hops + 1> ways_;
  std::array<std::jthread, hops> threads_;
};

yardstick::yardstick(const std::filesystem::path& file) : relay_{std::make_unique<relay>(file)} {}

yardstick::~yardstick() = default;

void yardstick::lay_on(monitor::validation_report& into) {
  auto found = std::ranges::find(into.figures, monitor::machine_pace, &monitor::figure::name);
  if (found == into.figures.end()) {
    found = into.figures.insert(found, {std::string{monitor::machine_pace}, "", 0, {}, {}});
  }
  for (int i = 0; i < rows; ++i) {
    std::this_thread::sleep_for(between);
    found->samples.push_back(relay_->pass_row_ms());
  }
  found->value = monitor::median(found->samples);
}

} // namespace tandem::node
