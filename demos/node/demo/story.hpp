// Tells the demo's story: chapters, what happens, and facts that are checked.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace tandem::node {

/// Milliseconds since the construction.
class stopwatch {
public:
  [[nodiscard]] double ms() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
  }

private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// How long the demo waits for anything before it calls the fact untrue.
constexpr int patience_ms = 120'000;

class story {
public:
  void title(std::string_view text);
  void chapter(std::string_view text);
  /// What happens, as a sentence.
  void tell(std::string_view text);
  /// What a person would type.
  void command(std::string_view text);
  /// Checks a fact: a line with a mark. Returns whether it holds.
  bool fact(bool holds, std::string_view text, std::string_view measured = {});
  /// Waits until it holds, and says how long that took.
  bool fact_in_time(const std::function<bool()>& holds, std::string_view text);
  /// Closes the story. Returns the program's exit code.
  int end();

  [[nodiscard]] std::size_t untrue() const { return untrue_; }

private:
  std::size_t chapters_ = 0;
  std::size_t true_ = 0;
  std::size_t untrue_ = 0;
  stopwatch since_start_;
};

/// Asks until the answer is yes or the demo's patience is over; returns the last answer.
bool wait_until(const std::function<bool()>& holds, int deadline_ms = patience_ms);

} // namespace tandem::node
