#include "demos/node/progress.hpp"

#include <chrono>
#include <cstdio>
#include <unistd.h>
#include <utility>

#include "demos/node/text.hpp"

namespace tandem::node {

progress::progress(std::string what, std::function<std::string()> detail)
    : what_{std::move(what)}, detail_{std::move(detail)}, thread_{[this] {
        run();
      }} {}

progress::~progress() {
  {
    const std::lock_guard lock{mutex_};
    is_done_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void progress::run() {
  using namespace std::chrono_literals;
  const auto start = std::chrono::steady_clock::now();
  const bool on_terminal = isatty(STDERR_FILENO) == 1;
  bool is_shown = false;
  std::unique_lock lock{mutex_};
  for (auto pause = 1'000ms; !wake_.wait_for(lock, pause, [this] { return is_done_; });
       pause = on_terminal ? 250ms : 10'000ms) {
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    const auto detail = detail_ ? ", " + detail_() : std::string{};
    const auto line = what_ + " … " + as_duration(taken.count()) + detail;
    std::fprintf(stderr, on_terminal ? "\r%s\x1b[K" : "%s\n", line.c_str());
    std::fflush(stderr);
    is_shown = true;
  }
  if (is_shown && on_terminal) {
    std::fputs("\r\x1b[K", stderr);
  }
}

} // namespace tandem::node
