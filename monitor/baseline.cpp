#include "monitor/baseline.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "monitor/paced_ratio.hpp"

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
/// Rounds of a machine at rest differ by less: in 13 of 19 validations on a virtual machine by up to 1.9 times.
constexpr double restless = 2;
/// A share that is nearly 0 is taken for this, so that it can be compared: in percent.
constexpr double least_share = 0.1;

/// What one tick of a clock is that counts whole milliseconds, as a WebView's page has it.
constexpr double tick_ms = 1;

bool is_share(const target& each) {
  return each.unit == "%";
}

/// Times and rates hang on how fast the machine is at the moment; shares, bytes and what is held against plain SQLite
/// right beside it do not.
bool follows_pace(const target& each) {
  return each.unit == "ms" || each.unit.ends_with("/s");
}

/// A clock of whole milliseconds may give 1.0000000001 as a difference.
bool is_whole(double each) {
  return std::abs(each - std::round(each)) < 1e-6;
}

bool is_coarse(const target& wanted, const rounds& all) {
  return wanted.unit == "ms" &&
         std::ranges::all_of(all, [](const auto& round) { return std::ranges::all_of(round, is_whole); });
}

double tolerance_of(const target& wanted, const figure& each, const rounds& before, const rounds& after, double smaller,
                    double noise) {
  if (is_share(wanted))
    return noise * share_noise;
  if (wanted.unit == "bytes") // what is sent does not hang on what the machine does besides
    return noise;
  const bool is_by_ticks = is_coarse(wanted, before) && is_coarse(wanted, after);
  return noise * (is_late(each) ? late_noise : 1) +
         (std::min(before.size(), after.size()) < rounds_enough ? few_rounds_noise : 0) +
         (is_by_ticks ? tick_ms / std::max(smaller, tick_ms) : 0);
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

/// What both reports have samples of, one by one.
struct pair_of_figures {
  const target& wanted;
  const figure& before;
  const figure& after;
};

template <class Look>
void for_each_pair(const validation_report& before, const validation_report& after, Look look) {
  for (const auto& now : after.figures) {
    const auto* wanted = target_named(now.name);
    const auto* then = find_figure(before, now.name, now.transport);
    if (wanted && then && now.name != machine_pace && !source_of(before, *then).samples.empty() &&
        !source_of(after, now).samples.empty())
      look(pair_of_figures{*wanted, *then, now});
  }
}

bool grows_worse(const target& wanted) {
  return wanted.better == direction::smaller_is_better && !is_share(wanted);
}

change change_of(const pair_of_figures& both, const ratio& found, double tolerance) {
  const bool is_sure = found.low > 1 + tolerance || found.high < 1 / (1 + tolerance);
  return {both.after.name, both.after.transport, both.before.value, both.after.value, found.factor,
          found.low,       found.high,           tolerance,         is_sure};
}

rounds made_of(rounds all) {
  std::erase_if(all, [](const auto& round) { return round.empty(); });
  return all;
}

/// What each round came to, beside the machine's pace in it. `pace`: empty if it is not to be looked at; else a round
/// whose pace is unknown is left out. Rates are turned into times, so that all grow with the pace.
std::vector<paced_round> paced_rounds(const pair_of_figures& both, const rounds& measured, const rounds& pace) {
  const auto summary = summary_for(both.after);
  const bool is_rate = !grows_worse(both.wanted);
  const double least = is_coarse(both.wanted, measured) ? tick_ms : 0;
  std::vector<paced_round> result;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const bool has_pace = i < pace.size() && !pace[i].empty();
    if (measured[i].empty() || (!pace.empty() && !has_pace))
      continue;
    auto samples = measured[i];
    const auto value = std::max(least, summary(samples));
    result.push_back({is_rate && value > 0 ? 1 / value : value, has_pace ? median(pace[i]) : 1});
  }
  return result;
}

/// Empty if one of both does not tell.
std::pair<rounds, rounds> paces_of(const validation_report& before, const validation_report& after) {
  const auto* then = find_figure(before, machine_pace, "");
  const auto* now = find_figure(after, machine_pace, "");
  if (!then || !now)
    return {};
  return {rounds_of(*then), rounds_of(*now)};
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

/// By its own work, which holds nothing of Tandem; 1 if one of both does not tell.
double times_slower(const validation_report& before, const validation_report& now) {
  const auto* then = find_figure(before, machine_pace, "");
  const auto* today = find_figure(now, machine_pace, "");
  return then && today && then->value > 0 && today->value > 0 ? today->value / then->value : 1;
}

std::string database_in_words(const std::string& path) {
  return path.empty() ? "a fresh database" : "a copy of " + path;
}

} // namespace

std::vector<change> compare(const validation_report& before, const validation_report& after, double noise) {
  const auto paces = paces_of(before, after);
  std::vector<change> result;
  for_each_pair(before, after, [&](const pair_of_figures& both) {
    const auto old_rounds = comparable_rounds(both.wanted, source_of(before, both.before));
    const auto new_rounds = comparable_rounds(both.wanted, source_of(after, both.after));
    const bool is_paced = follows_pace(both.wanted);
    const auto found = compare_paced(paced_rounds(both, old_rounds, is_paced ? paces.first : rounds{}),
                                     paced_rounds(both, new_rounds, is_paced ? paces.second : rounds{}));
    result.push_back(change_of(both, found,
                               tolerance_of(both.wanted, both.after, made_of(old_rounds), made_of(new_rounds),
                                            std::min(both.before.value, both.after.value), noise)));
  });
  return result;
}

std::vector<change> compare_beside(const validation_report& one, const validation_report& other, double noise) {
  std::vector<change> result;
  for_each_pair(one, other, [&](const pair_of_figures& both) {
    const auto left = made_of(comparable_rounds(both.wanted, source_of(one, both.before)));
    const auto right = made_of(comparable_rounds(both.wanted, source_of(other, both.after)));
    const auto summary = summary_for(both.after);
    const auto found = grows_worse(both.wanted) ? compare_pairs(left, right, summary, confidence)
                                                : compare_pairs(right, left, summary, confidence);
    result.push_back(change_of(
        both, found,
        tolerance_of(both.wanted, both.after, left, right, std::min(both.before.value, both.after.value), noise)));
  });
  return result;
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

std::string why_restless(const validation_report& report, const std::string& when) {
  const auto* pace = find_figure(report, machine_pace, "");
  if (!pace)
    return {};
  std::vector<double> of_rounds;
  for (const auto& each : made_of(rounds_of(*pace)))
    of_rounds.push_back(median(each));
  if (of_rounds.empty())
    return {};
  const auto [least, most] = std::minmax_element(of_rounds.begin(), of_rounds.end());
  if (!(*least > 0) || *most / *least < restless)
    return {};
  return "the machine was restless " + when + ": from round to round its own pace differed by up to " +
         shown(*most / *least) + " times, so that only large changes can be told; let nothing else run";
}

baseline_result hold_against(const validation_report& baseline, const validation_report& now, double noise) {
  baseline_result result{baseline.time_ms, noise, compare(baseline, now, noise), {}};
  const auto& then = baseline.machine;
  if (then.processor != now.machine.processor || then.cores != now.machine.cores)
    result.doubts.push_back("the baseline is of another machine (" + then.processor + ", " +
                            std::to_string(then.cores) + " cores); what differs may be the machine's doing");
  if (!holds(baseline))
    result.doubts.emplace_back("the baseline itself missed a floor, or something could not be measured for it");
  for (const auto& each : {why_restless(baseline, "while the baseline was measured"), why_restless(now, "this time")})
    if (!each.empty())
      result.doubts.push_back(each);
  if (const auto slower = times_slower(baseline, now); std::max(slower, 1 / slower) > 1 + noise)
    result.doubts.push_back("the machine itself takes " + shown(slower) +
                            " times as long for the same work as at the baseline's time; times and rates are compared "
                            "as far as its pace does not account for them");
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
