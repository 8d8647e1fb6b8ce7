// A replica: one SQLite file that takes part in sync. Start here to read the storage core.
//
// The core knows no actor, no thread and no socket. One `replica` is one connection; several may be
// open on one file, in one process or in many. None may be used by two threads at a time. Every
// function throws messages::failure with a text that says what, where and what to do, and then has
// changed nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/bundle.hpp"
#include "messages/comparison.hpp"
#include "messages/lineage.hpp"
#include "messages/priority.hpp"
#include "messages/schema.hpp"
#include "messages/site.hpp"
#include "messages/value.hpp"
#include "storage/conflict.hpp"

namespace tandem::storage {

using messages::site_id;
using messages::stamp;

/// Tells the time: unix milliseconds. Handed in, so that tests and the simulator own it.
using clock_ms = std::function<std::int64_t()>;

/// The machine's clock.
std::int64_t system_clock_ms();

enum class open_mode {
  read_only, ///< nothing is written; the file must be a replica
  existing,  ///< the file must exist; it becomes a replica if it is none yet
  create,    ///< a file that does not exist becomes an empty replica that adopts its peers' tables
};

/// Mistakes that the simulator makes on purpose, to show that it would find them (tests/simulation).
enum simulated_fault : std::uint32_t {
  fault_merge_unstamped = 1, ///< a merge does not stamp pending writes first
  fault_skip_audit = 2,      ///< what loses against another write leaves no entry
};

/// Two writes of one cell, of which the host says what shall stand.
struct callback_question {
  std::string table, column;
  std::string key_json;           ///< as in `conflict`
  std::string asked_by;           ///< the replica, short
  messages::value earlier, later; ///< by their stamps: the same two, in the same order, wherever it is asked
};

struct callback_answer {
  std::optional<messages::value> given = {};
  std::string trouble = {}; ///< why there is no answer; then the later write stands
};

struct replica_options {
  open_mode mode = open_mode::existing;
  clock_ms now_ms = system_clock_ms;
  std::int64_t busy_wait_ms = 5'000; ///< how long to wait for somebody else's lock
  bool durable = true;               ///< fsync each commit of ours (synchronous=FULL); tests may do without
  /// What the system's clock, by which triggers note wall times, has to be corrected by; empty: it is right.
  std::function<std::int64_t()> hint_correction_ms = {};
  bool hint_times = true; ///< believe the wall times that triggers noted; false: stamp all with now_ms (simulations)
  std::string vfs = {};   ///< name of a SQLite VFS; empty: the default one
  /// Where site ids and epochs come from, and microseconds of a clock that never runs back, by which costs are
  /// measured. Handed in by the simulator; empty: the operating system's.
  std::function<std::uint64_t()> random_bits = {};
  std::function<std::int64_t()> steady_us = {};
  /// Settles conflicts of columns whose policy is `callback`, within the write transaction of a merge: it must be
  /// quick, not use the database, and answer the same everywhere. What it throws, and answers of a type that neither
  /// value has, are told in the audit trail, and the later write stands. Empty: so it does always.
  std::function<callback_answer(const callback_question&)> decide = {};
  std::uint32_t faults = 0; ///< bits of simulated_fault: for the simulator only
};

struct identity {
  site_id site;
  std::uint64_t epoch = 0; ///< of this replica's log
};

/// One commit of ours and what it cost the app's writers.
struct commit_cost {
  std::int64_t wait_us = 0; ///< until the write lock was ours
  std::int64_t hold_us = 0; ///< from then to the end of the commit
};

struct stamp_report {
  std::uint64_t rows = 0;          ///< row changes that were stamped
  std::uint64_t hints = 0;         ///< pending rows that were read
  std::uint64_t head = 0;          ///< the log's last pos now
  std::vector<std::string> tables; ///< whose rows changed
  std::int64_t oldest_hint_ms = 0; ///< wall time of the first hint; 0: there was none
  messages::priority urgency = messages::priority::normal;
  commit_cost cost;
};

/// One step of a compaction.
struct compact_report {
  std::uint64_t entries = 0;    ///< log entries that were removed
  std::uint64_t tombstones = 0; ///< remains of deleted rows that were
  bool is_done = true;          ///< nothing more can be removed now
  commit_cost cost;
};

struct track_report {
  std::vector<std::pair<std::string, std::uint64_t>> tables; ///< newly tracked, with the rows they had
  std::vector<std::string> notes;                            ///< what the user should know
};

/// How the conflicts of a table or column are settled.
struct policy {
  std::string table;
  std::string column; ///< empty: all columns of the table
  std::string name;   ///< "lww", "ask", "keep_first", "max", "min", "counter", "row", "delete_wins", "update_wins"
  std::string options = {}; ///< of a table: "delete_wins" or "update_wins" beside its policy
  std::string trouble = {}; ///< why it does not hold (the larger stamp stands then); empty: it does
};

/// A name that a table or column had in other versions of the app.
struct alias {
  std::string table;  ///< as it is called here
  std::string column; ///< as it is called here; empty: the table itself
  std::string former; ///< as others call it
};

/// How soon changes of a table leave. Not synced: each replica has its own.
struct table_priority {
  std::string table;
  messages::priority level = messages::priority::normal;
};

/// Which row changes of others this replica takes. Not synced: each replica has its own.
struct rule {
  std::string name;
  std::string table;
  std::string site;       ///< hex digits that the author's site id begins with; empty: everybody
  std::string expression; ///< SQL over new.COLUMN, old.COLUMN and site; false refuses the change
  std::string message;    ///< what the author's user reads
  std::string fault;      ///< why the rule is left out, as `rules` tells; empty: it is in force
};

struct table_status {
  std::string name;
  std::uint64_t rows = 0;
};

/// What is remembered of a peer between links.
struct peer_status {
  site_id site;
  std::uint64_t epoch = 0;   ///< of the peer's log
  std::uint64_t applied = 0; ///< how far we have applied the peer's log
  std::uint64_t acked = 0;   ///< how far the peer has applied ours, as it last said
  std::int64_t seen_ms = 0;  ///< when it last said anything
  std::string name;          ///< what it calls itself, or its URL
  std::string trouble;       ///< why its link does not go on; empty: it does
};

/// How far a peer's log is applied here, as `resume` tells it.
struct peer_memory {
  std::uint64_t epoch = 0;
  std::uint64_t applied = 0;
  std::uint64_t run = 0; ///< the latest run of its log that was heard of
};

struct replica_status {
  identity self;
  std::uint64_t head = 0;
  std::uint64_t log_entries = 0;
  std::optional<site_id> log_holder;    ///< the peer that most of the log is kept for; none: for nobody
  std::int64_t log_holder_until_ms = 0; ///< when it will have been silent for too long, unless it comes back
  std::uint64_t pending = 0;
  std::uint64_t conflicts_open = 0;
  std::uint64_t conflicts_total = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t refused = 0; ///< row changes that some replica's rules refused, still in the audit trail
  std::uint64_t file_bytes = 0;
  bool adopting = false;
  std::string compared_text;    ///< what the last comparison with a peer found; empty: there was none
  std::int64_t compared_ms = 0; ///< when it was
  std::string renewed_why;      ///< why the file has taken a new site id last; empty: it never has
  std::int64_t renewed_ms = 0;  ///< and when
  std::vector<table_status> tables;
  std::vector<table_status> kept_tables; ///< that peers track and this file does not: kept until it does
  std::vector<policy> policies;
  std::vector<table_priority> priorities;
  std::vector<peer_status> peers;
};

/// What `status` says in numbers, for whoever looks often: without the rows of each table, which take long to count.
struct replica_figures {
  struct waiting {
    std::string table;
    std::string kind; ///< of open conflicts; "quarantine": rows that are set aside
    std::uint64_t count = 0;
  };
  std::uint64_t head = 0;
  std::uint64_t log_entries = 0;
  std::uint64_t pending = 0;
  std::uint64_t file_bytes = 0;
  std::vector<waiting> waiting; ///< for a person, or for what they don't fit with
};

/// What came of comparing a table with a peer's.
struct range_comparison {
  messages::comparison how = messages::comparison::equal;
  std::string text;          ///< why not, if never
  messages::range_rows rows; ///< of ours, in ranges that differ, as many as fit into a message
};

struct merge_report {
  std::uint64_t rows = 0;                                        ///< row changes in the bundle
  std::uint64_t applied = 0;                                     ///< of them, those that changed something here
  std::uint64_t conflicts = 0;                                   ///< newly recorded
  std::array<std::uint64_t, conflict_kinds> conflicts_by_kind{}; ///< the same; rows set aside are `quarantined`
  std::uint64_t quarantined = 0;                                 ///< rows set aside by this merge
  std::uint64_t readmitted = 0;                                  ///< rows that came back by it
  std::uint64_t refused = 0;                                     ///< row changes that a rule of this replica refused
  std::uint64_t head = 0;                                        ///< the log's last pos now
  std::uint64_t cursor = 0;                                      ///< how far the sender's log is applied now
  bool is_repeat = false;                                        ///< all of it had been applied before
  messages::priority urgency = messages::priority::normal;
  commit_cost cost;
};

/// What is wrong with a replica, in sentences; empty: every invariant that can be checked holds.
using findings = std::vector<std::string>;

/// Where one row stands on its way to each peer, in sentences and as facts.
struct row_report {
  std::string table;
  std::string key_json;
  std::string state; ///< "unknown", "pending", "live", "deleted", "quarantined"
  struct cell {
    std::string column;
    stamp written;
    std::uint64_t pos = 0;
    std::string via; ///< "here" or the short id of the peer that sent it
  };
  std::vector<cell> cells;
  struct peer {
    site_id site;
    std::string name;
    std::string state; ///< "acknowledged", "waiting", "came from there"
  };
  std::vector<peer> peers;
  std::vector<std::string> sentences; ///< the same for people
};

/// A bundle being read for one peer. Holds a read snapshot until it is destroyed; the replica that
/// made it does nothing else meanwhile.
class extraction {
public:
  ~extraction();
  extraction(extraction&&) noexcept;
  extraction& operator=(extraction&&) = delete;

  [[nodiscard]] const messages::bundle_header& header() const;
  /// The next row block (messages/row_block.hpp) of about `bytes_max` bytes before compression;
  /// nothing after the last one.
  std::optional<std::string> next_block(std::size_t bytes_max);
  /// Rows handed out so far.
  [[nodiscard]] std::uint64_t rows() const;

private:
  friend class replica;
  struct implementation;
  explicit extraction(std::unique_ptr<implementation> implementation);
  std::unique_ptr<implementation> implementation_;
};

/// Hands a bundle's blocks to a merge, one after the other; nothing after the last one.
using block_source = std::function<std::optional<std::string_view>()>;

class replica {
public:
  static replica open(const std::string& path, replica_options options = {});
  ~replica();
  replica(replica&&) noexcept;
  replica& operator=(replica&&) noexcept;

  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] identity self();

  // --- what is tracked ---------------------------------------------------------------------

  /// Starts to track the tables; rows that they have become changes of their own. Tables that are
  /// tracked already are repaired. What was kept of a table for peers that have it is put in place. All or none.
  track_report track(std::span<const std::string> tables, std::span<const policy> policies = {});
  /// Forgets the tables; when the last one goes, so does everything named tandem_*.
  void untrack(std::span<const std::string> tables);
  /// Lets a table or column also go by the name that it has in other versions of the app. Needed only after a
  /// migration that made the table anew (ALTER TABLE RENAME is followed by itself); call it then before anything
  /// else, so that the column keeps its history. Throws failure (usage, not_found).
  void add_alias(const alias& given);
  /// Runs an app's migration, SQL statements without BEGIN and COMMIT, in one transaction: all or nothing. Needed for
  /// DROP COLUMN, which SQLite refuses as long as our triggers name the column; whatever else stands in it may as well
  /// be run by any SQLite. The values of a dropped column stay for replicas that have it. Throws failure (usage) with
  /// what SQLite says.
  void migrate(const std::string& sql);
  /// Names of the tables that could be tracked and are not.
  std::vector<std::string> untracked_tables();
  /// The tracked tables, for the handshake. Takes up a migration first that nobody has seen yet.
  messages::schema schema();
  /// Grows whenever the tracked set or a tracked table's columns change; cheap to ask.
  std::uint64_t schema_version();
  /// Creates and tracks what the peer tracks and this replica lacks, if it is one that adopts.
  /// Throws failure (schema) that names each difference that keeps the two from syncing.
  void level_schema(const messages::schema& theirs);

  // --- from the app's writes to the log ----------------------------------------------------

  /// True if another connection has committed since this was last asked. Costs microseconds.
  bool changed_elsewhere();
  /// Also true if a schema change of the app waits to be taken up: stamp_pending does both.
  bool has_pending();
  /// Turns all pending hints into stamped log entries, in one transaction.
  stamp_report stamp_pending();
  std::uint64_t head();
  /// The latest time, to some seconds, that this replica's clock has shown when it stamped; unix milliseconds.
  std::int64_t latest_clock_ms();
  /// Up to where the log was compacted: whoever has applied less of it gets a snapshot.
  std::uint64_t log_start();
  /// A clock that ran ahead has stamped writes that nobody has seen yet: gives them the stamps that they would have by
  /// a right clock, in the same order and later than anything received. `acked`: how far a peer has applied our log;
  /// `ahead_ms`: what our clock is ahead by now. Returns how many rows it was.
  std::uint64_t correct_stamps(std::uint64_t acked, std::int64_t true_now_ms, std::int64_t ahead_ms);
  /// Removes log entries that every known peer has acknowledged, at most `entries_max` of them, and with them the
  /// tombstones that nobody needs any more. A peer that was silent for longer than the retention does not count: it
  /// gets a snapshot when it returns.
  compact_report compact(std::uint64_t entries_max);
  /// How long a silent peer keeps the log; stays in the file.
  void set_retention(std::int64_t ms);
  /// Throws failure (not_found) if the table is not tracked. Stays in the file.
  void set_priority(std::string_view table, messages::priority level);
  /// Those that are not normal.
  std::vector<table_priority> priorities();

  // --- links ------------------------------------------------------------------------------

  std::vector<peer_status> peers();
  /// What is remembered of a peer; null where nothing is.
  std::optional<peer_status> peer(const site_id& site);
  /// The runs of our log, for the handshake.
  messages::lineage lineage();
  /// A peer says who it is and of which runs its log is made. One that is a copy or was restored, and so comes under
  /// a new name, goes on where its log and the one that is remembered part. If its log is *shorter* than what is
  /// remembered of it, the answer tells it so.
  peer_memory meet(const site_id& peer, std::uint64_t epoch, std::uint64_t head, const messages::lineage& runs);
  /// Whether our log is the one that a peer speaks of, who has applied it up to `pos` and knows `run` as its latest
  /// run. If not, this file was restored or copied.
  bool has_written(std::uint64_t run, std::uint64_t pos);
  /// Remembers a peer's name and why its link stands still (empty: it does not).
  void note_peer(const site_id& site, std::string_view name, std::string_view trouble);
  /// The peer says that it has applied our log up to `pos` of `epoch`.
  void note_acked(const site_id& site, std::uint64_t epoch, std::uint64_t pos);
  /// Takes a new site id and epoch, after the handshake showed that this file is a copy or was
  /// restored: what it holds is offered to every peer anew.
  void take_new_identity(std::string_view why);

  /// Begins a bundle for the peer from `start` on (a pos of our log). Empty if writes are pending
  /// that are not stamped yet: call stamp_pending (on any connection) and try again.
  std::optional<extraction> extract(const site_id& peer, std::uint64_t start);

  /// Tells merges what the peer's table and column ids mean. Throws failure (schema) that names
  /// what does not fit.
  void bind_peer(const site_id& peer, const messages::schema& schema);
  /// Merges one whole bundle of the peer in one transaction, after stamping what is pending. A bundle
  /// that was applied before changes nothing. Throws failure (protocol) when it builds on a later
  /// cursor than ours, failure (clock) when it comes from too far in the future.
  merge_report merge(const site_id& peer, const messages::bundle_header& header, const block_source& next);

  // --- repair -----------------------------------------------------------------------------

  /// What this replica has of a table, by ranges of keys. Reads every row once, in bounded memory.
  messages::table_ranges ranges(std::string_view table);
  /// Compares with what a peer says that it has, if both have all that the other has: `head` of its log, `applied` of
  /// ours.
  range_comparison compare(const site_id& peer, std::uint64_t head, std::uint64_t applied,
                           const messages::table_ranges& theirs);
  /// Our rows of the same ranges.
  messages::range_rows rows_of(const messages::range_rows& theirs);
  /// Brings the rows of these ranges to what the later writes of both sides say, whatever the cursors say. `yields`:
  /// where one write has two values, the peer's stands and ours goes to the audit trail. Rows that were written
  /// without their triggers, and that the peer does not have, become writes of now.
  merge_report mend(const site_id& peer, const messages::range_rows& theirs, bool yields);
  /// Remembers for `status` what a comparison found.
  void note_comparison(const site_id& peer, std::string_view text);

  // --- people -----------------------------------------------------------------------------

  std::vector<conflict> conflicts(bool open_only = false);
  conflict find_conflict(std::string_view id_or_prefix);
  /// Carries out a choice as a new write that dominates both sides. Throws failure (not_found, usage, storage) that
  /// says why it can't.
  conflict resolve(const resolution& choice);
  /// Stays in the file. What is removed here is removed everywhere.
  void set_audit_limits(const audit_limits& given);
  audit_limits current_audit_limits();
  /// Removes what the limits don't keep, at most `entries_max` conflicts.
  prune_report prune_audit(std::uint64_t entries_max);
  std::vector<quarantined_row> quarantine();
  std::vector<rule> rules();
  /// Adds a rule, or replaces the one of that name; it holds for what is merged from then on. Throws failure (usage)
  /// if it does not compile.
  void put_rule(const rule& given);
  void remove_rule(std::string_view name);
  replica_status status();
  replica_figures figures();
  /// A hash of all tracked rows, equal on converged replicas: 32 hex digits.
  std::string digest();
  /// The same for each tracked table.
  std::vector<std::pair<std::string, std::string>> table_digests();
  findings verify();
  /// The row's primary key as JSON: a value, or an array where it has several columns.
  row_report why(std::string_view table, std::string_view key_json);

private:
  friend findings compare(replica& left, replica& right, std::size_t findings_max);
  struct implementation;
  explicit replica(std::unique_ptr<implementation> implementation);
  std::unique_ptr<implementation> implementation_;
};

/// What differs between the tracked rows of two replicas, in sentences; empty: nothing.
findings compare(replica& left, replica& right, std::size_t findings_max);

} // namespace tandem::storage
