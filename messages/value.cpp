#include "messages/value.hpp"

#include <bit>
#include <charconv>

namespace tandem::messages {
namespace {

std::string quoted_text(std::string_view text) {
  std::string result = "'";
  for (const char letter : text) {
    result += letter;
    if (letter == '\'')
      result += '\'';
  }
  return result + "'";
}

std::string hex_literal(std::string_view blob) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string result = "x'";
  for (const char letter : blob) {
    const auto byte = static_cast<unsigned char>(letter);
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  return result + "'";
}

} // namespace

bool identical(const value_view& left, const value_view& right) {
  if (left.type != right.type)
    return false;
  switch (left.type) {
  case value_type::null:
    return true;
  case value_type::integer:
    return left.integer == right.integer;
  case value_type::real:
    return std::bit_cast<std::uint64_t>(left.real) == std::bit_cast<std::uint64_t>(right.real);
  case value_type::text:
  case value_type::blob:
    return left.bytes == right.bytes;
  }
  return false;
}

value::value(const value_view& view) : type{view.type}, bytes{view.bytes} {
  if (type == value_type::real)
    real = view.real;
  else
    integer = view.integer;
}

value_view value::view() const {
  value_view result;
  result.type = type;
  result.bytes = bytes;
  if (type == value_type::real)
    result.real = real;
  else
    result.integer = integer;
  return result;
}

std::string to_display(const value_view& view) {
  switch (view.type) {
  case value_type::null:
    break;
  case value_type::integer:
    return std::to_string(view.integer);
  case value_type::real: {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, view.real).ptr;
    return {digits, end};
  }
  case value_type::text:
    return quoted_text(view.bytes);
  case value_type::blob:
    return hex_literal(view.bytes);
  }
  return "NULL";
}

} // namespace tandem::messages
