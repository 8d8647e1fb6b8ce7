// The files of a folder, as a web server shows them. No sockets.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::bridge {

struct static_file {
  bool is_found = false;
  std::string path;
  std::size_t size = 0; ///< bytes
  std::string type;     ///< Content-Type
  std::string tag;      ///< ETag, in quotes
};

/// What a request's target (its query included) names within `folder`. Nothing outside of it, nothing hidden, whatever
/// the target or a symbolic link says. A folder stands for its index.html.
static_file find_static_file(const std::string& folder, std::string_view target);
/// Nothing if it is not the same file any more.
std::optional<std::string> read_static_file(const static_file& file);

/// What the pages of this node may load and connect to: their own node, nothing else.
std::string content_security_policy(std::string_view host);

} // namespace tandem::bridge
