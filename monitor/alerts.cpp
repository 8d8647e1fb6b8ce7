#include "monitor/alerts.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace tandem::monitor {
namespace {

std::string rounded(double value) {
  std::ostringstream text;
  text.precision(3);
  if (std::abs(value) >= 1'000)
    text << std::llround(value);
  else
    text << value;
  return text.str();
}

std::string filled(std::string_view pattern, const reading& seen) {
  std::string result{pattern};
  const auto put = [&result](std::string_view name, const std::string& text) {
    for (auto at = result.find(name); at != std::string::npos; at = result.find(name, at + text.size()))
      result.replace(at, name.size(), text);
  };
  put("{value}", rounded(seen.value));
  put("{subject}", seen.subject);
  return result;
}

int weight_of(std::string_view severity) {
  return severity == "critical" ? 0 : severity == "warning" ? 1 : 2;
}

} // namespace

watchman::news watchman::look(const ledger& at, std::int64_t now_us) {
  news result;
  for (const auto& each : all_rules()) {
    const auto seen = each.look(at, now_us);
    const auto found = raised_.find(each.name);
    if (found != raised_.end() && seen.value < each.clear_at) {
      result.cleared.emplace_back(each.name);
      raised_.erase(found);
      continue;
    }
    if (found == raised_.end() && seen.value < each.raise_at) {
      suspected_us_.erase(each.name);
      continue;
    }
    const auto since_us = suspected_us_.try_emplace(each.name, now_us).first->second;
    if (found == raised_.end() && now_us - since_us < each.hold_ms * 1'000)
      continue;
    const bool is_new = found == raised_.end();
    auto& one = raised_[each.name];
    one = {std::string{each.name},
           std::string{each.severity},
           seen.subject,
           seen.value,
           is_new ? now_us : one.since_us,
           filled(each.evidence, seen),
           filled(each.cause, seen),
           filled(each.step, seen)};
    if (is_new) {
      suspected_us_.erase(each.name);
      result.raised.push_back(one);
    }
  }
  return result;
}

std::vector<alert> watchman::alerts() const {
  std::vector<alert> result;
  for (const auto& [name, each] : raised_)
    result.push_back(each);
  std::ranges::stable_sort(result, {}, [](const alert& each) { return weight_of(each.severity); });
  return result;
}

} // namespace tandem::monitor
