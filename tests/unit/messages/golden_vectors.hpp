// Messages against the golden vectors, which other languages read too: one file of hex digits each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "messages/fields.hpp"

namespace tandem::tests {

inline std::string hex_of(std::string_view bytes) {
  constexpr auto digits = "0123456789abcdef";
  std::string result;
  for (const char byte : bytes) {
    result += digits[static_cast<std::uint8_t>(byte) >> 4];
    result += digits[static_cast<std::uint8_t>(byte) & 15];
  }
  return result;
}

inline std::string golden(const std::string& name) {
  std::ifstream file{std::string{TANDEM_GOLDEN} + "/" + name + ".hex"};
  std::stringstream text;
  text << file.rdbuf();
  auto result = text.str();
  std::erase_if(result, [](char letter) { return letter == '\n'; });
  return result;
}

/// The message has these bytes, comes back from them, and from no part of them.
template <class T>
void check_golden(const std::string& name, const T& message) {
  const auto bytes = messages::encode(message);
  BOOST_TEST(hex_of(*bytes) == golden(name), name << " is now " << hex_of(*bytes));
  BOOST_TEST(hex_of(*messages::encode(messages::decode<T>(*bytes))) == hex_of(*bytes));
  for (std::size_t size = 0; size < bytes->size(); ++size)
    BOOST_CHECK_THROW(messages::decode<T>(std::string_view{*bytes}.substr(0, size)), messages::failure);
}

} // namespace tandem::tests
