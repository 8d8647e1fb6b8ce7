#include "bridge/page_access.hpp"

#include <algorithm>

#include "bridge/address.hpp"

namespace tandem::bridge {
namespace {

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('['))
    return authority.substr(1, std::min(authority.find(']'), authority.size()) - 1);
  return authority.substr(0, authority.find(':'));
}

std::string_view authority_of(std::string_view origin) {
  const auto scheme_end = origin.find("://");
  return scheme_end == std::string_view::npos ? std::string_view{} : origin.substr(scheme_end + 3);
}

/// Nobody can make an address mean another machine; names can be made to.
bool is_numeric(std::string_view host) {
  const bool is_ipv4 = std::all_of(host.begin(), host.end(),
                                   [](char letter) { return (letter >= '0' && letter <= '9') || letter == '.'; });
  return !host.empty() && (is_ipv4 || host.find(':') != std::string_view::npos);
}

bool has_token(const listen_options& options) {
  return !options.token.empty() || !options.pages->token.empty() || !options.pages->read_only_token.empty();
}

bool fits(std::string_view expected, std::string_view presented) {
  return !expected.empty() && equal_in_constant_time(expected, presented);
}

} // namespace

page_right rights_of(const listen_options& options, std::string_view token) {
  if (!has_token(options))
    return page_right::full;
  // All are compared, so that the time tells nothing.
  const bool is_node = fits(options.token, token);
  const bool is_page = fits(options.pages->token, token);
  const bool is_reader = fits(options.pages->read_only_token, token);
  if (is_node || is_page)
    return page_right::full;
  return is_reader ? page_right::read_only : page_right::none;
}

std::string refusal_of(const listen_options& options, const page_request& request) {
  const auto& allowed = options.pages->origins;
  const auto host = host_of(request.host);
  const bool is_known_host = is_loopback(host) || is_numeric(host) || host == options.host ||
                             std::any_of(allowed.begin(), allowed.end(),
                                         [&](const auto& each) { return host_of(authority_of(each)) == host; });
  if (!is_known_host)
    return "This node does not go by the name '" + printable(host, 200) +
           "': use its address, or allow an origin of that name.";
  if (request.origin.empty()) {
    if (request.fetch_site.empty() || request.fetch_site == "same-origin" || request.fetch_site == "none")
      return {};
    return "Pages of other sites may not connect to this node.";
  }
  const bool is_own = authority_of(request.origin) == request.host;
  const bool is_neighbour = !has_token(options) && is_loopback_origin(request.origin);
  if (is_own || is_neighbour || std::find(allowed.begin(), allowed.end(), request.origin) != allowed.end())
    return {};
  return "Pages of " + printable(request.origin, 200) +
         " may not connect to this node; start it with --allow-origin to let them.";
}

} // namespace tandem::bridge
