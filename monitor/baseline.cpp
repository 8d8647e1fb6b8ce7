#include "monitor/baseline.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include <nlohmann/json.hpp>

namespace tandem::monitor {
namespace {

using nlohmann::json;

constexpr double confidence = 0.99;
/// Shares of 100 % hardly differ from run to run: a tenth of what times do.
constexpr double share_noise = 0.1;
/// What one sample in a hundred exceeds hangs on few samples, mostly of a disk that was busy with something else.
constexpr double late_noise = 3;
/// Few rounds do not tell how much rounds differ.
constexpr std::size_t rounds_enough = 6;
constexpr double few_rounds_noise = 0.4;
/// A share that is nearly 0 is taken for this, so that it can be compared: in percent.
constexpr double least_share = 0.1;

bool is_share(const target& each) {
  return each.unit == "%";
}

/// What one tick of the clock is of the smaller value, where the clock counts whole milliseconds, as a WebView's page
/// has it: 0 elsewhere.
double tick_noise(const target& wanted, const rounds& before, const rounds& after, double smaller) {
  constexpr double tick_ms = 1;
  const auto is_coarse_round = [](const std::vector<double>& round) {
    return std::ranges::all_of(round, [](double each) { return each == std::round(each); });
  };
  const bool is_coarse = wanted.unit == "ms" && std::ranges::all_of(before, is_coarse_round) &&
                         std::ranges::all_of(after, is_coarse_round);
  return is_coarse ? tick_ms / std::max(smaller, tick_ms) : 0;
}

double tolerance_of(const target& wanted, const figure& each, const rounds& before, const rounds& after, double smaller,
                    double noise) {
  if (is_share(wanted))
    return noise * share_noise;
  if (wanted.unit == "bytes") // what is sent does not hang on what the machine does besides
    return noise;
  return noise * (is_late(each) ? late_noise : 1) +
         (std::min(before.size(), after.size()) < rounds_enough ? few_rounds_noise : 0) +
         tick_noise(wanted, before, after, smaller);
}

/// Of shares of 100 % that should be small, what is left of 100: 0 and 2 have no ratio, 100 and 98 have.
rounds comparable_rounds(const target& wanted, const figure& from) {
  auto result = rounds_of(from);
  if (is_share(wanted))
    for (auto& round : result)
      for (auto& each : round)
        each = std::max(least_share, wanted.better == direction::smaller_is_better ? 100 - each : each);
  return result;
}

/// `ratio_of(worse, better, summary)`: how many times larger the second is.
template <class RatioOf>
std::vector<change> changes_between(const validation_report& before, const validation_report& after, double noise,
                                    RatioOf ratio_of) {
  std::vector<change> result;
  for (const auto& now : after.figures) {
    const auto* wanted = target_named(now.name);
    const auto* then = find_figure(before, now.name, now.transport);
    if (!wanted || !then || source_of(before, *then).samples.empty() || source_of(after, now).samples.empty())
      continue;
    const auto old_rounds = comparable_rounds(*wanted, source_of(before, *then));
    const auto new_rounds = comparable_rounds(*wanted, source_of(after, now));
    const bool grows_worse = wanted->better == direction::smaller_is_better && !is_share(*wanted);
    const auto found = grows_worse ? ratio_of(old_rounds, new_rounds, summary_for(now))
                                   : ratio_of(new_rounds, old_rounds, summary_for(now));
    const auto tolerance = tolerance_of(*wanted, now, old_rounds, new_rounds, std::min(then->value, now.value), noise);
    const bool is_sure = found.low > 1 + tolerance || found.high < 1 / (1 + tolerance);
    result.push_back(
        {now.name, now.transport, then->value, now.value, found.factor, found.low, found.high, tolerance, is_sure});
  }
  return result;
}

std::string shown(double value) {
  std::ostringstream text;
  text.precision(3);
  text << value;
  return text.str();
}

std::string title_of(const figure& each) {
  const auto* wanted = target_named(each.name);
  return std::string{wanted ? wanted->title : each.name} + (each.transport.empty() ? "" : " (" + each.transport + ")");
}

std::string database_in_words(const std::string& path) {
  return path.empty() ? "a fresh database" : "a copy of " + path;
}

} // namespace

std::vector<change> compare(const validation_report& before, const validation_report& after, double noise) {
  return changes_between(before, after, noise, [](const rounds& left, const rounds& right, summary_of summary) {
    return compare_rounds(left, right, summary, confidence);
  });
}

std::vector<change> compare_beside(const validation_report& one, const validation_report& other, double noise) {
  return changes_between(one, other, noise, [](const rounds& left, const rounds& right, summary_of summary) {
    return compare_pairs(left, right, summary, confidence);
  });
}

bool baseline_result::is_fine() const {
  return std::ranges::none_of(changes, &change::is_worse);
}

std::string why_incomparable(const validation_report& baseline, double effort, const std::string& database) {
  if (baseline.effort != effort)
    return "it was measured with --effort " + shown(baseline.effort) + ", and this run would be with --effort " +
           shown(effort) + ": rounds of another length give other figures";
  if (baseline.database != database)
    return "it was measured with " + database_in_words(baseline.database) + ", and this run would be with " +
           database_in_words(database);
  return {};
}

baseline_result hold_against(const validation_report& baseline, const validation_report& now, double noise) {
  baseline_result result{baseline.time_ms, noise, compare(baseline, now, noise), {}};
  const auto& then = baseline.machine;
  if (then.processor != now.machine.processor || then.cores != now.machine.cores)
    result.doubts.push_back("the baseline is of another machine (" + then.processor + ", " +
                            std::to_string(then.cores) + " cores); what differs may be the machine's doing");
  if (!holds(baseline))
    result.doubts.emplace_back("the baseline itself missed a floor, or something could not be measured for it");
  for (const auto& each : baseline.figures)
    if (!find_figure(now, each.name, each.transport))
      result.doubts.push_back("\"" + title_of(each) + "\" was measured for the baseline, and is not now");
  return result;
}

std::string summary(const baseline_result& result) {
  const auto worse = std::ranges::count_if(result.changes, &change::is_worse);
  if (worse > 0)
    return std::to_string(worse) + " of " + std::to_string(result.changes.size()) +
           " figures are worse than the baseline";
  return "no regression beyond " + shown(result.noise * 100) + " %: " + std::to_string(result.changes.size()) +
         " figures were compared with the baseline";
}

std::string in_words(const change& each) {
  const auto bounds = [](double low, double high) {
    return " (" + shown(low) + " to " + shown(high) + ")";
  };
  if (!each.is_sure)
    return "no difference" + bounds(each.low, each.high);
  return each.is_worse() ? shown(each.times_worse) + " times worse" + bounds(each.low, each.high)
                         : shown(1 / each.times_worse) + " times better" + bounds(1 / each.high, 1 / each.low);
}

json to_json(const change& each) {
  // An interval without an end has no number in JSON.
  const auto finite = [](double value) {
    return std::isfinite(value) ? json(value) : json();
  };
  return {{"name", each.name},
          {"transport", each.transport},
          {"before", each.before},
          {"after", each.after},
          {"times_worse", each.times_worse},
          {"low", each.low},
          {"high", finite(each.high)},
          {"tolerance", each.tolerance},
          {"verdict", !each.is_sure     ? "no difference"
                      : each.is_worse() ? "worse"
                                        : "better"}};
}

json to_json(const baseline_result& result) {
  json changes = json::array();
  for (const auto& each : result.changes)
    changes.push_back(to_json(each));
  return {{"time_ms", result.time_ms},  {"noise", result.noise},   {"holds", result.is_fine()},
          {"summary", summary(result)}, {"doubts", result.doubts}, {"changes", std::move(changes)}};
}

} // namespace tandem::monitor
