// A validation as one page that needs nothing else: no network, no script.
#pragma once

#include <string>
#include <string_view>

#include "monitor/figures.hpp"

namespace tandem::monitor {

/// Text as it may stand between tags and in attributes.
std::string escaped_html(std::string_view text);

/// The whole page: the table of targets, a plot of each figure's samples, what to do, and what was not measured.
std::string to_html(const validation_report& report);

} // namespace tandem::monitor
