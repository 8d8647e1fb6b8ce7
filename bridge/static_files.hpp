// The files of a folder, as a web server shows them. No sockets.
#pragma once

#include <string>
#include <string_view>

namespace tandem::bridge {

struct static_file {
  bool is_found = false;
  std::string content;
  std::string type; ///< Content-Type
  std::string tag;  ///< ETag, in quotes
};

/// What a request's target (its query included) names within `folder`. Nothing outside of it, nothing hidden, whatever
/// the target or a symbolic link says. A folder stands for its index.html.
static_file read_static_file(const std::string& folder, std::string_view target);

/// What the pages of this node may load and connect to: their own node, nothing else.
std::string content_security_policy(std::string_view host);

} // namespace tandem::bridge
