// Where a peer is, and whether it may come in: URLs, loopback names and tokens. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::bridge {

/// What `ws://HOST:PORT/` says.
struct peer_address {
  std::string host; ///< without the brackets of an IPv6 address
  std::uint16_t port = 0;
};

/// Throws failure (usage) that says how a URL has to look.
peer_address parse_url(std::string_view url);
/// `ws://HOST:PORT/`, with brackets around an IPv6 address.
std::string to_url(const peer_address& address);
/// `HOST:PORT`, with brackets around an IPv6 address.
std::string to_authority(const peer_address& address);

/// True for `localhost`, 127.0.0.0/8 and ::1.
bool is_loopback(std::string_view host);
/// True if the Origin header that a browser sends names a page of this machine.
bool is_loopback_origin(std::string_view origin);

/// Compares in a time that depends on the length of `presented` alone.
bool equal_in_constant_time(std::string_view expected, std::string_view presented);
/// The token in the value of an Authorization header; empty if it has another scheme.
std::string bearer_of(std::string_view header);
/// How a browser shows a token, for its WebSockets can send no header of their own: as one more subprotocol that it
/// offers, `tandem.token.` and the token in base64url without padding (RFC 4648, section 5).
std::string token_subprotocol(std::string_view token);
/// True if the value of an Authorization header is `Bearer` and the token.
bool authorizes(std::string_view token, std::string_view header);
/// At most `bytes_max` bytes, with what can't be printed replaced: text of a stranger for a log.
std::string printable(std::string_view text, std::size_t bytes_max);

} // namespace tandem::bridge
