#include "bridge/http_text.hpp"

#include <algorithm>
#include <charconv>

#include "bridge/address.hpp"
#include "messages/page_limits.hpp"

namespace tandem::bridge {

bool is_session(std::string_view text) {
  return text.size() == limits::page_session_digits && std::all_of(text.begin(), text.end(), [](char digit) {
           return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
         });
}

bool is_authority(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '.' || letter == ':' || letter == '-' || letter == '[' || letter == ']';
  });
}

std::string trouble_as_json(std::string_view code, std::string_view text) {
  std::string result = R"({"code":")" + std::string{code} + R"(","text":")";
  for (const char letter : printable(text, limits::reason_bytes_max)) {
    if (letter == '"' || letter == '\\') {
      result += '\\';
    }
    result += letter;
  }
  return result + "\"}\n";
}

std::string_view query_field(std::string_view target, std::string_view name) {
  const auto begin = target.find('?');
  auto rest = begin == std::string_view::npos ? std::string_view{} : target.substr(begin + 1);
  while (!rest.empty()) {
    const auto one = rest.substr(0, rest.find('&'));
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=') {
      return one.substr(name.size() + 1);
    }
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
  }
  return {};
}

std::string percent_decoded(std::string_view text) {
  constexpr std::size_t length = 3; // %41
  std::string result;
  while (!text.empty()) {
    unsigned code = 0;
    const auto is_whole = text.front() == '%' && text.size() >= length &&
                          std::from_chars(text.data() + 1, text.data() + length, code, 16).ptr == text.data() + length;
    result += is_whole ? static_cast<char>(code) : text.front();
    text.remove_prefix(is_whole ? length : 1);
  }
  return result;
}

} // namespace tandem::bridge
