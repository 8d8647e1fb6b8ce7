#include "tests/simulation/chronicle.hpp"

#include <utility>

namespace tandem::simulation {
namespace {

constexpr std::size_t lines_kept = 2'000;
constexpr std::uint64_t fnv_prime = 1'099'511'628'211ULL;

} // namespace

void chronicle::note(std::string line) {
  mix(line);
  lines_.push_back(std::move(line));
  if (lines_.size() > lines_kept)
    lines_.pop_front();
}

void chronicle::mix(std::string_view bytes) {
  for (const char byte : bytes)
    hash_ = (hash_ ^ static_cast<std::uint8_t>(byte)) * fnv_prime;
  mix(bytes.size());
}

void chronicle::mix(std::uint64_t number) {
  hash_ = (hash_ ^ number) * fnv_prime;
}

} // namespace tandem::simulation
