#include "demos/node/demo/story.hpp"

#include <iostream>
#include <thread>

#include "demos/node/command.hpp"
#include "demos/node/text.hpp"

namespace tandem::node {

namespace {

/// Where measured times stand in a line.
constexpr std::size_t measure_column = 92;

std::string painted(std::string_view text, std::string_view colour) {
  return shows_colours() ? "\x1b[" + std::string{colour} + "m" + std::string{text} + "\x1b[0m" : std::string{text};
}

} // namespace

void story::title(std::string_view text) {
  std::cout << painted(text, "1") << "\n" << std::flush;
}

void story::chapter(std::string_view text) {
  ++chapters_;
  std::cout << "\n" << painted(std::to_string(chapters_) + "  " + std::string{text}, "1") << "\n" << std::flush;
}

void story::tell(std::string_view text) {
  std::cout << "   " << text << "\n" << std::flush;
}

void story::command(std::string_view text) {
  std::cout << "   " << painted("$ " + std::string{text}, "36") << "\n" << std::flush;
}

bool story::fact(bool holds, std::string_view text, std::string_view measured) {
  (holds ? true_ : untrue_) += 1;
  std::cout << "   " << (holds ? painted("✓", "32") : painted("✗ NOT SO:", "31")) << " " << text;
  if (!measured.empty()) {
    const auto taken = width_of(text) + 5;
    std::cout << std::string(taken < measure_column ? measure_column - taken : 1, ' ') << painted(measured, "33");
  }
  std::cout << "\n" << std::flush;
  return holds;
}

bool story::fact_in_time(const std::function<bool()>& holds, std::string_view text) {
  const stopwatch since;
  const bool result = wait_until(holds);
  return fact(result, text, as_duration(since.ms()));
}

int story::end() {
  const auto total = true_ + untrue_;
  const auto taken = as_duration(since_start_.ms());
  std::cout << "\n";
  if (untrue_ == 0) {
    std::cout << painted("All " + std::to_string(total) + " facts hold", "1;32") << ", in " << taken << ".\n";
  } else {
    std::cout << painted(std::to_string(untrue_) + " of " + std::to_string(total) + " facts do not hold", "1;31")
              << ", after " << taken << ".\n";
  }
  return untrue_ == 0 ? exit_done : exit_failure;
}

bool wait_until(const std::function<bool()>& holds, int deadline_ms) {
  const stopwatch since;
  while (!holds()) {
    if (since.ms() > deadline_ms) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::microseconds{300});
  }
  return true;
}

} // namespace tandem::node
