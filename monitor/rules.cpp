// The rules: each with its limits, its cause in the user's words, and the step to take.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "monitor/alerts.hpp"

namespace tandem::monitor {
namespace {

constexpr double us_each_ms = 1'000;
constexpr double mb = 1e6;
/// Fewer than these in a minute say nothing of what is usual.
constexpr std::uint64_t enough = 3;
constexpr double trouble_seconds = 3'600;

/// The median (or another quantile) of the last minute in ms, of the worst label.
reading worst_time(const ledger& at, metric what, std::int64_t now_us, std::uint64_t summary::*quantile) {
  reading result;
  for (const auto& label : at.labels_of(what)) {
    const auto found = at.minute(what, label, now_us);
    const auto value = found.count < enough ? 0 : static_cast<double>(found.*quantile) / us_each_ms;
    if (value > result.value)
      result = {value, label};
  }
  return result;
}

auto median_of(metric what) {
  return [what](const ledger& at, std::int64_t now_us) {
    return worst_time(at, what, now_us, &summary::p50);
  };
}

/// The same, unless so many rows come at once that they are what takes the time.
auto median_of_small(metric what, metric rows, metric times) {
  return [=](const ledger& at, std::int64_t now_us) {
    constexpr double rows_of_bulk = 500;
    const auto all = static_cast<double>(at.counted_in_minute(rows, now_us));
    const auto count = static_cast<double>(times == metric::end ? at.minute(what, "", now_us).count
                                                                : at.counted_in_minute(times, now_us));
    return count > 0 && all / count > rows_of_bulk ? reading{} : worst_time(at, what, now_us, &summary::p50);
  };
}

auto late_of(metric what) {
  return [what](const ledger& at, std::int64_t now_us) {
    return worst_time(at, what, now_us, &summary::p99);
  };
}

auto minute_of(metric what) {
  return [what](const ledger& at, std::int64_t now_us) {
    return reading{static_cast<double>(at.counted_in_minute(what, now_us))};
  };
}

reading conflicts_of_minute(const ledger& at, std::int64_t now_us) {
  reading result;
  for (const auto what : {metric::conflicts_cell, metric::conflicts_insert, metric::conflicts_deletion,
                          metric::conflicts_row, metric::conflicts_refused})
    result.value += static_cast<double>(at.counted_in_minute(what, now_us));
  return result;
}

reading worst_lag(const ledger& at, std::int64_t) {
  reading result;
  for (const auto& [name, link] : at.links()) {
    const auto lag = at.gauge(metric::head_position, "") - at.gauge(metric::acked_position, name);
    if (link.is_up && lag > result.value)
      result = {lag, name};
  }
  return result;
}

/// Seconds that a peer has been away. One that stays away for longer was switched off, which is nobody's trouble.
reading longest_absence(const ledger& at, std::int64_t now_us) {
  reading result;
  for (const auto& [name, link] : at.links()) {
    const auto seconds = static_cast<double>(now_us - link.since_us) / 1e6;
    if (!link.is_up && seconds > result.value && seconds < trouble_seconds)
      result = {seconds, name};
  }
  return result;
}

reading largest_offset(const ledger& at, std::int64_t) {
  reading result;
  for (const auto& name : at.labels_of(metric::clock_offset)) {
    const auto seconds = std::abs(at.gauge(metric::clock_offset, name));
    if (seconds > result.value)
      result = {seconds, name};
  }
  return result;
}

reading waiting(const ledger& at, bool is_quarantine) {
  reading result;
  for (const auto& each : at.database().waiting)
    if ((each.kind == "quarantine") == is_quarantine) {
      result.value += static_cast<double>(each.count);
      result.subject += (result.subject.empty() ? "" : ", ") + each.table;
    }
  return result;
}

reading deepest_mailbox(const ledger& at, std::int64_t) {
  reading result;
  for (const auto& [name, each] : at.actors())
    if (static_cast<double>(each.items) > result.value)
      result = {static_cast<double>(each.items), name};
  return result;
}

reading used_share(std::uint64_t used, std::uint64_t all) {
  return {all == 0 ? 0 : 100 * static_cast<double>(used) / static_cast<double>(all)};
}

const std::vector<rule> rules{
    {"disk_slow", "warning", 25, 15, 0, median_of_small(metric::lock_hold_stamp, metric::rows_stamped, metric::end),
     "stamping an edit here takes {value} ms (median of a minute)",
     "this node's disk is slow to make a commit durable (fsync)",
     "put this database on a faster disk, or find out what else keeps the disk busy"},
    {"link_slow", "warning", 25, 15, 0, median_of(metric::station_received),
     "a bundle takes {value} ms on its way to {subject}", "the network between this node and {subject} is slow",
     "look at the network to {subject}; a hub nearer to its devices helps most"},
    {"merge_slow", "warning", 25, 15, 0,
     median_of_small(metric::lock_hold_merge, metric::rows_merged, metric::bundles_merged),
     "merging a bundle here takes {value} ms (median of a minute)",
     "this node is slow to merge: a slow disk, an index too many, or a trigger of the app that does a lot",
     "look at the triggers and indexes of the tables that sync; if disk_slow is told too, at the disk first"},
    {"peer_merge_slow", "warning", 25, 15, 0,
     median_of_small(metric::station_merged, metric::rows_sent, metric::bundles_sent),
     "{subject} takes {value} ms to merge a bundle",
     "{subject} is slow to merge: its disk, its indexes or its triggers",
     "look at /monitor or `tandem status` of {subject}"},
    {"page_slow", "warning", 150, 100, 0, median_of(metric::station_shown),
     "a page takes {value} ms until it has shown a change", "a page's query or its drawing is slow",
     "give the page's live query an index or a LIMIT, and draw less at once"},
    {"bundling_slow", "warning", 100, 50, 0, median_of(metric::station_bundled),
     "changes wait {value} ms before they leave for {subject}",
     "{subject} takes no more, or the writer never pauses: changes queue up on disk",
     "look whether {subject} is slow to merge; else write in larger transactions"},
    {"lock_contention", "warning", 100, 50, 0, late_of(metric::lock_wait_stamp),
     "one in a hundred stampings waits {value} ms for SQLite's write lock",
     "another program or connection holds a write transaction open for long",
     "keep the app's transactions short: BEGIN IMMEDIATE late, COMMIT soon"},
    {"merge_waits_for_lock", "warning", 250, 100, 0, late_of(metric::lock_wait_merge),
     "one in a hundred merges waits {value} ms for SQLite's write lock",
     "the app holds a write transaction open while changes of others come in",
     "keep the app's transactions short, and never hold one open while waiting for a person"},
    {"peer_behind", "warning", 20'000, 5'000, 5'000, worst_lag, "{subject} lacks {value} changes",
     "changes are written faster than {subject} takes them",
     "nothing is lost; if it stays so, look at what is slow: the link, or {subject}'s merges"},
    {"sync_paused", "info", 1, 1, 0,
     [](const ledger& at, std::int64_t) { return reading{at.gauge(metric::sync_paused, "")}; },
     "sync is paused at this node", "somebody has paused it, from a page or from the app around the node",
     "resume it: from a page that is connected (`provider.resume()`), or from the app (`runtime::resume`)"},
    {"link_down", "warning", 5, 1, 0, longest_absence, "no link with {subject} for {value} s",
     "{subject} does not run, or can't be reached",
     "start {subject}, or mend the network; edits wait on disk until then"},
    {"link_flaps", "warning", 3, 1, 0, minute_of(metric::links_lost), "{value} links broke within a minute",
     "the network, or a proxy between, drops connections",
     "look at proxies' idle timeouts (heartbeats come each 10 s) and at the network"},
    {"conflicts_wait", "info", 1, 1, 0, [](const ledger& at, std::int64_t) { return waiting(at, false); },
     "{value} conflicts wait for a person, in {subject}", "two devices wrote the same cells, whose policy is to ask",
     "settle them: in the inbox of this page, or with `tandem conflicts`"},
    {"rows_set_aside", "warning", 1, 1, 0, [](const ledger& at, std::int64_t) { return waiting(at, true); },
     "{value} rows are set aside, of {subject}", "a UNIQUE, CHECK, NOT NULL or FOREIGN KEY does not admit them",
     "`tandem conflicts` tells which and why; change one of the rows that keep each other out"},
    {"many_conflicts", "warning", 50, 10, 0, conflicts_of_minute, "{value} conflicts within a minute",
     "several devices write the same cells at the same time",
     "give the column a policy that fits (counter, max, text), or split what they write"},
    {"changes_refused", "warning", 1, 1, 0, minute_of(metric::rows_refused), "{value} changes were refused in a minute",
     "a rule of this node does not take what a device writes",
     "`tandem audit` tells which and why; mend the app on that device, or the rule (`tandem rules`)"},
    {"links_refused", "critical", 1, 1, 0, minute_of(metric::links_refused), "{value} links were refused in a minute",
     "two nodes do not fit: token, version or tables", "`tandem status` names the peer and what has to be done"},
    {"clock_off", "warning", 5, 3, 0, largest_offset, "this clock and that of {subject} differ by {value} s",
     "one of the two clocks is wrong", "let chrony or systemd-timesyncd set both clocks"},
    {"wal_large", "warning", 64, 32, 0,
     [](const ledger& at, std::int64_t) { return reading{static_cast<double>(at.process().wal_bytes) / mb}; },
     "the write-ahead log is {value} MB",
     "a connection keeps a read transaction open, so that no checkpoint gets through",
     "find the app's connection that leaves a SELECT unfinished; then PRAGMA wal_checkpoint(TRUNCATE)"},
    {"log_large", "info", 500'000, 250'000, 0,
     [](const ledger& at, std::int64_t) { return reading{static_cast<double>(at.database().log_entries)}; },
     "the log keeps {value} entries", "a peer that was seen once has not come back to take them",
     "`tandem status` names it; a shorter --retain-days lets go of it"},
    {"writes_not_stamped", "warning", 50'000, 10'000, 10'000,
     [](const ledger& at, std::int64_t) { return reading{static_cast<double>(at.database().pending)}; },
     "{value} writes are not stamped yet", "the app writes faster than this node takes it up, or holds the write lock",
     "write in larger transactions, with a pause between; track fewer tables"},
    {"actor_restarted", "critical", 1, 1, 0, minute_of(metric::actors_restarted),
     "{value} parts of this node failed within a minute and were started anew", "a defect, or a disk that fails",
     "the log says what it was; report it"},
    {"errors_swallowed", "warning", 10, 3, 0, minute_of(metric::errors_swallowed),
     "{value} errors within a minute were tried again", "the database is locked, its disk is full or fails",
     "look at the disk and at who holds the write lock; the log of this page tells more"},
    {"peers_not_reached", "info", 10, 3, 0, minute_of(metric::dials_failed),
     "{value} calls of peers failed in a minute", "a peer does not run, or its URL is wrong",
     "check --peer, and that the peer listens there"},
    {"mailbox_deep", "warning", 1'000, 500, 3'000, deepest_mailbox, "{value} messages wait for the {subject}",
     "this machine has too little processor time for what comes in", "give the node a faster machine, or fewer links"},
    {"files_run_out", "critical", 80, 70, 0,
     [](const ledger& at, std::int64_t) { return used_share(at.process().open_files, at.process().open_files_limit); },
     "{value} % of the file descriptors are used", "more pages and links than the process may have open",
     "raise its limit (ulimit -n, LimitNOFILE)"},
    {"disk_fills", "critical", 95, 93, 0,
     [](const ledger& at, std::int64_t) {
       const auto& disk = at.process();
       return used_share(disk.disk_bytes - std::min(disk.disk_free_bytes, disk.disk_bytes), disk.disk_bytes);
     },
     "the database's disk is {value} % full", "the disk is too small for what grows on it",
     "make room; until then edits may be refused by SQLite, and none is lost"},
    {"memory_large", "warning", 512, 400, 0,
     [](const ledger& at, std::int64_t) { return reading{static_cast<double>(at.process().resident_bytes) / mb}; },
     "this process uses {value} MB", "the app around the node, or a page that asks for very much at once",
     "limit what pages query (LIMIT); a node alone needs a tenth of it"},
};

} // namespace

std::span<const rule> all_rules() {
  return rules;
}

} // namespace tandem::monitor
