#include "bridge/address.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "bridge/base64.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"

namespace tandem::bridge {
namespace {

using messages::failure;
using messages::failure_code;

[[noreturn]] void refuse_url(std::string_view url, std::string_view why) {
  throw failure{failure_code::usage,
                "the URL '" + printable(url, 200) + "' can't be used: " + std::string{why} + "; write ws://HOST:PORT/"};
}

bool is_host_character(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '-' || character == '.' || character == '_';
}

bool is_ipv6_character(char character) {
  return (character >= 'a' && character <= 'f') || (character >= 'A' && character <= 'F') ||
         (character >= '0' && character <= '9') || character == ':' || character == '.';
}

std::uint16_t parse_port(std::string_view url, std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) {
    refuse_url(url, "the port must be a number from 1 to 65535");
  }
  return port;
}

} // namespace

peer_address parse_url(std::string_view url) {
  if (url.size() > limits::url_bytes_max) {
    refuse_url(url, "it is too long");
  }
  constexpr std::string_view scheme = "ws://";
  if (url.starts_with("wss://")) {
    refuse_url(url, "TLS is not built in yet, put a tunnel in front");
  }
  if (!url.starts_with(scheme)) {
    refuse_url(url, "it does not begin with ws://");
  }
  auto rest = url.substr(scheme.size());
  if (rest.ends_with('/')) {
    rest.remove_suffix(1);
  }
  const auto is_bracketed = rest.starts_with('[');
  const auto host_end = is_bracketed ? rest.find(']') : rest.find(':');
  if (host_end == std::string_view::npos) {
    refuse_url(url, is_bracketed ? "a ']' is missing" : "the port is missing");
  }
  const auto host = is_bracketed ? rest.substr(1, host_end - 1) : rest.substr(0, host_end);
  const auto after = rest.substr(is_bracketed ? host_end + 1 : host_end);
  if (host.empty() || !std::all_of(host.begin(), host.end(), is_bracketed ? is_ipv6_character : is_host_character)) {
    refuse_url(url, "the host is missing or has characters that no host name has");
  }
  if (!after.starts_with(':')) {
    refuse_url(url, "the port is missing");
  }
  return {std::string{host}, parse_port(url, after.substr(1))};
}

std::string to_authority(const peer_address& address) {
  const auto is_ipv6 = address.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string to_url(const peer_address& address) {
  return "ws://" + to_authority(address) + "/";
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") {
    return true;
  }
  const auto is_numeric = std::all_of(host.begin(), host.end(), [](char character) {
    return (character >= '0' && character <= '9') || character == '.';
  });
  return is_numeric && host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3;
}

bool is_loopback_origin(std::string_view origin) {
  const auto scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos) {
    return false;
  }
  auto host = origin.substr(scheme_end + 3);
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    return end != std::string_view::npos && is_loopback(host.substr(1, end - 1));
  }
  return is_loopback(host.substr(0, host.find(':')));
}

bool equal_in_constant_time(std::string_view expected, std::string_view presented) {
  std::size_t difference = expected.size() ^ presented.size();
  for (std::size_t at = 0; at < presented.size(); ++at) {
    const auto wanted = expected.empty() ? '\0' : expected[at % expected.size()];
    difference |= static_cast<unsigned char>(wanted) ^ static_cast<unsigned char>(presented[at]);
  }
  // The compiler must not learn that one difference is enough.
  const volatile std::size_t result = difference;
  return result == 0;
}

std::string bearer_of(std::string_view header) {
  constexpr std::string_view scheme = "Bearer ";
  return std::string{header.starts_with(scheme) ? header.substr(scheme.size()) : std::string_view{}};
}

bool authorizes(std::string_view token, std::string_view header) {
  constexpr std::string_view scheme = "Bearer ";
  if (!header.starts_with(scheme)) {
    return false;
  }
  return equal_in_constant_time(token, header.substr(scheme.size()));
}

std::string token_subprotocol(std::string_view token) {
  auto text = to_base64(token);
  text.erase(text.find_last_not_of('=') + 1);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return "tandem.token." + text;
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string result{text.substr(0, bytes_max)};
  for (auto& character : result) {
    if (static_cast<unsigned char>(character) < 0x20 || static_cast<unsigned char>(character) >= 0x7f) {
      character = '?';
    }
  }
  return result;
}

} // namespace tandem::bridge
