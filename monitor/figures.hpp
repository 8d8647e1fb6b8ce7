// What a validation has measured, held against what was promised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "monitor/statistics.hpp"

namespace tandem::monitor {

enum class direction : std::uint8_t { smaller_is_better, larger_is_better };

/// What one kind of figure has to reach. The floor is the least that any system must reach; the goal is what Tandem is
/// after. Either may be missing.
struct target {
  std::string_view name;  ///< of the figure, such as "sync_latency_p50"
  std::string_view title; ///< for people
  std::string_view unit;
  direction better = direction::smaller_is_better;
  std::optional<double> floor;
  std::optional<double> goal;
};

/// Every figure that a validation may give, in the order in which reports show them.
const std::vector<target>& targets();
/// Null if there is none of this name.
const target* target_named(std::string_view name);

/// One measured figure.
struct figure {
  std::string name;      ///< of its target
  std::string transport; ///< by which it was measured, such as "process", "websocket"; empty: none was involved
  double value = 0;
  std::vector<double> samples; ///< what the value was made of, for plots and comparisons; may be empty
  /// How many of them each round of the measurement gave, one after the other; empty: all came from one round.
  std::vector<std::size_t> round_sizes{};
};

/// Its samples, round by round.
rounds rounds_of(const figure& measured);

/// A measurement that could not be made, and why.
struct omission {
  std::string what;
  std::string why;
};

struct machine {
  std::string processor;
  unsigned cores = 0;
  std::string sqlite;
  std::string program; ///< Tandem's version
};

struct validation_report {
  std::int64_t time_ms = 0;
  double seconds = 0; ///< how long it took
  monitor::machine machine;
  std::vector<figure> figures;
  std::vector<omission> omissions; ///< they should have been made
  std::vector<omission> absences;  ///< this machine has not what they need
};

/// Adds what one more round has measured, and makes the values anew: a figure whose name ends in _p99 as that quantile
/// of its samples, or of those of its _p50 if it has none; any other that has samples as their median.
void add_round(validation_report& into, const validation_report& round);

enum class verdict : std::uint8_t { no_target, below_floor, below_goal, met };

verdict verdict_of(const figure& measured);
std::string_view name_of(verdict each);
/// False if a figure is below its floor, or if a measurement failed.
bool holds(const validation_report& report);

nlohmann::json to_json(const validation_report& report);
/// Throws messages::failure (protocol) if the document is none of `to_json`, or of another version.
validation_report report_from_json(const nlohmann::json& document);

/// One of a page's figures by a way other than HTTP, against the same by HTTP.
struct way_comparison {
  std::string name;
  std::string transport;
  double value = 0;
  double by_http = 0;
  double times_better = 1; ///< below 1: HTTP is better
};

/// In the order of the targets; figures with shares of 100 % have nothing to compare.
std::vector<way_comparison> compare_ways(const validation_report& report);

/// How one figure has changed from one report to another.
struct change {
  std::string name;
  std::string transport;
  double before = 0;
  double after = 0;
  double times_worse = 1; ///< above 1: worse; below: better
  double low = 1;         ///< the interval that `times_worse` lies in
  double high = 1;
  bool is_sure = false; ///< beyond noise: the interval lies on one side, and by more than runs differ anyway
};

/// Figures that both reports have samples of. `noise`: how much two runs of the same program may differ, beyond what
/// their rounds tell.
/// With 95 % confidence.
std::vector<change> compare(const validation_report& before, const validation_report& after, double noise);
/// The same of two reports whose rounds were made in turns, with 99 % confidence: for choosing between two settings.
std::vector<change> compare_beside(const validation_report& one, const validation_report& other, double noise);

} // namespace tandem::monitor
