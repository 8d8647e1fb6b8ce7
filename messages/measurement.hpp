// What actors measure of themselves and tell the monitor. They stay within one node.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/internal.hpp"

namespace tandem::messages {

/// What a sample is a measurement of. Times are microseconds; monitor/metrics.cpp says how each is called outside.
enum class metric : std::uint8_t {
  // The stations of a change: how long each took. docs/monitoring.md explains them.
  station_seen,         ///< from the app's write to the moment when stamping begins
  station_stamped,      ///< until it stands in the log
  station_bundled,      ///< until it has been read for a peer: pacing, waiting for acknowledgements and credit
  station_sent,         ///< until the bundle's last part has left for the socket
  station_received,     ///< until it lies before the peer's arbiter: half of the round trip, less what the peer took
  station_merged,       ///< until it is merged and durable there; or here, for what came from that peer
  station_acknowledged, ///< until the acknowledgement was back
  station_shown,        ///< from the news of a change until a page has shown it
  change_latency,       ///< from the app's write, wherever that was, until it is readable here

  lock_wait_stamp,
  lock_hold_stamp,
  lock_wait_merge,
  lock_hold_merge,
  lock_wait_compact,
  lock_hold_compact,

  // Counts.
  rows_stamped,
  rows_sent,
  rows_merged,
  rows_applied,
  bundles_sent,
  bundles_merged,
  bytes_sent,
  bytes_received,
  conflicts_cell,
  conflicts_insert,
  conflicts_deletion,
  conflicts_row,
  conflicts_constraint,
  conflicts_refused,
  rows_quarantined,
  rows_readmitted,
  rows_refused,
  log_entries_compacted,
  dials_failed,
  links_lost,
  links_refused,
  actors_restarted,
  errors_swallowed,

  // What is so now.
  head_position,
  sent_position,
  acked_position,
  applied_position,
  bundles_unacked,
  credit_bytes,
  credit_items,
  batch_window, ///< how long changes are collected for a link that is busy
  sync_paused,  ///< 1: it is
  clock_offset, ///< ms by which this clock is ahead of the peer's, plus clock_offset_zero
  end
};

/// Values of samples have no sign.
constexpr std::int64_t clock_offset_zero = std::int64_t{1} << 48;

struct sample {
  metric what = metric::end;
  std::uint64_t link = 0; ///< that it is about; 0: none. For actors_restarted: the role
  std::uint64_t value = 0;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.what);
    visit(message.link);
    visit(message.value);
  }
};

#define TANDEM_MESSAGE(name)                                                                                           \
  static constexpr auto tag = internal::name;                                                                          \
  static constexpr unsigned version = 1

/// Any actor to the monitor. `trail`: what was merged has come this way, with this merge at its end. `trace`: its trace
/// id, if it has one (see `bundle_part`).
struct measurements {
  TANDEM_MESSAGE(measurements);
  std::vector<sample> samples;
  std::vector<std::uint64_t> trail = {};
  std::string trace = {};
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.samples, limits::samples_max);
    visit(message.trail, limits::trail_items_max);
    visit(message.trace, limits::trace_id_bytes);
  }
};

/// Any actor's shell to the monitor: how long its latest messages waited, and were handled, in microseconds.
struct handled {
  TANDEM_MESSAGE(handled);
  std::vector<std::uint32_t> waited_us;
  std::vector<std::uint32_t> handled_us;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.waited_us, limits::handled_items_max);
    visit(message.handled_us, limits::handled_items_max);
  }
};

/// Rows of a table that wait for somebody.
struct waiting_rows {
  std::string table;
  std::string kind; ///< of conflict; "quarantine": the rows are set aside
  std::uint64_t count = 0;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.table, limits::name_bytes_max);
    visit(message.kind, limits::label_bytes_max);
    visit(message.count);
  }
};

/// A peer that the file remembers.
struct known_peer {
  site_id site;
  std::string name;
  std::int64_t seen_ms = 0; ///< when it last said anything
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.site);
    visit(message.name, limits::url_bytes_max);
    visit(message.seen_ms);
  }
};

/// Observer to the monitor, now and then: what the database says.
struct database_figures {
  TANDEM_MESSAGE(database_figures);
  std::uint64_t head = 0;
  std::uint64_t log_entries = 0;
  std::uint64_t pending = 0;
  std::uint64_t file_bytes = 0;
  std::vector<waiting_rows> waiting;
  std::int64_t cost_us = 0;           ///< what it took to find out
  std::vector<known_peer> peers = {}; ///< those that were heard of last
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.head);
    visit(message.log_entries);
    visit(message.pending);
    visit(message.file_bytes);
    visit(message.waiting, limits::waiting_kinds_max);
    visit(message.cost_us);
    visit(message.peers, limits::measured_peers_max);
  }
};

/// Monitor to the host: something is not as it should be, or is again.
struct alert_news {
  TANDEM_MESSAGE(alert_news);
  bool is_over = false; ///< it holds no more; the rest is as it was last
  std::string rule, severity, subject;
  double value = 0;
  std::string evidence, cause, step;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.is_over);
    visit(message.rule, limits::label_bytes_max);
    visit(message.severity, limits::label_bytes_max);
    visit(message.subject, limits::reason_bytes_max);
    visit(message.value);
    visit(message.evidence, limits::reason_bytes_max);
    visit(message.cause, limits::reason_bytes_max);
    visit(message.step, limits::reason_bytes_max);
  }
};

#undef TANDEM_MESSAGE

} // namespace tandem::messages
