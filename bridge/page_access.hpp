// Which pages may come in, and what they may do. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bridge/transport.hpp"

namespace tandem::bridge {

enum class page_right { none, read_only, full };

/// What a token (empty: none was shown) allows. Without any token configured everybody who is let in may do all:
/// then only loopback is listened on.
page_right rights_of(const listen_options& options, std::string_view token);

/// What a request says of where it comes from; empty where the header is missing.
struct page_request {
  std::string_view host;       ///< Host
  std::string_view origin;     ///< Origin
  std::string_view fetch_site; ///< Sec-Fetch-Site
};

/// Why such a request is not let in; empty: it is. Names that an attacker could point at this machine are refused, and
/// pages of other origins than the node's own and those that are allowed.
std::string refusal_of(const listen_options& options, const page_request& request);

} // namespace tandem::bridge
