#include "storage/packing.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <nlohmann/json.hpp>

#include "messages/failure.hpp"

namespace tandem::storage {

using messages::failure;
using messages::failure_code;
using messages::value;
using messages::value_type;
using messages::value_view;

namespace {

[[noreturn]] void refuse_bytes() {
  throw failure{failure_code::corrupt,
                "a record of Tandem's own tables is cut off; run `tandem verify` and clone the file anew from a peer"};
}

std::string_view take_bytes(std::string_view& in, std::size_t count) {
  if (count > in.size())
    refuse_bytes();
  const auto result = in.substr(0, count);
  in.remove_prefix(count);
  return result;
}

std::uint64_t zigzag(std::int64_t number) {
  return (static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63);
}
std::int64_t unzigzag(std::uint64_t number) {
  return static_cast<std::int64_t>(number >> 1) ^ -static_cast<std::int64_t>(number & 1);
}

std::string to_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string result;
  for (const char letter : bytes) {
    const auto byte = static_cast<unsigned char>(letter);
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  return result;
}

std::string from_hex(std::string_view hex) {
  const auto digit = [](char letter) -> int {
    if (letter >= '0' && letter <= '9')
      return letter - '0';
    if (letter >= 'a' && letter <= 'f')
      return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F')
      return letter - 'A' + 10;
    throw failure{failure_code::usage, "a blob is written {\"blob\":\"HEX\"} with hex digits only"};
  };
  if (hex.size() % 2)
    throw failure{failure_code::usage, "a blob's hex digits come in pairs"};
  std::string result;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    result += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return result;
}

std::string dump(const nlohmann::json& json) {
  // SQLite text may hold any bytes; JSON may not.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json json_of(const value_view& value) {
  switch (value.type) {
  case value_type::null:
    return nullptr;
  case value_type::integer:
    return value.integer;
  case value_type::real:
    if (!std::isfinite(value.real))
      return {{"real", value.real > 0 ? "inf" : value.real < 0 ? "-inf" : "nan"}};
    return value.real;
  case value_type::text:
    return std::string{value.bytes};
  case value_type::blob:
    return {{"blob", to_hex(value.bytes)}};
  }
  return nullptr;
}

value value_of(const nlohmann::json& json) {
  value result;
  if (json.is_null())
    return result;
  if (json.is_boolean())
    return value{value_view::of_integer(json.get<bool>())};
  if (json.is_number_integer())
    return value{value_view::of_integer(json.get<std::int64_t>())};
  if (json.is_number_float())
    return value{value_view::of_real(json.get<double>())};
  if (json.is_string()) {
    result.type = value_type::text;
    result.bytes = json.get<std::string>();
    return result;
  }
  if (json.is_object() && json.size() == 1 && json.contains("blob") && json["blob"].is_string()) {
    result.type = value_type::blob;
    result.bytes = from_hex(json["blob"].get<std::string>());
    return result;
  }
  if (json.is_object() && json.size() == 1 && json.contains("real") && json["real"].is_string())
    return value{value_view::of_real(json["real"] == "inf" ? HUGE_VAL : -HUGE_VAL)};
  throw failure{failure_code::usage, "a value is a JSON number, string, null, or {\"blob\":\"HEX\"}"};
}

nlohmann::json parse(std::string_view text) {
  auto result = nlohmann::json::parse(text, nullptr, false);
  // People type keys and values bare: abc instead of "abc".
  if (result.is_discarded())
    result = std::string{text};
  return result;
}

} // namespace

void append_varint(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7)
    out += static_cast<char>(number | 0x80);
  out += static_cast<char>(number);
}

std::uint64_t take_varint(std::string_view& in) {
  std::uint64_t result = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    result |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return result;
  }
  refuse_bytes();
}

void append_fixed64(std::string& out, std::uint64_t number) {
  for (unsigned shift = 0; shift < 64; shift += 8)
    out += static_cast<char>(number >> shift);
}

std::uint64_t take_fixed64(std::string_view& in) {
  const auto bytes = take_bytes(in, 8);
  std::uint64_t result = 0;
  for (unsigned i = 0; i < 8; ++i)
    result |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return result;
}

void append_value(std::string& out, const value_view& value) {
  out += static_cast<char>(value.type);
  switch (value.type) {
  case value_type::null:
    break;
  case value_type::integer:
    append_varint(out, zigzag(value.integer));
    break;
  case value_type::real:
    append_fixed64(out, std::bit_cast<std::uint64_t>(value.real));
    break;
  case value_type::text:
  case value_type::blob:
    append_varint(out, value.bytes.size());
    out += value.bytes;
    break;
  }
}

std::string packed_values(std::span<const value_view> values) {
  std::string result;
  for (const auto& value : values)
    append_value(result, value);
  return result;
}

void unpack_values(std::string_view packed, std::vector<value_view>& into) {
  into.clear();
  while (!packed.empty()) {
    const auto type = static_cast<value_type>(take_bytes(packed, 1).front());
    switch (type) {
    case value_type::null:
      into.push_back(value_view::of_null());
      break;
    case value_type::integer:
      into.push_back(value_view::of_integer(unzigzag(take_varint(packed))));
      break;
    case value_type::real:
      into.push_back(value_view::of_real(std::bit_cast<double>(take_fixed64(packed))));
      break;
    case value_type::text:
      into.push_back(value_view::of_text(take_bytes(packed, take_varint(packed))));
      break;
    case value_type::blob:
      into.push_back(value_view::of_blob(take_bytes(packed, take_varint(packed))));
      break;
    default:
      refuse_bytes();
    }
  }
}

std::vector<value_view> unpacked_values(std::string_view packed) {
  std::vector<value_view> result;
  unpack_values(packed, result);
  return result;
}

std::string key_to_json(std::string_view packed) {
  const auto values = unpacked_values(packed);
  if (values.size() == 1)
    return value_to_json(values.front());
  auto array = nlohmann::json::array();
  for (const auto& each : values)
    array.push_back(json_of(each));
  return dump(array);
}

std::string key_from_json(std::string_view json) {
  const auto parsed = parse(json);
  std::string result;
  if (parsed.is_array())
    for (const auto& each : parsed)
      append_value(result, value_of(each).view());
  else
    append_value(result, value_of(parsed).view());
  return result;
}

std::string value_to_json(const value_view& value) {
  // What most values are, without the detour: thousands of conflicts are listed at once.
  if (value.type == value_type::integer)
    return std::to_string(value.integer);
  const auto is_plain = [](char each) {
    return each >= ' ' && each <= '~' && each != '"' && each != '\\';
  };
  if (value.type == value_type::text && std::ranges::all_of(value.bytes, is_plain))
    return '"' + std::string{value.bytes} + '"';
  return dump(json_of(value));
}
value value_from_json(std::string_view json) {
  return value_of(parse(json));
}

} // namespace tandem::storage
