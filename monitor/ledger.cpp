#include "monitor/ledger.hpp"

#include <algorithm>
#include <numeric>

#include "messages/limits.hpp"

namespace tandem::monitor {
namespace {

constexpr std::int64_t count_slice_us = 10'000'000;
constexpr std::size_t history_points = 240; // twenty minutes, one each five seconds
constexpr std::size_t own_stations = 2;
constexpr std::string_view stations_of_write[own_stations] = {"seen", "stamped"};
constexpr std::size_t link_stations = 4;
constexpr std::string_view stations_of_link[link_stations] = {"bundled", "sent", "received", "merged"};

double as_ms(std::uint64_t us) {
  return static_cast<double>(us) / 1'000;
}

double gauge_value(metric what, std::uint64_t told) {
  switch (what) {
  case metric::batch_window:
    return static_cast<double>(told) / 1e6;
  case metric::clock_offset:
    return static_cast<double>(static_cast<std::int64_t>(told) - messages::clock_offset_zero) / 1'000;
  default:
    return static_cast<double>(told);
  }
}

} // namespace

void windowed_count::add(std::uint64_t value, std::int64_t now_us) {
  const auto number = now_us / count_slice_us;
  auto& [slice, count] = slices_[static_cast<std::size_t>(number) % slices_.size()];
  if (slice != number) {
    slice = number;
    count = 0;
  }
  count += value;
  total_ += value;
}

std::uint64_t windowed_count::minute(std::int64_t now_us) const {
  const auto now = now_us / count_slice_us;
  std::uint64_t result = 0;
  for (const auto& [slice, count] : slices_)
    if (slice + static_cast<std::int64_t>(slices_.size()) > now)
      result += count;
  return result;
}

/// Peers come and go under names of their own making: only so many get series.
std::string ledger::fitting(metric what, const std::string& label) {
  const auto& info = info_of(what);
  if (info.label.empty())
    return {};
  if (info.label != "peer" || peers_.contains(label) || label == unknown_peer)
    return label;
  if (label == other_peers || peers_.size() >= limits::measured_peers_max)
    return other_peers;
  peers_.insert(label);
  return label;
}

void ledger::add(metric what, const std::string& label, std::uint64_t value, std::int64_t now_us) {
  if (what >= metric::end)
    return;
  const series key{what, fitting(what, label)};
  switch (info_of(what).kind) {
  case metric_kind::time:
    times_[key].add(value, now_us);
    note_own_station(what, value);
    break;
  case metric_kind::count:
    counts_[key].add(value, now_us);
    break;
  case metric_kind::gauge:
    gauges_[key] = gauge_value(what, value);
  }
}

void ledger::note_own_station(metric what, std::uint64_t us) {
  if (what != metric::station_seen && what != metric::station_stamped && what != metric::station_shown)
    return;
  auto& latest = own_stations_[what];
  latest.push_back(us);
  if (latest.size() > limits::trails_kept_max)
    latest.pop_front();
}

std::vector<std::uint64_t> ledger::latest_of(metric what) const {
  const auto found = own_stations_.find(what);
  return found == own_stations_.end() ? std::vector<std::uint64_t>{}
                                      : std::vector<std::uint64_t>{found->second.begin(), found->second.end()};
}

void ledger::note_trail(const std::string& peer, trail way, std::int64_t now_us) {
  // One that is no whole way was cut somewhere, or made up.
  const auto count = way.stations_us.size();
  if (count < own_stations + link_stations || (count - own_stations) % link_stations != 0)
    return;
  way.peer = fitting(metric::change_latency, peer);
  constexpr auto most = static_cast<std::uint64_t>(limits::station_ms_max) * 1'000;
  for (auto& each : way.stations_us)
    each = std::min(each, most);
  add(metric::change_latency, way.peer,
      std::accumulate(way.stations_us.begin(), way.stations_us.end(), std::uint64_t{0}), now_us);
  if (!way.trace.empty()) {
    traces_.push_back(way);
    if (traces_.size() > limits::traces_kept_max)
      traces_.pop_front();
  }
  trails_.push_back(std::move(way));
  if (trails_.size() > limits::trails_kept_max)
    trails_.pop_front();
}

void ledger::note_handled(const std::string& actor, const messages::handled& times, std::int64_t now_us) {
  auto& of = actors_[actor];
  for (const auto us : times.waited_us)
    of.waited.add(us, now_us);
  for (const auto us : times.handled_us)
    of.handled.add(us, now_us);
}

void ledger::clear_mailboxes() {
  for (auto& [name, each] : actors_)
    each.items = each.bytes = 0;
}

void ledger::note_mailbox(const std::string& actor, std::uint64_t items, std::uint64_t bytes, std::uint64_t items_peak,
                          std::uint64_t bytes_peak) {
  auto& of = actors_[actor];
  of.items += items;
  of.bytes += bytes;
  of.items_peak = std::max(of.items_peak, items_peak);
  of.bytes_peak = std::max(of.bytes_peak, bytes_peak);
}

void ledger::note_link(const std::string& peer, bool is_up, std::int64_t now_us, bool is_planned) {
  const auto label = fitting(metric::sent_position, peer);
  if (label == other_peers) // One of them that leaves says nothing of the rest.
    return;
  auto& link = links_[label];
  if (link.url_or_name.empty() || link.is_up != is_up)
    link.since_us = now_us;
  link.url_or_name = label;
  link.is_up = is_up;
  link.is_planned = is_planned;
  if (!is_up) // Where the peer is in the log stays true; these do not.
    for (const auto what : {metric::clock_offset, metric::credit_bytes, metric::credit_items, metric::bundles_unacked,
                            metric::batch_window})
      gauges_.erase({what, label});
}

void ledger::note_dialing(std::uint64_t dialer, dialing_figures news, std::int64_t now_us) {
  using state = dialing_figures::state;
  const auto seen_alike = [](state each) {
    return each == state::refused ? state::calling : each;
  };
  auto& of = dialing_[dialer];
  const bool goes_on = !of.url.empty() && seen_alike(of.now) == seen_alike(news.now);
  news.since_us = goes_on ? of.since_us : now_us;
  if (news.url.empty())
    news.url = of.url;
  if (news.peer.empty())
    news.peer = of.peer;
  of = std::move(news);
}

void ledger::forget_peer(const std::string& label) {
  const auto forget = [&label](auto& all) {
    std::erase_if(all, [&label](const auto& each) {
      return info_of(each.first.first).label == "peer" && each.first.second == label;
    });
  };
  forget(times_);
  forget(counts_);
  forget(gauges_);
  links_.erase(label);
  peers_.erase(label);
  std::erase_if(trails_, [&label](const trail& each) { return each.peer == label; });
}

void ledger::note_network(std::uint64_t refused, std::uint64_t errors, std::string latest, std::int64_t now_us) {
  if (refused > 0)
    add(metric::links_refused, unknown_peer, refused, now_us);
  if (errors == 0)
    return;
  add(metric::errors_swallowed, network_errors, errors, now_us);
  network_trouble_ = std::move(latest);
}

void ledger::note_history(std::int64_t wall_ms, std::int64_t now_us) {
  std::array<std::uint64_t, 3> totals{};
  for (const auto& [key, each] : counts_) {
    totals[0] += key.first == metric::rows_stamped ? each.total() : 0;
    totals[1] += key.first == metric::rows_merged ? each.total() : 0;
    totals[2] += key.first == metric::bytes_sent ? each.total() : 0;
  }
  const auto seconds = static_cast<double>(now_us - history_us_) / 1e6;
  if (history_us_ != 0 && seconds > 0) {
    const auto rate = [&](std::size_t which) {
      return static_cast<double>(totals[which] - history_totals_[which]) / seconds;
    };
    history_point point{wall_ms, rate(0), rate(1), rate(2)};
    for (const auto& label : labels_of(metric::change_latency)) {
      const auto found = minute(metric::change_latency, label, now_us);
      point.latency_p50_ms = std::max(point.latency_p50_ms, as_ms(found.p50));
      point.latency_p99_ms = std::max(point.latency_p99_ms, as_ms(found.p99));
    }
    history_.push_back(point);
    if (history_.size() > history_points)
      history_.pop_front();
  }
  history_us_ = now_us;
  history_totals_ = totals;
}

summary ledger::minute(metric what, const std::string& label, std::int64_t now_us) const {
  const auto found = times_.find({what, label});
  return found == times_.end() ? summary{} : found->second.minute(now_us);
}

std::uint64_t ledger::total(metric what, const std::string& label) const {
  const auto found = counts_.find({what, label});
  return found == counts_.end() ? 0 : found->second.total();
}

std::uint64_t ledger::counted_in_minute(metric what, std::int64_t now_us) const {
  std::uint64_t result = 0;
  for (const auto& [key, each] : counts_)
    result += key.first == what ? each.minute(now_us) : 0;
  return result;
}

double ledger::gauge(metric what, const std::string& label) const {
  const auto found = gauges_.find({what, label});
  return found == gauges_.end() ? 0 : found->second;
}

std::vector<std::string> ledger::labels_of(metric what) const {
  std::vector<std::string> result;
  const auto take = [&](const auto& all) {
    for (const auto& [key, each] : all)
      if (key.first == what)
        result.push_back(key.second);
  };
  take(times_);
  take(counts_);
  take(gauges_);
  return result;
}

std::string_view station_at(std::size_t place) {
  return place < own_stations ? stations_of_write[place] : stations_of_link[(place - own_stations) % link_stations];
}

} // namespace tandem::monitor
