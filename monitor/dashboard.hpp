// The dashboard's files, which are part of the program.
#pragma once

#include <string_view>

namespace tandem::monitor {

struct dashboard_file {
  std::string_view name; ///< "index.html", "app.js", "app.css"
  std::string_view type; ///< Content-Type
  std::string_view content;
};

/// Null: there is none of this name.
const dashboard_file* dashboard_file_named(std::string_view name);

} // namespace tandem::monitor
