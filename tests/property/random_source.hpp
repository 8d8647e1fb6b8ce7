// Choices that a seed repeats on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace tandem::property {

class random_source {
public:
  explicit random_source(std::uint64_t seed) : engine_{seed} {}

  /// From 0 to count - 1. The standard distributions differ between libraries, so none is used.
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(engine_() % count); }
  bool chance(unsigned percent) { return below(100) < percent; }
  std::uint64_t bits() { return engine_(); }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

private:
  std::mt19937_64 engine_;
};

} // namespace tandem::property
