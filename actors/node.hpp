// One node: a replica, its actors, its links. What the program and the public runtime are made of.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/host_actor.hpp"
#include "actors/host_callback.hpp"
#include "actors/link_board.hpp"
#include "bridge/transport.hpp"
#include "monitor/alerts.hpp"
#include "monitor/report_json.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

struct node_options {
  std::string path;        ///< the app's database
  bool may_create = false; ///< a file that does not exist becomes a replica that adopts its peers' tables
  std::optional<bridge::listen_options> listen;  ///< where to accept links; its token is `token`
  bridge::page_options pages;                    ///< which pages may come in where it listens
  std::vector<std::string> peers;                ///< URLs (ws://HOST:PORT/) to keep links with
  std::string token;                             ///< shared secret of all nodes; empty: none
  std::string name;                              ///< what peers call this node; empty: its site id
  std::string user;                              ///< who settles conflicts here, for the audit trail; may be empty
  std::optional<std::int64_t> retention_ms;      ///< how long a silent peer holds the log; none: as it was
  std::optional<std::int64_t> audit_keep_ms;     ///< how long the audit trail is kept; none: as it was
  std::optional<std::uint64_t> audit_keep_count; ///< how much of it; none: as it was
  bool durable = true;                           ///< fsync before anything is sent or acknowledged
  storage::clock_ms now_ms = storage::system_clock_ms;
  /// Settles conflicts of columns whose policy is `callback`; runs on a thread of its own, with a deadline.
  host_decision decide;
  /// How long changes are collected before they are sent; none: not at all while a link is quiet, else as suits it.
  std::optional<std::int64_t> batch_window_ms;
  /// Measure what goes on; costs little (docs/performance.md). False: nothing is known of it.
  bool measures = true;
  std::function<std::vector<monitor::log_line>()> log; ///< the log's last lines, for the dashboard; may be empty
  host_events events;                                  ///< called on the node's threads, one call at a time
};

/// All functions may be called from any thread, but none from within an event.
class node {
public:
  explicit node(node_options options);
  /// Stops if need be.
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// Throws messages::failure if the database can't be opened or the address not be listened on; else
  /// everything that can go wrong from then on is retried.
  void start();
  /// Ends all actors in order, closes all links, joins all threads. May be called again.
  void stop();

  /// For pages of this process, in a WebView say: what a transport has to call for each. They may do everything. Valid
  /// while this node runs.
  [[nodiscard]] bridge::page_handler page_entry() const;
  /// Where this node listens (with the port that was taken); empty: nowhere.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] storage::identity self() const;
  /// The app has just committed. Saves the time until the file watch notices.
  void hint();
  [[nodiscard]] std::vector<link_info> links() const;
  /// Why the node has stopped by itself; empty: it has not.
  [[nodiscard]] std::string trouble() const;

  /// Waits until every peer that this node calls has applied all that was committed here when this was called,
  /// and this node all that the peer had when they last greeted each other. False if `ms` passed first, or if
  /// the node gave up.
  bool wait_until_level(std::int64_t ms);
  /// Ends all links, or lets them be made again.
  void pause(bool is_paused);
  [[nodiscard]] bool is_paused() const;
  /// Carries out a person's choice; returns the conflict's id. Throws messages::failure.
  std::string resolve(const storage::resolution& choice);
  /// Compares all tables with the first peer that this node calls, range by range, and mends what differs on both
  /// sides. Throws messages::failure if that could not be done.
  messages::compare_done compare();
  /// What the monitor has measured, in Prometheus' text format; as JSON (docs/monitoring.md); and what it warns of.
  /// Empty where nothing is measured.
  [[nodiscard]] std::string metrics_text() const;
  [[nodiscard]] std::string monitor_json() const;
  [[nodiscard]] std::vector<monitor::alert> alerts() const;

  struct implementation;

private:
  std::unique_ptr<implementation> implementation_;
};

} // namespace tandem::actors
