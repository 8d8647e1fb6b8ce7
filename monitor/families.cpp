// The ledger as Prometheus reads it.
#include <algorithm>
#include <cmath>
#include <set>

#include "monitor/ledger.hpp"

namespace tandem::monitor {
namespace {

constexpr double us_each_second = 1e6;

class family_list {
public:
  metric_family& named(std::string_view name, std::string_view help, std::string_view type) {
    const auto found = std::ranges::find(all, name, &metric_family::name);
    if (found != all.end())
      return *found;
    return all.emplace_back(metric_family{std::string{name}, std::string{help}, std::string{type}, {}});
  }
  void gauge(std::string_view name, std::string_view help, double value, label_list labels = {}) {
    named(name, help, "gauge").samples.push_back({"", std::move(labels), value});
  }
  void counter(std::string_view name, std::string_view help, double value, label_list labels = {}) {
    named(name, help, "counter").samples.push_back({"", std::move(labels), value});
  }
  /// Quantiles of the last minute (NaN: it was empty); sum and count of all, so that a server can take rates of them.
  void times(std::string_view name, std::string_view help, const windowed_histogram& of, const label_list& labels,
             std::int64_t now_us) {
    auto& samples = named(name, help, "summary").samples;
    const auto latest = of.minute(now_us);
    const std::pair<const char*, std::uint64_t> quantiles[] = {
        {"0.5", latest.p50}, {"0.9", latest.p90}, {"0.99", latest.p99}};
    for (const auto& [share, us] : quantiles) {
      auto with_share = labels;
      with_share.emplace_back("quantile", share);
      samples.push_back(
          {"", std::move(with_share), latest.count == 0 ? std::nan("") : static_cast<double>(us) / us_each_second});
    }
    const auto all_time = of.total();
    samples.push_back({"_sum", labels, all_time.sum / us_each_second});
    samples.push_back({"_count", labels, static_cast<double>(all_time.count)});
  }

  std::vector<metric_family> all;
};

label_list labels_of(const metric_info& info, const std::string& label) {
  label_list result;
  if (!info.part.empty())
    result.emplace_back(info.part, info.is);
  if (!info.label.empty())
    result.emplace_back(info.label, label);
  return result;
}

void add_measured(family_list& out, const ledger& from, std::int64_t now_us) {
  for (const auto& [key, each] : from.times()) {
    const auto& info = info_of(key.first);
    out.times(info.name, info.help, each, labels_of(info, key.second), now_us);
  }
  for (const auto& [key, each] : from.counts()) {
    const auto& info = info_of(key.first);
    out.counter(info.name, info.help, static_cast<double>(each.total()), labels_of(info, key.second));
  }
  for (const auto& [key, value] : from.gauges()) {
    const auto& info = info_of(key.first);
    out.gauge(info.name, info.help, value, labels_of(info, key.second));
  }
}

void add_actors(family_list& out, const ledger& from, std::int64_t now_us) {
  for (const auto& [name, each] : from.actors()) {
    const label_list who{{"actor", name}};
    out.gauge("tandem_mailbox_messages", "Messages that wait for an actor.", static_cast<double>(each.items), who);
    out.gauge("tandem_mailbox_bytes", "Bytes that wait for an actor.", static_cast<double>(each.bytes), who);
    out.gauge("tandem_mailbox_messages_peak", "The most messages that ever waited for an actor.",
              static_cast<double>(each.items_peak), who);
    out.times("tandem_mailbox_wait_seconds", "How long messages wait for an actor.", each.waited, who, now_us);
    out.times("tandem_handling_seconds", "How long an actor takes for a message.", each.handled, who, now_us);
  }
}

void add_links(family_list& out, const ledger& from) {
  const auto head = from.gauge(metric::head_position, "");
  for (const auto& [name, each] : from.links()) {
    const label_list who{{"peer", name}};
    out.gauge("tandem_link_up", "1 while the link with a peer works.", each.is_up ? 1 : 0, who);
    out.gauge("tandem_link_lag_changes", "Log entries that a peer has not acknowledged.",
              std::max(0.0, head - from.gauge(metric::acked_position, name)), who);
  }
}

void add_database(family_list& out, const ledger& from) {
  const auto& found = from.database();
  out.gauge("tandem_log_entries", "Entries that the log keeps for peers.", static_cast<double>(found.log_entries));
  out.gauge("tandem_pending_hints", "Writes of the app that are not stamped yet.", static_cast<double>(found.pending));
  out.gauge("tandem_database_bytes", "Size of the database.", static_cast<double>(found.file_bytes));
  for (const auto& each : found.waiting) {
    const auto count = static_cast<double>(each.count);
    if (each.kind == "quarantine")
      out.gauge("tandem_quarantined_rows", "Rows that a constraint keeps out of their table.", count,
                {{"table", each.table}});
    else
      out.gauge("tandem_open_conflicts", "Conflicts that wait for a person.", count,
                {{"table", each.table}, {"kind", each.kind}});
  }
}

void add_process(family_list& out, const ledger& from) {
  const auto& found = from.process();
  out.gauge("tandem_wal_bytes", "Size of the write-ahead log.", static_cast<double>(found.wal_bytes));
  out.counter("tandem_wal_resets_total", "Checkpoints after which the write-ahead log began anew.",
              static_cast<double>(found.wal_resets));
  out.gauge("tandem_disk_free_bytes", "Room left on the database's disk.", static_cast<double>(found.disk_free_bytes));
  out.gauge("process_resident_memory_bytes", "Resident memory size in bytes.",
            static_cast<double>(found.resident_bytes));
  out.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", found.cpu_seconds);
  out.gauge("process_open_fds", "Number of open file descriptors.", static_cast<double>(found.open_files));
  out.gauge("process_max_fds", "Maximum number of open file descriptors.", static_cast<double>(found.open_files_limit));
  out.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
            found.start_seconds);
  for (const auto& each : found.threads)
    out.counter("tandem_thread_cpu_seconds_total", "CPU time of the threads of one name.", each.cpu_seconds,
                {{"thread", each.name}});
}

} // namespace

std::vector<metric_family> families_of(const ledger& from, const std::string& version, std::int64_t now_us) {
  family_list out;
  out.gauge("tandem_build_info", "Which program this is.", 1, {{"version", version}});
  add_measured(out, from, now_us);
  add_actors(out, from, now_us);
  add_links(out, from);
  add_database(out, from);
  add_process(out, from);
  return std::move(out.all);
}

} // namespace tandem::monitor
