// All that a node knows of how it works: what the monitor actor writes down, and everybody else reads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "messages/measurement.hpp"
#include "monitor/metrics.hpp"
#include "monitor/peer_book.hpp"
#include "monitor/process_figures.hpp"
#include "monitor/windows.hpp"

namespace tandem::monitor {

/// What errors outside of actors are counted under, where others are under an actor's name.
inline constexpr const char* network_errors = "network";
inline constexpr const char* storage_errors = "storage";

/// Grows, and remembers by how much in the last minute.
class windowed_count {
public:
  void add(std::uint64_t value, std::int64_t now_us);
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::uint64_t minute(std::int64_t now_us) const;

private:
  std::array<std::pair<std::int64_t, std::uint64_t>, 6> slices_{};
  std::uint64_t total_ = 0;
};

struct actor_figures {
  std::uint64_t items = 0, bytes = 0, items_peak = 0, bytes_peak = 0;
  windowed_histogram waited; ///< microseconds in the mailbox
  windowed_histogram handled;
};

struct link_figures {
  std::string url_or_name;
  bool is_up = false;
  std::int64_t since_us = 0; ///< that it is, or is not
  /// It ended with a goodbye, or has not been here since this node started: nobody misses it.
  bool is_planned = false;
};

/// A peer that this node calls.
struct dialing_figures {
  enum class state { calling, linked, refused, paused };
  std::string url;
  state now = state::calling;
  std::int64_t since_us = 0; ///< that there is, or is no, link; or that sync is paused
  std::string text = {};     ///< why there is none
  std::string peer = {};     ///< its label, once it was linked with
};

/// A change's way, from where it was written to here.
struct trail {
  std::vector<std::uint64_t> stations_us;
  std::string trace = {};  ///< its trace id, 16 bytes, if it has one
  std::int64_t end_ms = 0; ///< when it was merged here, if it has one
  std::string peer = {};   ///< that it came by
};

/// One point of the picture over time.
struct history_point {
  std::int64_t time_ms = 0;
  double stamped_per_second = 0;
  double merged_per_second = 0;
  double sent_bytes_per_second = 0;
  double latency_p50_ms = 0;
  double latency_p99_ms = 0;
};

/// Not thread-safe; clocks are handed in (microseconds of one that never runs back).
class ledger {
public:
  using series = std::pair<metric, std::string>;

  /// `label`: the peer or actor that it is about, as the metric wants; empty: none.
  void add(metric what, const std::string& label, std::uint64_t value, std::int64_t now_us);
  void note_trail(const std::string& peer, trail way, std::int64_t now_us);
  void note_handled(const std::string& actor, const messages::handled& times, std::int64_t now_us);
  void note_mailbox(const std::string& actor, std::uint64_t items, std::uint64_t bytes, std::uint64_t items_peak,
                    std::uint64_t bytes_peak);
  /// Before the mailboxes are counted anew.
  void clear_mailboxes();
  void note_link(const std::string& peer, bool is_up, std::int64_t now_us, bool is_planned = false);
  /// Where calling stands; `since_us` is seen to here.
  void note_dialing(std::uint64_t dialer, dialing_figures news, std::int64_t now_us);
  /// `errors` more than before, of which `latest` is one; `refused` more callers had a wrong token.
  void note_network(std::uint64_t refused, std::uint64_t errors, std::string latest, std::int64_t now_us);
  /// The label stands for nobody now: all that was measured under it goes.
  void forget_peer(const std::string& label);
  void note_database(const messages::database_figures& figures) { database_ = figures; }
  void note_process(process_figures figures) { process_ = std::move(figures); }
  void note_history(std::int64_t wall_ms, std::int64_t now_us);

  [[nodiscard]] summary minute(metric what, const std::string& label, std::int64_t now_us) const;
  [[nodiscard]] std::uint64_t total(metric what, const std::string& label) const;
  [[nodiscard]] std::uint64_t counted_in_minute(metric what, std::int64_t now_us) const;
  [[nodiscard]] double gauge(metric what, const std::string& label) const;
  [[nodiscard]] std::vector<std::string> labels_of(metric what) const;

  [[nodiscard]] const std::map<series, windowed_histogram>& times() const { return times_; }
  [[nodiscard]] const std::map<series, windowed_count>& counts() const { return counts_; }
  [[nodiscard]] const std::map<series, double>& gauges() const { return gauges_; }
  [[nodiscard]] const std::map<std::string, actor_figures>& actors() const { return actors_; }
  [[nodiscard]] const std::map<std::string, link_figures>& links() const { return links_; }
  [[nodiscard]] const std::deque<trail>& trails() const { return trails_; }
  [[nodiscard]] const std::map<std::uint64_t, dialing_figures>& dialing() const { return dialing_; }
  /// What the latest changes took at a station of this node's own: seen, stamped, shown.
  [[nodiscard]] std::vector<std::uint64_t> latest_of(metric what) const;
  /// Those that have a trace id.
  [[nodiscard]] const std::deque<trail>& traces() const { return traces_; }
  [[nodiscard]] const std::deque<history_point>& history() const { return history_; }
  [[nodiscard]] const messages::database_figures& database() const { return database_; }
  [[nodiscard]] const process_figures& process() const { return process_; }
  /// The latest error of the network; empty: there was none.
  [[nodiscard]] const std::string& network_trouble() const { return network_trouble_; }

private:
  std::string fitting(metric what, const std::string& label);
  void note_own_station(metric what, std::uint64_t us);

  std::map<series, windowed_histogram> times_;
  std::map<series, windowed_count> counts_;
  std::map<series, double> gauges_;
  std::map<std::string, actor_figures> actors_;
  std::map<std::string, link_figures> links_;
  std::map<std::uint64_t, dialing_figures> dialing_; ///< by dialer
  std::map<metric, std::deque<std::uint64_t>> own_stations_;
  std::deque<trail> trails_;
  std::deque<trail> traces_;
  std::deque<history_point> history_;
  messages::database_figures database_;
  process_figures process_;
  std::string network_trouble_;
  std::set<std::string> peers_; ///< that have series of their own
  std::int64_t history_us_ = 0;
  std::array<std::uint64_t, 3> history_totals_{};
};

/// What the station at this place of a trail is called.
std::string_view station_at(std::size_t place);

/// Everything as Prometheus wants it. `version`: of the program.
std::vector<metric_family> families_of(const ledger& from, const std::string& version, std::int64_t now_us);

} // namespace tandem::monitor
