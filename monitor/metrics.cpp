#include "monitor/metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace tandem::monitor {
namespace {

constexpr std::string_view station_name = "tandem_station_seconds";
constexpr std::string_view station_help = "How long a change takes at each station of its way.";
constexpr std::string_view wait_name = "tandem_lock_wait_seconds";
constexpr std::string_view wait_help = "How long we wait for SQLite's write lock.";
constexpr std::string_view hold_name = "tandem_lock_hold_seconds";
constexpr std::string_view hold_help = "How long we hold SQLite's write lock, fsync included.";

constexpr auto station(metric what, std::string_view is, std::string_view label = "peer") {
  return metric_info{what, metric_kind::time, station_name, station_help, label, "station", is};
}
constexpr auto lock(metric what, bool is_wait, std::string_view is) {
  return metric_info{
      what, metric_kind::time, is_wait ? wait_name : hold_name, is_wait ? wait_help : hold_help, {}, "work", is};
}
constexpr auto count(metric what, std::string_view name, std::string_view help, std::string_view label = "peer") {
  return metric_info{what, metric_kind::count, name, help, label, {}, {}};
}
constexpr auto gauge(metric what, std::string_view name, std::string_view help, std::string_view label = "peer") {
  return metric_info{what, metric_kind::gauge, name, help, label, {}, {}};
}

constexpr auto conflict(metric what, std::string_view kind) {
  return metric_info{
      what, metric_kind::count, "tandem_conflicts_found_total", "Conflicts that merges recorded.", "peer", "kind",
      kind};
}

constexpr std::array metrics{
    station(metric::station_seen, "seen", ""),
    station(metric::station_stamped, "stamped", ""),
    station(metric::station_bundled, "bundled"),
    station(metric::station_sent, "sent"),
    station(metric::station_received, "received"),
    station(metric::station_merged, "merged"),
    station(metric::station_acknowledged, "acknowledged"),
    station(metric::station_shown, "shown", ""),
    metric_info{metric::change_latency,
                metric_kind::time,
                "tandem_change_latency_seconds",
                "From the app's write, wherever that was, until it is readable here.",
                "peer",
                {},
                {}},
    lock(metric::lock_wait_stamp, true, "stamp"),
    lock(metric::lock_hold_stamp, false, "stamp"),
    lock(metric::lock_wait_merge, true, "merge"),
    lock(metric::lock_hold_merge, false, "merge"),
    lock(metric::lock_wait_compact, true, "compact"),
    lock(metric::lock_hold_compact, false, "compact"),
    count(metric::rows_stamped, "tandem_rows_stamped_total", "Row changes of the app that were stamped.", ""),
    count(metric::rows_sent, "tandem_rows_sent_total", "Row changes that were sent."),
    count(metric::rows_merged, "tandem_rows_merged_total", "Row changes of peers that were merged."),
    count(metric::rows_applied, "tandem_rows_applied_total", "Of them, those that changed something here."),
    count(metric::bundles_sent, "tandem_bundles_sent_total", "Bundles that were sent."),
    count(metric::bundles_merged, "tandem_bundles_merged_total", "Bundles that were merged."),
    count(metric::bytes_sent, "tandem_sent_bytes_total", "Bytes of bundles that were sent."),
    count(metric::bytes_received, "tandem_received_bytes_total", "Bytes of bundles that came."),
    conflict(metric::conflicts_cell, "cell"),
    conflict(metric::conflicts_insert, "insert"),
    conflict(metric::conflicts_deletion, "delete"),
    conflict(metric::conflicts_row, "row"),
    conflict(metric::conflicts_constraint, "constraint"),
    conflict(metric::conflicts_refused, "refused"),
    count(metric::rows_quarantined, "tandem_rows_quarantined_total", "Rows that merges set aside."),
    count(metric::rows_readmitted, "tandem_rows_readmitted_total", "Rows set aside that came back."),
    count(metric::rows_refused, "tandem_rows_refused_total", "Row changes that this replica's rules refused."),
    count(metric::log_entries_compacted, "tandem_log_entries_compacted_total", "Log entries that were removed.", ""),
    count(metric::dials_failed, "tandem_dials_failed_total", "Calls of peers that came to nothing.", ""),
    count(metric::links_lost, "tandem_links_lost_total", "Links that ended."),
    count(metric::links_refused, "tandem_links_refused_total", "Links that one side refused."),
    count(metric::actors_restarted, "tandem_actor_restarts_total", "Actors that failed and were started anew.",
          "actor"),
    count(metric::errors_swallowed, "tandem_swallowed_errors_total",
          "Errors that nobody has to act on, for what failed is tried again.", "actor"),
    gauge(metric::head_position, "tandem_log_head", "The log's last position.", ""),
    gauge(metric::sent_position, "tandem_link_sent_position", "Position of our log up to which all was sent."),
    gauge(metric::acked_position, "tandem_link_acknowledged_position",
          "Position of our log up to which the peer has acknowledged all."),
    gauge(metric::applied_position, "tandem_link_applied_position",
          "Position of the peer's log up to which all is applied here."),
    gauge(metric::bundles_unacked, "tandem_link_unacknowledged_bundles", "Bundles under way, when one was sent last."),
    gauge(metric::credit_bytes, "tandem_link_credit_bytes", "Bytes that the peer would still take."),
    gauge(metric::credit_items, "tandem_link_credit_messages", "Messages that the peer would still take."),
    gauge(metric::batch_window, "tandem_link_batch_window_seconds",
          "How long changes are collected for a link while a bundle is under way."),
    gauge(metric::sync_paused, "tandem_sync_paused", "1 while sync is paused here, else 0.", ""),
    gauge(metric::clock_offset, "tandem_link_clock_offset_seconds", "By how much this clock is ahead of the peer's."),
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < metrics.size(); ++i)
    if (metrics[i].what != static_cast<metric>(i))
      return false;
  return metrics.size() == static_cast<std::size_t>(metric::end);
}
static_assert(is_in_order(), "each metric has its line here");

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  char digits[32];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

/// Length of the UTF-8 sequence that `text` begins with; 0: it is none.
std::size_t sequence_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length > text.size())
    return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U)
      return 0;
  return length;
}

/// The format knows three escapes, and wants UTF-8.
void append_label(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto length = sequence_length(text);
    const char first = text.front();
    if (length == 0)
      out += "\xef\xbf\xbd";
    else if (first == '\\' || first == '"')
      (out += '\\') += first;
    else if (first == '\n')
      out += "\\n";
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

void append_sample(std::string& out, const std::string& name, const metric_sample& sample) {
  out += name;
  out += sample.suffix;
  if (!sample.labels.empty()) {
    char before = '{';
    for (const auto& [label, value] : sample.labels) {
      out += before;
      out += label;
      out += "=\"";
      append_label(out, value);
      out += '"';
      before = ',';
    }
    out += '}';
  }
  out += ' ';
  append_number(out, sample.value);
  out += '\n';
}

} // namespace

std::span<const metric_info> all_metrics() {
  return metrics;
}

const metric_info& info_of(metric what) {
  return metrics.at(static_cast<std::size_t>(what));
}

std::string to_prometheus(const std::vector<metric_family>& families) {
  std::string out;
  for (const auto& family : families) {
    if (family.samples.empty())
      continue;
    out += "# HELP " + family.name + " " + family.help + "\n";
    out += "# TYPE " + family.name + " " + family.type + "\n";
    for (const auto& sample : family.samples)
      append_sample(out, family.name, sample);
  }
  return out;
}

} // namespace tandem::monitor
