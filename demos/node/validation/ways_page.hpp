// The files of the page that measures, as bridge/web builds them from its folder ways/.
#pragma once

#include <string_view>

namespace tandem::node {

/// index.html
std::string_view ways_page_html();
/// app.js
std::string_view ways_page_script();

} // namespace tandem::node
