#include "actors/measure_board.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "actors/runtime_json.hpp"

namespace tandem::actors {

monitor::watchman::news measure_board::judge() {
  monitor::watchman::news found;
  {
    const std::lock_guard lock{mutex_};
    found = watchman_.look(ledger_, now_us_);
  }
  for (const auto& each : found.raised) {
    if (each.severity == "info")
      spdlog::info("the monitor sees that {}: {}. To do: {}", each.evidence, each.cause, each.step);
    else
      spdlog::warn("the monitor sees that {}: {}. To do: {}", each.evidence, each.cause, each.step);
  }
  for (const auto& each : found.cleared)
    spdlog::info("the monitor sees that {}{}{} is over", each.rule, each.key.empty() ? "" : " of ",
                 each.key.empty() ? "" : each.subject);
  return found;
}

std::string measure_board::metrics_text() const {
  std::vector<monitor::metric_family> families;
  {
    const std::lock_guard lock{mutex_};
    families = monitor::families_of(ledger_, setup_.version, now_us_);
    auto& raised = families.emplace_back(
        monitor::metric_family{"tandem_alert", "1 for each rule of the monitor that holds now.", "gauge", {}});
    for (const auto& each : watchman_.alerts())
      raised.samples.push_back({"", {{"rule", each.rule}, {"severity", each.severity}, {"subject", each.key}}, 1});
  }
  return monitor::to_prometheus(families);
}

std::string measure_board::json() const {
  nlohmann::json result;
  {
    const std::lock_guard lock{mutex_};
    result = monitor::report_of(ledger_, watchman_.alerts(), now_us_, setup_.wall_ms ? setup_.wall_ms() : 0);
  }
  auto lines = nlohmann::json::array();
  if (setup_.log)
    for (const auto& each : setup_.log())
      lines.push_back({{"time_ms", each.time_ms}, {"level", each.level}, {"text", each.text}});
  result["log"] = std::move(lines);
  result["version"] = setup_.version;
  result["measures"] = setup_.measures;
  return text_of(result);
}

std::vector<monitor::alert> measure_board::alerts() const {
  const std::lock_guard lock{mutex_};
  return watchman_.alerts();
}

} // namespace tandem::actors
