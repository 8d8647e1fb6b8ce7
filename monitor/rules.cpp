// The rules: each with its limits, its cause in the user's words, and the step to take.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "messages/limits.hpp"
#include "monitor/alerts.hpp"

namespace tandem::monitor {
namespace {

constexpr double us_each_ms = 1'000;
constexpr double us_each_second = 1e6;
constexpr double mb = 1e6;
/// Fewer than these in a minute say nothing of what is usual.
constexpr std::uint64_t enough = 3;
/// A peer that is called in vain for so long: longer than a hub takes to be started anew, and than two tries at one
/// that does not answer at all (limits.hpp: handshake_ms_max).
constexpr double reach_seconds = 60;
/// As many file descriptors as a node with all its connections and databases needs, several times over.
constexpr std::uint64_t open_files_wanted = 4'096;

readings one(double value, std::string subject = {}) {
  return {{value, std::move(subject)}};
}

/// One that holds by itself, apart from those of other peers.
reading of_peer(double value, const std::string& label) {
  return {value, label, label};
}

/// The median (or another quantile) of the last minute in ms, of each label.
readings each_time(const ledger& at, metric what, std::int64_t now_us, std::uint64_t summary::*quantile) {
  readings result;
  for (const auto& label : at.labels_of(what)) {
    const auto found = at.minute(what, label, now_us);
    if (found.count >= enough)
      result.push_back(of_peer(static_cast<double>(found.*quantile) / us_each_ms, label));
  }
  return result;
}

auto median_of(metric what) {
  return [what](const ledger& at, std::int64_t now_us) {
    return each_time(at, what, now_us, &summary::p50);
  };
}

/// The same, unless so many rows come at once that they are what takes the time.
auto median_of_small(metric what, metric rows, metric times) {
  return [=](const ledger& at, std::int64_t now_us) {
    constexpr double rows_of_bulk = 500;
    const auto all = static_cast<double>(at.counted_in_minute(rows, now_us));
    const auto count = static_cast<double>(times == metric::end ? at.minute(what, "", now_us).count
                                                                : at.counted_in_minute(times, now_us));
    return count > 0 && all / count > rows_of_bulk ? readings{} : each_time(at, what, now_us, &summary::p50);
  };
}

auto late_of(metric what) {
  return [what](const ledger& at, std::int64_t now_us) {
    return each_time(at, what, now_us, &summary::p99);
  };
}

auto minute_of(metric what) {
  return [what](const ledger& at, std::int64_t now_us) {
    return one(static_cast<double>(at.counted_in_minute(what, now_us)));
  };
}

/// The same of each actor.
auto minute_of_actors(metric what) {
  return [what](const ledger& at, std::int64_t now_us) {
    readings result;
    for (const auto& [key, each] : at.counts())
      if (key.first == what)
        result.push_back(of_peer(static_cast<double>(each.minute(now_us)), key.second));
    return result;
  };
}

readings conflicts_of_minute(const ledger& at, std::int64_t now_us) {
  double all = 0;
  for (const auto what : {metric::conflicts_cell, metric::conflicts_insert, metric::conflicts_deletion,
                          metric::conflicts_row, metric::conflicts_refused})
    all += static_cast<double>(at.counted_in_minute(what, now_us));
  return one(all);
}

readings lags(const ledger& at, std::int64_t) {
  readings result;
  for (const auto& [name, link] : at.links())
    if (link.is_up)
      result.push_back(of_peer(at.gauge(metric::head_position, "") - at.gauge(metric::acked_position, name), name));
  return result;
}

/// Whoever said goodbye was switched off, and is missed by nobody.
bool is_missed(const link_figures& link) {
  return !link.is_up && !link.is_planned;
}

/// Seconds that peers have been away.
readings absences(const ledger& at, std::int64_t now_us) {
  readings result;
  for (const auto& [name, link] : at.links())
    if (is_missed(link))
      result.push_back(of_peer(static_cast<double>(now_us - link.since_us) / us_each_second, name));
  return result;
}

/// Seconds that peers have been called in vain, but for those that other rules tell of.
readings vain_calls(const ledger& at, std::int64_t now_us) {
  readings result;
  for (const auto& [number, each] : at.dialing()) {
    const auto link = at.links().find(each.peer);
    if (each.now != dialing_figures::state::calling || (link != at.links().end() && is_missed(link->second)))
      continue;
    result.push_back(of_peer(static_cast<double>(now_us - each.since_us) / us_each_second, each.url));
    result.back().detail = each.text.empty() ? "no answer yet" : each.text;
  }
  return result;
}

readings refusals(const ledger& at, std::int64_t now_us) {
  readings result;
  for (const auto& [number, each] : at.dialing())
    if (each.now == dialing_figures::state::refused) {
      result.push_back(of_peer(1, each.url));
      result.back().detail = each.url + " refuses the link";
      result.back().cause = each.text;
    }
  if (!result.empty())
    return result;
  const auto count = at.counted_in_minute(metric::links_refused, now_us);
  auto all = one(static_cast<double>(count));
  all.front().detail = std::to_string(count) + (count == 1 ? " link was" : " links were") + " refused within a minute";
  return all;
}

/// One clock that is off differs from every other one alike.
readings offsets(const ledger& at, std::int64_t) {
  readings result;
  std::size_t ahead = 0;
  std::size_t behind = 0;
  constexpr double off_seconds = 3;
  for (const auto& [name, link] : at.links()) {
    if (!link.is_up)
      continue;
    const auto seconds = at.gauge(metric::clock_offset, name);
    ahead += seconds >= off_seconds ? 1 : 0;
    behind += seconds <= -off_seconds ? 1 : 0;
    result.push_back(of_peer(std::abs(seconds), name));
    result.back().detail = seconds > 0 ? "ahead of" : "behind";
  }
  if (result.size() < 2)
    return result;
  const bool is_ours = ahead == result.size() || behind == result.size();
  for (auto& each : result)
    each.cause = is_ours ? "the clock of this device is wrong: it differs from that of every peer"
                         : "the clock of {subject} is wrong: others agree with this one";
  return result;
}

/// Conflicts between rows that keep each other out are told with the rows.
readings waiting(const ledger& at, bool is_quarantine) {
  reading result;
  for (const auto& each : at.database().waiting) {
    const bool is_of_rows = each.kind == "quarantine" || each.kind == "constraint";
    if (is_quarantine ? each.kind != "quarantine" : is_of_rows)
      continue;
    result.value += static_cast<double>(each.count);
    if (("," + result.subject + ",").find("," + each.table + ",") == std::string::npos)
      result.subject += (result.subject.empty() ? "" : ",") + each.table;
  }
  return {result};
}

readings mailboxes(const ledger& at, std::int64_t) {
  readings result;
  for (const auto& [name, each] : at.actors())
    result.push_back(of_peer(static_cast<double>(each.items), name));
  return result;
}

/// What keeps checkpoints from getting through may be ours: the bundle that waits for a peer is being read.
readings write_ahead_log(const ledger& at, std::int64_t) {
  auto result = one(static_cast<double>(at.process().wal_bytes) / mb);
  for (const auto& name : at.labels_of(metric::credit_bytes)) {
    const auto link = at.links().find(name);
    const auto credit = std::min(at.gauge(metric::credit_bytes, name), at.gauge(metric::credit_items, name));
    if (link == at.links().end() || !link->second.is_up || credit > 0)
      continue;
    result.front().subject = name;
    result.front().cause = "{subject} takes no more for now, and the bundle that waits for it keeps a read transaction "
                           "open, so that no checkpoint gets through";
    result.front().step =
        "look at the page /monitor of {subject}: its own alerts say what keeps it from merging. After " +
        std::to_string(limits::extraction_stall_ms_max / 1'000) +
        " s without room the bundle is read anew, and checkpoints go on; if the log is no smaller "
        "then, find the app's connection that leaves a SELECT unfinished";
  }
  return result;
}

/// What the log is kept for.
readings kept_entries(const ledger& at, std::int64_t) {
  auto result = one(static_cast<double>(at.database().log_entries));
  auto least = at.gauge(metric::head_position, "");
  for (const auto& [name, link] : at.links())
    if (const auto acked = at.gauge(metric::acked_position, name); !link.is_up && acked > 0 && acked < least) {
      least = acked;
      result.front().subject = name;
      result.front().cause = "{subject} has not come back to take them";
    }
  return result;
}

double percent(std::uint64_t used, std::uint64_t all) {
  return all == 0 ? 0 : 100 * static_cast<double>(used) / static_cast<double>(all);
}

readings open_files(const ledger& at, std::int64_t) {
  const auto& of = at.process();
  const auto wanted = std::to_string(std::max(open_files_wanted, 2 * of.open_files_limit));
  auto result = one(percent(of.open_files, of.open_files_limit));
  result.front().detail = std::to_string(of.open_files) + " of " + std::to_string(of.open_files_limit);
  result.front().step =
      "raise its limit: `ulimit -n " + wanted + "` before it starts, or LimitNOFILE=" + wanted + " in its systemd unit";
  return result;
}

readings disk(const ledger& at, std::int64_t) {
  const auto& of = at.process();
  auto result = one(percent(of.disk_bytes - std::min(of.disk_free_bytes, of.disk_bytes), of.disk_bytes));
  result.front().detail = std::to_string(of.disk_free_bytes / 1'000'000);
  return result;
}

/// Each actor's, and the network's: the latter has reasons of its own.
readings swallowed(const ledger& at, std::int64_t now_us) {
  auto result = minute_of_actors(metric::errors_swallowed)(at, now_us);
  for (auto& each : result)
    if (each.subject == network_errors) {
      each.cause = at.network_trouble();
      each.step = "if no descriptors are left: `ulimit -n 4096` before it starts, or LimitNOFILE=4096 in its systemd "
                  "unit; else the log tells more";
    }
  return result;
}

const std::vector<rule> rules{
    {"disk_slow", "warning", 25, 15, 0, median_of_small(metric::lock_hold_stamp, metric::rows_stamped, metric::end),
     "stamping an edit here takes {value} ms (median of a minute)",
     "this node's disk is slow to make a commit durable (fsync)",
     "put this database on a faster disk, or find out what else keeps the disk busy (`iostat -x 1`)"},
    {"link_slow", "warning", 25, 15, 0, median_of(metric::station_received),
     "a bundle takes {value} ms on its way to {subject}", "the network between this node and {subject} is slow",
     "look at the network to {subject} (`ping`, `mtr`); a hub nearer to its devices helps most. Tables that can wait "
     "make room for the others: `tandem track DB --priority TABLE=background`"},
    {"merge_slow", "warning", 25, 15, 0,
     median_of_small(metric::lock_hold_merge, metric::rows_merged, metric::bundles_merged),
     "merging a bundle here takes {value} ms (median of a minute)",
     "this node is slow to merge: a slow disk, an index too many, or a trigger of the app that does a lot",
     "if disk_slow is told too, look at the disk first; else at the tables that sync (`sqlite3 DB .schema`): drop an "
     "index that no query uses, and let triggers do less"},
    {"peer_merge_slow", "warning", 25, 15, 0,
     median_of_small(metric::station_merged, metric::rows_sent, metric::bundles_sent),
     "{subject} takes {value} ms to merge a bundle",
     "{subject} is slow to merge: its disk, its indexes or its triggers",
     "look at the page /monitor of {subject}: its own alerts say which it is"},
    {"page_slow", "warning", 150, 100, 0, median_of(metric::station_shown),
     "a page takes {value} ms until it has shown a change", "a page's query or its drawing is slow",
     "give the page's live query an index (where `EXPLAIN QUERY PLAN` says SCAN) or a LIMIT 100, and draw less at "
     "once"},
    // Above what changes of background tables wait anyway (limits.hpp: background_window_ms).
    {"bundling_slow", "warning", 400, 300, 0, median_of(metric::station_bundled),
     "changes wait {value} ms before they leave for {subject}",
     "{subject} takes no more, or the writer never pauses: changes queue up on disk",
     "if peer_merge_slow or link_slow is told of {subject}, see there; else write many rows in one transaction, and "
     "let bulk tables wait: `tandem track DB --priority TABLE=background`"},
    {"lock_contention", "warning", 100, 50, 0, late_of(metric::lock_wait_stamp),
     "one in a hundred stampings waits {value} ms for SQLite's write lock",
     "another program or connection holds a write transaction open for long",
     "keep the app's transactions short: BEGIN IMMEDIATE late, COMMIT soon; PRAGMA busy_timeout = 5000 on its "
     "connections, so that they wait too instead of failing"},
    {"merge_waits_for_lock", "warning", 250, 100, 0, late_of(metric::lock_wait_merge),
     "one in a hundred merges waits {value} ms for SQLite's write lock",
     "the app holds a write transaction open while changes of others come in",
     "keep the app's transactions short, never hold one open while waiting for a person, and commit a bulk of writes "
     "every 1000 rows"},
    {"peer_behind", "warning", 20'000, 5'000, 5'000, lags, "{subject} lacks {value|change|changes}",
     "changes are written faster than {subject} takes them",
     "nothing is lost; if it stays so, look at what is slow: the link, or {subject}'s merges. What can wait should: "
     "`tandem track DB --priority TABLE=background`"},
    {"sync_paused", "info", 1, 1, 0,
     [](const ledger& at, std::int64_t) { return one(at.gauge(metric::sync_paused, "")); },
     "sync is paused at this node", "somebody has paused it, from a page or from the app around the node",
     "resume it: from a page that is connected (`provider.resume()`), or from the app (`runtime::resume`)"},
    {"link_down", "warning", 5, 1, 0, absences, "no link with {subject} for {value} s",
     "{subject} does not run, or can't be reached",
     "start {subject}, or mend the network; edits wait on disk until then"},
    {"link_flaps", "warning", 3, 1, 0, minute_of(metric::links_lost), "{value|link|links} broke within a minute",
     "the network, or a proxy between, drops connections",
     "raise the idle timeout of proxies between to 60 s (nginx: `proxy_read_timeout 60s`; heartbeats come each 10 s), "
     "and look at the network"},
    {"conflicts_wait", "info", 1, 1, 0, [](const ledger& at, std::int64_t) { return waiting(at, false); },
     "{value|conflict waits|conflicts wait} for a person, in {subject}",
     "two devices wrote the same cells, whose policy is to ask",
     "settle them: in the inbox of this page, or with `tandem conflicts DB`; or let later ones settle themselves: "
     "`tandem track DB --policy TABLE.COLUMN=lww`"},
    {"rows_set_aside", "warning", 1, 1, 0, [](const ledger& at, std::int64_t) { return waiting(at, true); },
     "{value|row is|rows are} set aside, of {subject}", "a UNIQUE, CHECK, NOT NULL or FOREIGN KEY does not admit them",
     "`tandem conflicts DB` tells which and why; change one of the rows that keep each other out"},
    {"many_conflicts", "warning", 50, 10, 0, conflicts_of_minute, "{value|conflict|conflicts} within a minute",
     "several devices write the same cells at the same time",
     "give the column a policy that fits, as in `tandem track DB --policy TABLE.COLUMN=counter` (or max, min, text), "
     "or split what they write"},
    {"changes_refused", "warning", 1, 1, 0, minute_of(metric::rows_refused),
     "{value|change was|changes were} refused in a minute", "a rule of this node does not take what a device writes",
     "`tandem audit DB` tells which and why; mend the app on that device, or the rule (`tandem rules DB`)"},
    {"links_refused", "critical", 1, 1, 0, refusals, "{detail}", "two nodes do not fit: token, version or tables",
     "give both the same token (`--token-file FILE`) and the same version of tandem (`tandem --version`); `tandem "
     "status DB` says what else has to be done"},
    {"clock_off", "warning", 5, 3, 0, offsets, "this clock is {value} s {detail} that of {subject}",
     "one of the two clocks is wrong, this device's or {subject}'s",
     "set the clock that is wrong, and keep it right: `timedatectl set-ntp true`, or chrony"},
    {"wal_large", "warning", 64, 32, 0, write_ahead_log, "the write-ahead log is {value} MB",
     "a connection keeps a read transaction open, so that no checkpoint gets through",
     "find the app's connection that leaves a SELECT unfinished; then PRAGMA wal_checkpoint(TRUNCATE)"},
    {"log_large", "info", 500'000, 250'000, 0, kept_entries, "the log keeps {value|entry|entries}",
     "a peer that was seen once has not come back to take them",
     "`tandem status DB` names it, and until when it is waited for; `tandem serve DB --retain-days 7` lets go of it "
     "after a week"},
    {"writes_not_stamped", "warning", 50'000, 10'000, 10'000,
     [](const ledger& at, std::int64_t) { return one(static_cast<double>(at.database().pending)); },
     "{value|write is|writes are} not stamped yet",
     "the app writes faster than this node takes it up, or holds the write lock",
     "end the transaction that is open; write a bulk as transactions of 1000 rows with a pause between, and track no "
     "table that need not sync (`tandem untrack DB TABLE`)"},
    {"actor_restarted", "critical", 1, 1, 0, minute_of_actors(metric::actors_restarted),
     "the {subject} of this node failed {value|time|times} within a minute and was started anew",
     "a defect, or a disk that fails", "the log says what it was; report it"},
    {"errors_swallowed", "warning", 10, 3, 0, swallowed,
     "{value|error|errors} of the {subject} within a minute; what failed is tried again",
     "the database is locked, its disk is full or fails",
     "look at the disk (`df -h`, `dmesg`), and at who holds the write lock: the app's transactions have to be short"},
    {"peers_not_reached", "warning", reach_seconds, 1, 0, vain_calls, "{subject} has been called for {value} s in vain",
     "{detail}",
     "check that `tandem serve DB --listen HOST:PORT` runs there, that this URL is the one that it prints, and that "
     "no firewall is between"},
    {"mailbox_deep", "warning", 1'000, 500, 3'000, mailboxes, "{value|message waits|messages wait} for the {subject}",
     "this machine has too little processor time for what comes in, or the disk keeps the {subject} waiting",
     "if disk_slow or lock_contention is told too, see there; else give the node a faster machine, or fewer links"},
    {"files_run_out",
     "critical",
     80,
     70,
     0,
     open_files,
     "{detail} file descriptors are used ({value} %)",
     "more pages and links than the process may have open",
     {}},
    {"disk_fills", "critical", 95, 93, 0, disk, "the database's disk is {value} % full: {detail} MB are left",
     "the disk is too small for what grows on it",
     "make room; until then edits may be refused by SQLite, and none is lost. Of Tandem's own, `--retain-days 7` and "
     "`tandem audit DB --keep-days 30` keep less"},
    {"memory_large", "warning", 512, 400, 0,
     [](const ledger& at, std::int64_t) { return one(static_cast<double>(at.process().resident_bytes) / mb); },
     "this process uses {value} MB", "the app around the node, or a page that asks for very much at once",
     "limit what pages query (LIMIT 1000); a node alone needs a tenth of it"},
};

} // namespace

std::span<const rule> all_rules() {
  return rules;
}

} // namespace tandem::monitor
