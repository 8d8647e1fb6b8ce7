// What the page that measures has written down.
#pragma once

#include <string_view>

#include "demos/node/validation/measures.hpp"

namespace tandem::node {

/// Adds the figures of `validateBridge()`'s report, each under its way's name; one that is no number becomes an
/// omission. Throws messages::failure (protocol) if the text is no such report.
void add_page_report(std::string_view text, validation& into);

} // namespace tandem::node
