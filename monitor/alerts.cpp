#include "monitor/alerts.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <string_view>

#include "messages/plain_text.hpp"

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

/// Takes the fitting one of each `{value|ONE|MANY}`, behind the value.
std::string counted(std::string pattern, const std::string& value) {
  constexpr std::string_view begin = "{value|";
  for (auto at = pattern.find(begin); at != std::string::npos; at = pattern.find(begin)) {
    const auto middle = pattern.find('|', at + begin.size());
    const auto end = pattern.find('}', middle);
    const auto words = value == "1" ? pattern.substr(at + begin.size(), middle - at - begin.size())
                                    : pattern.substr(middle + 1, end - middle - 1);
    pattern.replace(at, end + 1 - at, value + " " + words);
  }
  return pattern;
}

std::string filled(std::string_view pattern, const reading& seen) {
  std::string result = counted(std::string{pattern}, rounded(seen.value));
  const auto put = [&result](std::string_view name, const std::string& text) {
    for (auto at = result.find(name); at != std::string::npos; at = result.find(name, at + text.size()))
      result.replace(at, name.size(), text);
  };
  put("{value}", rounded(seen.value));
  put("{detail}", seen.detail);
  put("{subject}", seen.subject);
  return messages::one_line(result);
}

int weight_of(std::string_view severity) {
  return severity == "critical" ? 0 : severity == "warning" ? 1 : 2;
}

} // namespace

watchman::news watchman::look(const ledger& at, std::int64_t now_us) {
  news result;
  for (const auto& each : all_rules()) {
    const auto all = each.look(at, now_us);
    clear_unseen(each, all, result);
    for (const auto& seen : all)
      look_at(each, seen, now_us, result);
  }
  return result;
}

void watchman::clear_unseen(const rule& of, const readings& all, news& out) {
  const auto is_unseen = [&](const auto& each) {
    return each.first.first == of.name && std::ranges::find(all, each.first.second, &reading::key) == all.end();
  };
  std::erase_if(suspected_us_, is_unseen);
  std::erase_if(raised_, [&](auto& each) {
    if (!is_unseen(each))
      return false;
    out.cleared.push_back(std::move(each.second));
    return true;
  });
}

void watchman::look_at(const rule& of, const reading& seen, std::int64_t now_us, news& out) {
  const identity which{of.name, seen.key};
  const auto found = raised_.find(which);
  const bool is_new = found == raised_.end();
  if (seen.value < (is_new ? of.raise_at : of.clear_at)) {
    suspected_us_.erase(which);
    if (is_new)
      return;
    out.cleared.push_back(std::move(found->second));
    raised_.erase(found);
    return;
  }
  const auto text = [&seen](std::string_view of_rule, const std::string& of_reading) {
    return filled(of_reading.empty() ? of_rule : std::string_view{of_reading}, seen);
  };
  if (is_new && now_us - suspected_us_.try_emplace(which, now_us).first->second < of.hold_ms * 1'000)
    return;
  suspected_us_.erase(which);
  auto& one = raised_[which];
  one = {std::string{of.name},
         std::string{of.severity},
         messages::one_line(seen.subject),
         seen.key,
         seen.value,
         is_new ? now_us : one.since_us,
         filled(of.evidence, seen),
         text(of.cause, seen.cause),
         text(of.step, seen.step)};
  if (is_new)
    out.raised.push_back(one);
}

std::vector<alert> watchman::alerts() const {
  std::vector<alert> result;
  for (const auto& [which, each] : raised_)
    result.push_back(each);
  std::ranges::stable_sort(result, {}, [](const alert& each) { return weight_of(each.severity); });
  return result;
}

} // namespace tandem::monitor
