#include "monitor/figures.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "messages/failure.hpp"
#include "monitor/statistics.hpp"

namespace tandem::monitor {
namespace {

using nlohmann::json;

constexpr int report_version = 3;

bool reaches(double value, double bound, direction better) {
  return better == direction::smaller_is_better ? value <= bound : value >= bound;
}

[[noreturn]] void refuse(const std::string& why) {
  throw messages::failure{messages::failure_code::protocol,
                          "this is no report of `tandem validate --json` that this version can read: " + why};
}

} // namespace

const std::vector<target>& targets() {
  using enum direction;
  static const std::vector<target> all{
      {"operations", "Database operations", "/s", larger_is_better, 100, 10'000},
      {"sync_latency_p50", "Commit here to readable there, median", "ms", smaller_is_better, 100, 1.5},
      {"sync_latency_p99", "Commit here to readable there, 99 %", "ms", smaller_is_better, 100, 5},
      {"busy_latency_p50", "The same while the device writes without a pause, median", "ms", smaller_is_better, 1'000,
       std::nullopt},
      {"throughput", "Rows to the far end through a hub", "rows/s", larger_is_better, std::nullopt, 25'000},
      {"tracked_batches", "Tracked writes against plain ones, in batches", "x time", smaller_is_better, std::nullopt,
       1.25},
      {"tracked_singles", "Tracked writes against plain ones, one a transaction", "x time", smaller_is_better,
       std::nullopt, 1.5},
      {"stamping", "Stamping against plain UPSERTs of the same rows", "x rate", larger_is_better, std::nullopt, 0.7},
      {"extracting", "Extracting against plain UPSERTs of the same rows", "x rate", larger_is_better, std::nullopt, 1},
      {"merging", "Merging against plain UPSERTs of the same rows", "x rate", larger_is_better, std::nullopt, 0.5},
      {"wire_alone", "Sent for a one-column update, alone", "bytes", smaller_is_better, std::nullopt, 120},
      {"wire_bulk", "Sent for a one-column update, in bulk", "bytes", smaller_is_better, std::nullopt, 25},
      {"memory", "Memory that a node adds", "MB", smaller_is_better, 10, 6},
      {"large_value", "A value of 3 MB to the far end", "ms", smaller_is_better, std::nullopt, std::nullopt},
      {"concurrent_writes", "Writes of four programs at once", "/s", larger_is_better, 100, std::nullopt},
      {"recovery", "Killed hub back, until an edit is through", "ms", smaller_is_better, 10'000, std::nullopt},
      {"page_round_trip_p50", "A page's request there and back, median", "ms", smaller_is_better, 50, 5},
      {"page_round_trip_p99", "A page's request there and back, 99 %", "ms", smaller_is_better, 50, std::nullopt},
      {"page_bare_ratio", "A page's request against a bare message there and back", "x time", smaller_is_better,
       std::nullopt, 1.3},
      {"page_queries", "A page's one-row queries, many at once", "/s", larger_is_better, 100, 10'000},
      {"page_write_p50", "A page's write until it is durable, median", "ms", smaller_is_better, 50, std::nullopt},
      {"page_writes", "A page's one-row writes, many at once", "/s", larger_is_better, 100, std::nullopt},
      {"page_sync_p50", "A page's write until a live query shows it, median", "ms", smaller_is_better, 100, 8},
      {"page_sync_p99", "A page's write until a live query shows it, 99 %", "ms", smaller_is_better, 100, 25},
      {"page_transfer", "A large result to a page", "MB/s", larger_is_better, 1, std::nullopt},
      {"page_recovery", "A page's next answer after an error", "ms", smaller_is_better, 50, std::nullopt},
      {"page_stress", "A page's success under a mixed load", "%", larger_is_better, 95, 100},
      {"page_integrity", "Values that came back to a page as they were", "%", larger_is_better, 100, 100},
      {"page_memory", "Memory that a page has gained", "MB", smaller_is_better, 10, std::nullopt},
      {"stress_success", "Success under stress", "%", larger_is_better, 95, 100},
      {"stress_slow", "Slow answers under stress (over 100 ms)", "%", smaller_is_better, std::nullopt, std::nullopt},
      {"integrity", "Rows that are equal everywhere after it", "%", larger_is_better, 100, 100},
      {machine_pace, "The machine itself: three commits of plain SQLite, each by another thread", "ms",
       smaller_is_better, std::nullopt, std::nullopt},
  };
  return all;
}

const target* target_named(std::string_view name) {
  const auto found = std::ranges::find(targets(), name, &target::name);
  return found == targets().end() ? nullptr : &*found;
}

rounds rounds_of(const figure& measured) {
  if (measured.round_sizes.empty())
    return {measured.samples};
  rounds result;
  auto next = measured.samples.begin();
  for (const auto size : measured.round_sizes) {
    const auto left = static_cast<std::size_t>(measured.samples.end() - next);
    const auto end = next + static_cast<std::ptrdiff_t>(std::min(size, left));
    result.emplace_back(next, end);
    next = end;
  }
  return result;
}

const figure* find_figure(const validation_report& in, std::string_view name, std::string_view transport) {
  const auto found = std::ranges::find_if(
      in.figures, [&](const figure& each) { return each.name == name && each.transport == transport; });
  return found == in.figures.end() ? nullptr : &*found;
}

bool is_late(const figure& each) {
  return each.name.ends_with("_p99");
}

const figure& source_of(const validation_report& in, const figure& each) {
  if (!is_late(each) || !each.samples.empty())
    return each;
  const auto* base = find_figure(in, each.name.substr(0, each.name.size() - 3) + "p50", each.transport);
  return base ? *base : each;
}

summary_of summary_for(const figure& each) {
  if (is_late(each))
    return late_of;
  const auto* wanted = target_named(each.name);
  return wanted && wanted->unit == "%" ? mean_of : middle_of;
}

void add_round(validation_report& into, const validation_report& round) {
  std::size_t earlier = 0;
  for (const auto& each : into.figures)
    earlier = std::max(earlier, each.round_sizes.size());
  for (const auto& each : round.figures) {
    auto found = std::ranges::find_if(into.figures, [&](const figure& known) {
      return known.name == each.name && known.transport == each.transport;
    });
    if (found == into.figures.end())
      found = into.figures.insert(found, figure{each.name, each.transport, each.value, {}, {}});
    if (each.samples.empty())
      continue;
    found->samples.insert(found->samples.end(), each.samples.begin(), each.samples.end());
    found->round_sizes.resize(earlier);
    found->round_sizes.push_back(each.samples.size());
  }
  for (auto& each : into.figures)
    if (!each.round_sizes.empty()) // what this round did not measure has a round without samples
      each.round_sizes.resize(earlier + 1);
  for (auto& each : into.figures)
    if (auto samples = source_of(into, each).samples; !samples.empty())
      each.value = summary_for(each)(samples);
  into.omissions.insert(into.omissions.end(), round.omissions.begin(), round.omissions.end());
  for (const auto& each : round.absences) // what this machine lacks it lacks in every round
    if (std::ranges::find(into.absences, each.what, &omission::what) == into.absences.end())
      into.absences.push_back(each);
}

namespace {

/// Zero where a coarse clock saw no time pass: then on average.
double comparable(const figure& each) {
  auto samples = each.samples;
  return each.value > 0 ? each.value : mean_of(samples);
}

} // namespace

std::vector<way_comparison> compare_ways(const validation_report& report) {
  std::vector<way_comparison> result;
  for (const auto& wanted : targets()) {
    const auto* http = find_figure(report, wanted.name, "http");
    const auto by_http = http ? comparable(*http) : 0;
    if (!(by_http > 0) || wanted.unit == "%" || wanted.unit == "MB")
      continue;
    for (const auto& each : report.figures) {
      const auto value = comparable(each);
      if (each.name == wanted.name && each.transport != "http" && value > 0)
        result.push_back({each.name, each.transport, value, by_http,
                          wanted.better == direction::smaller_is_better ? by_http / value : value / by_http});
    }
  }
  return result;
}

verdict verdict_of(const figure& measured) {
  const auto* wanted = target_named(measured.name);
  if (!wanted || (!wanted->floor && !wanted->goal))
    return verdict::no_target;
  if (wanted->floor && !reaches(measured.value, *wanted->floor, wanted->better))
    return verdict::below_floor;
  if (wanted->goal && !reaches(measured.value, *wanted->goal, wanted->better))
    return verdict::below_goal;
  return verdict::met;
}

std::string_view name_of(verdict each) {
  switch (each) {
  case verdict::no_target:
    return "-";
  case verdict::below_floor:
    return "below the floor";
  case verdict::below_goal:
    return "below the goal";
  case verdict::met:
    return "met";
  }
  return "-";
}

std::optional<double> times_better(double value, const std::optional<double>& bound, direction better) {
  if (!bound || !(value > 0) || !(*bound > 0))
    return std::nullopt;
  return better == direction::smaller_is_better ? *bound / value : value / *bound;
}

bool holds(const validation_report& report) {
  return report.omissions.empty() && std::ranges::none_of(report.figures, [](const figure& each) {
           return verdict_of(each) == verdict::below_floor;
         });
}

json to_json(const validation_report& report) {
  json figures = json::array();
  for (const auto& each : report.figures) {
    json entry{{"name", each.name}, {"value", each.value}, {"verdict", name_of(verdict_of(each))}};
    if (!each.transport.empty())
      entry["transport"] = each.transport;
    if (const auto* wanted = target_named(each.name)) {
      entry["title"] = wanted->title;
      entry["unit"] = wanted->unit;
      entry["floor"] = wanted->floor ? json(*wanted->floor) : json();
      entry["goal"] = wanted->goal ? json(*wanted->goal) : json();
      const auto factor = [&](const std::optional<double>& bound) {
        const auto found = times_better(each.value, bound, wanted->better);
        return found ? json(*found) : json();
      };
      entry["times_better_than_floor"] = factor(wanted->floor);
      entry["times_better_than_goal"] = factor(wanted->goal);
    }
    entry["samples"] = each.samples;
    entry["round_sizes"] = each.round_sizes;
    figures.push_back(std::move(entry));
  }
  const auto as_list = [](const std::vector<omission>& all) {
    json result = json::array();
    for (const auto& each : all)
      result.push_back({{"what", each.what}, {"why", each.why}});
    return result;
  };
  return {{"tandem_validation", report_version},
          {"time_ms", report.time_ms},
          {"seconds", report.seconds},
          {"effort", report.effort},
          {"database", report.database},
          {"machine",
           {{"processor", report.machine.processor},
            {"cores", report.machine.cores},
            {"sqlite", report.machine.sqlite},
            {"program", report.machine.program}}},
          {"holds", holds(report)},
          {"figures", std::move(figures)},
          {"omissions", as_list(report.omissions)},
          {"absences", as_list(report.absences)}};
}

validation_report report_from_json(const json& document) {
  if (!document.is_object() || !document.contains("tandem_validation"))
    refuse("it does not say that it is one");
  if (document["tandem_validation"] != report_version)
    refuse("its version is " + document["tandem_validation"].dump() + ", not " + std::to_string(report_version) +
           "; measure a new baseline");
  validation_report result;
  try {
    result.time_ms = document.at("time_ms");
    result.seconds = document.at("seconds");
    result.effort = document.at("effort");
    result.database = document.at("database");
    const auto& machine = document.at("machine");
    result.machine = {machine.at("processor"), machine.at("cores"), machine.at("sqlite"), machine.at("program")};
    for (const auto& each : document.at("figures"))
      result.figures.push_back({each.at("name"), each.value("transport", std::string{}), each.at("value"),
                                each.at("samples"), each.at("round_sizes")});
    for (const auto& each : document.at("omissions"))
      result.omissions.push_back({each.at("what"), each.at("why")});
    for (const auto& each : document.at("absences"))
      result.absences.push_back({each.at("what"), each.at("why")});
  } catch (const json::exception& trouble) {
    refuse(trouble.what());
  }
  return result;
}

} // namespace tandem::monitor
