// A validation as one page that needs nothing else: no network, no script.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "monitor/baseline.hpp"
#include "monitor/figures.hpp"

namespace tandem::monitor {

/// Text as it may stand between tags and in attributes.
std::string escaped_html(std::string_view text);

/// The whole page: the table of targets, a page's ways beside HTTP, what has changed since the baseline (null: there is
/// none), what to do, what was not measured, and a plot of each figure's samples.
std::string to_html(const validation_report& report, const baseline_result* against = nullptr);
/// Of two settings, with the plots of both.
std::string to_html(const validation_report& one, const std::string& one_name, const validation_report& other,
                    const std::string& other_name, const std::vector<change>& changes);

} // namespace tandem::monitor
