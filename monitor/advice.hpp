// What a report asks its reader to do.
#pragma once

#include <string>
#include <vector>

#include "monitor/figures.hpp"

namespace tandem::monitor {

/// One step to take: what was seen, what it comes from, and what helps.
struct recommendation {
  std::string evidence;
  std::string cause;
  std::string step;
};

/// In order of weight; empty: nothing has to be done.
std::vector<recommendation> recommendations(const validation_report& report);

} // namespace tandem::monitor
