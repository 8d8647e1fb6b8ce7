// How measured things are called outside: names and units by the conventions of Prometheus.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/measurement.hpp"

namespace tandem::monitor {

using messages::metric;

enum class metric_kind {
  time,  ///< microseconds; told as a summary in seconds
  count, ///< grows
  gauge  ///< what is so now
};

struct metric_info {
  metric what = metric::end;
  metric_kind kind = metric_kind::gauge;
  std::string_view name;
  std::string_view help;
  std::string_view label = {}; ///< what its samples are told apart by: "peer", "actor"; empty: nothing
  std::string_view part = {};  ///< a label that several metrics of one name are told apart by, such as "station" ...
  std::string_view is = {};    ///< ... and its value
};

/// All of them, in the order of `metric`.
std::span<const metric_info> all_metrics();
const metric_info& info_of(metric what);

using label_list = std::vector<std::pair<std::string, std::string>>;

/// One line of the text format.
struct metric_sample {
  std::string suffix; ///< "_sum", "_count" or nothing
  label_list labels;
  double value = 0;
};

/// All samples of one name.
struct metric_family {
  std::string name;
  std::string help;
  std::string type; ///< "counter", "gauge", "summary"
  std::vector<metric_sample> samples;
};

/// Prometheus' text format, version 0.0.4. Whatever bytes a label holds, it stays one label.
std::string to_prometheus(const std::vector<metric_family>& families);

} // namespace tandem::monitor
