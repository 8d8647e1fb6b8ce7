// One SQLite value, as it travels: the five storage classes and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::messages {

enum class value_type : std::uint8_t { null, integer, real, text, blob };

/// A value that somebody else owns: a column of a running statement, or bytes inside a frame.
/// Valid only as long as its owner is. `bytes` holds text (any bytes, NULs included) or a blob.
struct value_view {
  value_type type = value_type::null;
  union {
    std::int64_t integer = 0;
    double real;
  };
  std::string_view bytes;

  static value_view of_null() { return {}; }
  static value_view of_integer(std::int64_t number) {
    value_view result;
    result.type = value_type::integer;
    result.integer = number;
    return result;
  }
  static value_view of_real(double number) {
    value_view result;
    result.type = value_type::real;
    result.real = number;
    return result;
  }
  static value_view of_text(std::string_view text) {
    value_view result;
    result.type = value_type::text;
    result.bytes = text;
    return result;
  }
  static value_view of_blob(std::string_view blob) {
    value_view result;
    result.type = value_type::blob;
    result.bytes = blob;
    return result;
  }
};

/// Same storage class and same bytes: 1 and 1.0 differ, and so do 'a' and x'61'.
bool identical(const value_view& left, const value_view& right);

/// A value that owns its bytes.
struct value {
  value_type type = value_type::null;
  union {
    std::int64_t integer = 0;
    double real;
  };
  std::string bytes;

  value() = default;
  explicit value(const value_view& view);

  [[nodiscard]] value_view view() const;
};

inline bool operator==(const value& left, const value& right) {
  return identical(left.view(), right.view());
}

/// One value as people read it: 42, 1.5, 'it''s', x'00ff', NULL.
std::string to_display(const value_view& view);

} // namespace tandem::messages
