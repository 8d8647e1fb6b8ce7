// How long something takes on this machine, also where an actor's own time stands still, as in tests.
#pragma once

#include <chrono>
#include <cstdint>

namespace tandem::actors {

class stopwatch {
public:
  [[nodiscard]] std::int64_t passed_us() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began_).count();
  }

private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

} // namespace tandem::actors
