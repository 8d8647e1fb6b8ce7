// Numbers that whoever runs a test sets in its environment.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>

namespace tandem::property {

/// Nothing where it is not set.
inline std::optional<std::uint64_t> number_from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text && *text ? std::optional<std::uint64_t>{std::strtoull(text, nullptr, 10)} : std::nullopt;
}

} // namespace tandem::property
