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
  /// How many of them each round of the measurement gave, one after the other, 0 where it was not made; empty: all came
  /// from one round.
  std::vector<std::size_t> round_sizes{};
};

/// How long the machine itself takes for a fixed piece of work that holds nothing of Tandem: in milliseconds, measured
/// beside everything else, for a machine's pace changes within minutes.
inline constexpr std::string_view machine_pace = "machine_relay";

/// Its samples, round by round; a round in which it was not measured has none.
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
  double effort = 1;               ///< how much was done of everything, 1 being all
  std::string database;            ///< whose copy was measured with; empty: a fresh one
};

/// Null if there is none.
const figure* find_figure(const validation_report& in, std::string_view name, std::string_view transport);
/// True for figures whose names end in _p99: they tell what one sample in a hundred exceeds.
bool is_late(const figure& each);
/// What its value is made of: itself, or for a late figure without samples the one of its median.
const figure& source_of(const validation_report& in, const figure& each);
/// How its samples make its value: late ones as that quantile, shares of 100 % as their mean, for one bad round may not
/// vanish among good ones; all others as their median.
summary_of summary_for(const figure& each);

/// Adds what one more round has measured, and makes the values anew of all that has samples.
void add_round(validation_report& into, const validation_report& round);

enum class verdict : std::uint8_t { no_target, below_floor, below_goal, met };

verdict verdict_of(const figure& measured);
std::string_view name_of(verdict each);
/// By what factor the value is better than the bound; below 1: it is worse. Nothing where there is no bound, or no
/// factor because a value is 0.
std::optional<double> times_better(double value, const std::optional<double>& bound, direction better);
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

} // namespace tandem::monitor
