// Who wrote, and when: site ids and stamps.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::messages {

/// The 16 random bytes that name a replica.
struct site_id {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const site_id&) const = default;
  [[nodiscard]] bool is_null() const { return *this == site_id{}; }
  [[nodiscard]] std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  /// 32 lower-case hex digits.
  [[nodiscard]] std::string to_hex() const;
  /// The first 8 hex digits, enough for people to tell replicas apart.
  [[nodiscard]] std::string to_short() const { return to_hex().substr(0, 8); }
  /// Throws failure (protocol) if `raw` is not 16 bytes long.
  static site_id from_bytes(std::string_view raw);
};

/// Identity and age of one write. `hlc`: 48 bits of unix milliseconds, 16 bits of counter.
/// Totally ordered: by hlc, then by site.
struct stamp {
  std::uint64_t hlc = 0;
  site_id site;

  auto operator<=>(const stamp&) const = default;
};

constexpr unsigned hlc_counter_bits = 16;
constexpr std::uint64_t hlc_of_ms(std::int64_t unix_ms) {
  return unix_ms <= 0 ? 0 : static_cast<std::uint64_t>(unix_ms) << hlc_counter_bits;
}
constexpr std::int64_t ms_of_hlc(std::uint64_t hlc) {
  return static_cast<std::int64_t>(hlc >> hlc_counter_bits);
}

} // namespace tandem::messages
