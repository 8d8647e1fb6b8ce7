// What happened in a history: lines for people, and one number that stands for all of it.
#pragma once

#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tandem::simulation {

/// Something that must always hold did not.
struct violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class chronicle {
public:
  void note(std::string line);
  /// Bytes that count for the number, but that nobody wants to read.
  void mix(std::string_view bytes);
  void mix(std::uint64_t number);
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] const std::deque<std::string>& lines() const { return lines_; }

private:
  std::uint64_t hash_ = 14'695'981'039'346'656'037ULL; // FNV-1a
  std::deque<std::string> lines_;
};

} // namespace tandem::simulation
