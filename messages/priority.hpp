// How soon a table's changes shall leave a node.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::messages {

enum class priority : std::uint8_t {
  background, ///< in a few bundles a second, unless something else leaves anyway
  normal,
  critical ///< at once, whatever is collected
};

/// In the order of `priority`.
constexpr std::array<std::string_view, 3> priority_names{"background", "normal", "critical"};

constexpr std::string_view name_of(priority level) {
  return priority_names.at(static_cast<std::size_t>(level));
}

constexpr std::optional<priority> priority_named(std::string_view name) {
  for (std::size_t i = 0; i < priority_names.size(); ++i)
    if (priority_names[i] == name)
      return static_cast<priority>(i);
  return std::nullopt;
}

} // namespace tandem::messages
