#include "monitor/report_json.hpp"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

namespace tandem::monitor {
namespace {

using nlohmann::json;

constexpr double us_each_ms = 1'000;

/// Lower-case, as W3C Trace Context wants it.
std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (const unsigned char each : bytes)
    (result += digits[each >> 4U]) += digits[each & 0xfU];
  return result;
}

json as_json(const summary& of) {
  return {{"count", of.count},
          {"mean_ms", of.count == 0 ? 0 : of.sum / static_cast<double>(of.count) / us_each_ms},
          {"p50_ms", static_cast<double>(of.p50) / us_each_ms},
          {"p90_ms", static_cast<double>(of.p90) / us_each_ms},
          {"p99_ms", static_cast<double>(of.p99) / us_each_ms},
          {"max_ms", static_cast<double>(of.largest) / us_each_ms}};
}

json as_json(const windowed_histogram& of, std::int64_t now_us) {
  return {{"minute", as_json(of.minute(now_us))}, {"hour", as_json(of.hour(now_us))}, {"total", as_json(of.total())}};
}

double median_ms(std::vector<std::uint64_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return static_cast<double>(*middle) / us_each_ms;
}

struct way {
  std::string peer; ///< that it comes by
  std::vector<std::pair<std::string_view, double>> stations_ms;
};

/// Medians of each place of the latest ways, by the peer that they came by and by their length. Where pages are, they
/// end with what a page takes; so does the way of what is written here, which comes by no peer.
std::vector<way> ways_of(const ledger& from) {
  std::map<std::pair<std::string, std::size_t>, std::vector<std::vector<std::uint64_t>>> values;
  for (const auto& each : from.trails()) {
    auto& places = values[{each.peer, each.stations_us.size()}];
    places.resize(each.stations_us.size());
    for (std::size_t i = 0; i < each.stations_us.size(); ++i)
      places[i].push_back(each.stations_us[i]);
  }
  std::vector<way> result;
  for (const auto& [key, places] : values) {
    auto& of = result.emplace_back(way{key.first, {}});
    for (std::size_t i = 0; i < places.size(); ++i)
      of.stations_ms.emplace_back(station_at(i), median_ms(places[i]));
  }
  const auto shown = from.latest_of(metric::station_shown);
  if (shown.empty())
    return result;
  auto& own = result.emplace_back(way{"this node", {}});
  for (const auto what : {metric::station_seen, metric::station_stamped})
    if (const auto latest = from.latest_of(what); !latest.empty())
      own.stations_ms.emplace_back(info_of(what).is, median_ms(latest));
  for (auto& each : result)
    each.stations_ms.emplace_back(info_of(metric::station_shown).is, median_ms(shown));
  return result;
}

json waterfall_of(const ledger& from) {
  auto result = json::array();
  for (const auto& each : ways_of(from)) {
    auto stations = json::array();
    for (const auto& [name, ms] : each.stations_ms)
      stations.push_back({{"station", name}, {"ms", ms}});
    result.push_back({{"peer", each.peer}, {"stations", std::move(stations)}});
  }
  return result;
}

/// The latest changes with a trace id, each with its spans: from the write to its merge here.
json traces_of(const ledger& from) {
  auto result = json::array();
  for (const auto& each : from.traces()) {
    auto spans = json::array();
    for (std::size_t i = 0; i < each.stations_us.size(); ++i)
      spans.push_back({{"station", station_at(i)}, {"ms", static_cast<double>(each.stations_us[i]) / us_each_ms}});
    result.push_back(
        {{"trace_id", hex_of(each.trace)}, {"peer", each.peer}, {"end_ms", each.end_ms}, {"spans", std::move(spans)}});
  }
  return result;
}

json actors_of(const ledger& from, std::int64_t now_us) {
  auto result = json::array();
  for (const auto& [name, each] : from.actors())
    result.push_back({{"name", name},
                      {"messages", each.items},
                      {"bytes", each.bytes},
                      {"messages_peak", each.items_peak},
                      {"bytes_peak", each.bytes_peak},
                      {"restarts", from.total(metric::actors_restarted, name)},
                      {"waited", as_json(each.waited.minute(now_us))},
                      {"handled", as_json(each.handled.minute(now_us))}});
  return result;
}

/// What an actor has told last, or the file: bookkeeping moves the log too.
double head_of(const ledger& from) {
  return std::max(from.gauge(metric::head_position, ""), static_cast<double>(from.database().head));
}

json links_of(const ledger& from, std::int64_t now_us) {
  auto result = json::array();
  const auto head = head_of(from);
  for (const auto& [name, each] : from.links()) {
    const auto gauge = [&, peer = name](metric what) {
      return from.gauge(what, peer);
    };
    const auto acked = gauge(metric::acked_position);
    result.push_back({{"peer", name},
                      {"up", each.is_up},
                      {"planned", each.is_planned},
                      {"seconds", static_cast<double>(now_us - each.since_us) / 1e6},
                      {"head", head},
                      {"sent", gauge(metric::sent_position)},
                      {"acknowledged", acked},
                      {"lag", std::max(0.0, head - acked)},
                      {"applied", gauge(metric::applied_position)},
                      {"credit_bytes", gauge(metric::credit_bytes)},
                      {"credit_messages", gauge(metric::credit_items)},
                      {"unacknowledged_bundles", gauge(metric::bundles_unacked)},
                      {"clock_offset_seconds", gauge(metric::clock_offset)},
                      {"batch_window_ms", gauge(metric::batch_window) * 1e3},
                      {"round_trip", as_json(from.minute(metric::station_acknowledged, name, now_us))},
                      {"latency", as_json(from.minute(metric::change_latency, name, now_us))}});
  }
  return result;
}

std::string_view name_of(dialing_figures::state state) {
  using enum dialing_figures::state;
  return state == linked ? "linked" : state == refused ? "refused" : state == paused ? "paused" : "calling";
}

json dialing_of(const ledger& from, std::int64_t now_us) {
  auto result = json::array();
  for (const auto& [number, each] : from.dialing())
    result.push_back({{"url", each.url},
                      {"state", name_of(each.now)},
                      {"seconds", static_cast<double>(now_us - each.since_us) / 1e6},
                      {"text", each.text},
                      {"peer", each.peer}});
  return result;
}

json database_of(const ledger& from) {
  const auto& found = from.database();
  const auto& process = from.process();
  auto waiting = json::array();
  for (const auto& each : found.waiting)
    waiting.push_back({{"table", each.table}, {"kind", each.kind}, {"count", each.count}});
  return {{"log_entries", found.log_entries},
          {"pending", found.pending},
          {"file_bytes", found.file_bytes},
          {"waiting", std::move(waiting)},
          {"wal_bytes", process.wal_bytes},
          {"wal_resets", process.wal_resets},
          {"disk_free_bytes", process.disk_free_bytes}};
}

json process_of(const process_figures& found) {
  auto threads = json::array();
  for (const auto& each : found.threads)
    threads.push_back({{"name", each.name}, {"cpu_seconds", each.cpu_seconds}});
  return {{"resident_bytes", found.resident_bytes},     {"cpu_seconds", found.cpu_seconds},
          {"start_seconds", found.start_seconds},       {"open_files", found.open_files},
          {"open_files_limit", found.open_files_limit}, {"threads", std::move(threads)}};
}

json alerts_of(const std::vector<alert>& alerts, std::int64_t now_us) {
  auto result = json::array();
  for (const auto& each : alerts)
    result.push_back({{"rule", each.rule},
                      {"severity", each.severity},
                      {"subject", each.subject},
                      {"value", each.value},
                      {"seconds", static_cast<double>(now_us - each.since_us) / 1e6},
                      {"evidence", each.evidence},
                      {"cause", each.cause},
                      {"step", each.step}});
  return result;
}

json history_of(const ledger& from) {
  auto result = json::array();
  for (const auto& each : from.history())
    result.push_back({each.time_ms, each.stamped_per_second, each.merged_per_second, each.sent_bytes_per_second,
                      each.latency_p50_ms, each.latency_p99_ms});
  return result;
}

} // namespace

diagnosis slowest_station(const ledger& from) {
  diagnosis result;
  double worst = 0;
  for (const auto& each : ways_of(from)) {
    double all = 0;
    for (const auto& [name, ms] : each.stations_ms)
      all += ms;
    for (std::size_t i = 0; i < each.stations_ms.size(); ++i)
      if (const auto& [name, ms] = each.stations_ms[i]; ms > worst) {
        worst = ms;
        result = {std::string{name}, each.peer, i, ms / all};
      }
  }
  return result;
}

json report_of(const ledger& from, const std::vector<alert>& alerts, std::int64_t now_us, std::int64_t wall_ms) {
  auto times = json::array();
  for (const auto& [key, each] : from.times()) {
    const auto& info = info_of(key.first);
    json entry = as_json(each, now_us);
    entry["name"] = info.name;
    if (!info.part.empty())
      entry[std::string{info.part}] = info.is;
    if (!info.label.empty())
      entry[std::string{info.label}] = key.second;
    times.push_back(std::move(entry));
  }
  auto counts = json::array();
  for (const auto& [key, each] : from.counts()) {
    const auto& info = info_of(key.first);
    json entry{{"name", info.name}, {"total", each.total()}, {"minute", each.minute(now_us)}};
    if (!info.part.empty())
      entry[std::string{info.part}] = info.is;
    if (!info.label.empty())
      entry[std::string{info.label}] = key.second;
    counts.push_back(std::move(entry));
  }
  const auto slowest = slowest_station(from);
  return {{"time_ms", wall_ms},
          {"paused", from.gauge(metric::sync_paused, "") > 0},
          {"head", head_of(from)},
          {"links", links_of(from, now_us)},
          {"dialing", dialing_of(from, now_us)},
          {"times", std::move(times)},
          {"counts", std::move(counts)},
          {"waterfall", waterfall_of(from)},
          {"traces", traces_of(from)},
          {"slowest",
           {{"station", slowest.station}, {"peer", slowest.peer}, {"place", slowest.place}, {"share", slowest.share}}},
          {"actors", actors_of(from, now_us)},
          {"database", database_of(from)},
          {"process", process_of(from.process())},
          {"alerts", alerts_of(alerts, now_us)},
          {"history", history_of(from)}};
}

} // namespace tandem::monitor
