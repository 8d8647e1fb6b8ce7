#include "monitor/figures.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "messages/failure.hpp"
#include "monitor/statistics.hpp"

namespace tandem::monitor {
namespace {

using nlohmann::json;

constexpr int report_version = 1;

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
      {"round_trip_p50", "Round trip of a request", "ms", smaller_is_better, 50, std::nullopt},
      {"operations", "Database operations", "/s", larger_is_better, 100, 10'000},
      {"sync_latency_p50", "Commit here to readable there, median", "ms", smaller_is_better, 100, 1.5},
      {"sync_latency_p99", "Commit here to readable there, 99 %", "ms", smaller_is_better, 100, 5},
      {"throughput", "Rows to the far end through a hub", "rows/s", larger_is_better, std::nullopt, 25'000},
      {"tracked_batches", "Tracked writes against plain ones, in batches", "x time", smaller_is_better, std::nullopt,
       1.25},
      {"tracked_singles", "Tracked writes against plain ones, one a transaction", "x time", smaller_is_better,
       std::nullopt, 1.5},
      {"memory", "Memory that a node adds", "MB", smaller_is_better, 10, 6},
      {"large_value", "A value of 3 MB to the far end", "ms", smaller_is_better, std::nullopt, std::nullopt},
      {"concurrent_writes", "Writes of four programs at once", "/s", larger_is_better, 100, std::nullopt},
      {"recovery", "Killed hub back, until an edit is through", "ms", smaller_is_better, 10'000, std::nullopt},
      {"stress_success", "Success under stress", "%", larger_is_better, 95, 100},
      {"integrity", "Rows that are equal everywhere after it", "%", larger_is_better, 100, 100},
  };
  return all;
}

const target* target_named(std::string_view name) {
  const auto found = std::ranges::find(targets(), name, &target::name);
  return found == targets().end() ? nullptr : &*found;
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
    }
    entry["samples"] = each.samples;
    figures.push_back(std::move(entry));
  }
  json omissions = json::array();
  for (const auto& each : report.omissions)
    omissions.push_back({{"what", each.what}, {"why", each.why}});
  return {{"tandem_validation", report_version},
          {"time_ms", report.time_ms},
          {"seconds", report.seconds},
          {"machine",
           {{"processor", report.machine.processor},
            {"cores", report.machine.cores},
            {"sqlite", report.machine.sqlite},
            {"program", report.machine.program}}},
          {"holds", holds(report)},
          {"figures", std::move(figures)},
          {"omissions", std::move(omissions)}};
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
    const auto& machine = document.at("machine");
    result.machine = {machine.at("processor"), machine.at("cores"), machine.at("sqlite"), machine.at("program")};
    for (const auto& each : document.at("figures"))
      result.figures.push_back(
          {each.at("name"), each.value("transport", std::string{}), each.at("value"), each.at("samples")});
    for (const auto& each : document.at("omissions"))
      result.omissions.push_back({each.at("what"), each.at("why")});
  } catch (const json::exception& trouble) {
    refuse(trouble.what());
  }
  return result;
}

std::vector<change> compare(const validation_report& before, const validation_report& after, double noise) {
  std::vector<change> result;
  for (const auto& now : after.figures) {
    const auto* wanted = target_named(now.name);
    const auto then = std::ranges::find_if(
        before.figures, [&](const figure& each) { return each.name == now.name && each.transport == now.transport; });
    if (!wanted || then == before.figures.end() || then->samples.size() < 2 || now.samples.size() < 2)
      continue;
    const auto found = wanted->better == direction::smaller_is_better ? compare_medians(then->samples, now.samples)
                                                                      : compare_medians(now.samples, then->samples);
    const bool is_sure = found.low > 1 + noise || found.high < 1 / (1 + noise);
    result.push_back({now.name, now.transport, then->value, now.value, found.factor, is_sure});
  }
  return result;
}

} // namespace tandem::monitor
