// The ledger as one JSON document, for the dashboard and for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "monitor/alerts.hpp"
#include "monitor/ledger.hpp"

namespace tandem::monitor {

struct log_line {
  std::int64_t time_ms = 0;
  std::string level;
  std::string text;
};

/// Times are milliseconds. docs/monitoring.md lists the fields.
nlohmann::json report_of(const ledger& from, const std::vector<alert>& alerts, std::int64_t now_us,
                         std::int64_t wall_ms);

/// Which station most of a change's time goes to, by the medians of the latest ways here; empty: nothing is known.
struct diagnosis {
  std::string station;
  std::string peer;
  std::size_t place = 0; ///< in the waterfall's way
  double share = 0;      ///< of the whole time, 0 to 1
};
diagnosis slowest_station(const ledger& from);

} // namespace tandem::monitor
