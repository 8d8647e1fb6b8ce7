// Bytes that no compression makes small.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace tandem::node {

/// The same for the same seed.
inline std::string random_bytes(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::string result;
  result.reserve(count + sizeof(std::uint64_t));
  while (result.size() < count) {
    for (auto word = random(), left = std::uint64_t{sizeof word}; left > 0; --left, word >>= 8U) {
      result += static_cast<char>(word & 0xffU);
    }
  }
  result.resize(count);
  return result;
}

} // namespace tandem::node
