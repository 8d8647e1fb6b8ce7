// Every limit of Tandem in one place, each with its unit in its name and the reason for its size.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem::limits {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

// --- frames and blocks -------------------------------------------------------------------

/// One frame on any wire or in any mailbox. Holds the largest row; a page or phone can still take it at once.
constexpr std::size_t frame_bytes_max = 4 * mib;
/// Arrays within arrays. Our own messages need 5.
constexpr std::size_t depth_max = 16;
/// Row changes are cut into blocks of about this size before compression: large enough for zstd
/// to find repetitions, small enough that a few in flight per link cost no memory worth telling.
constexpr std::size_t block_bytes_target = 256 * kib;
/// What a frame may hold beyond its block.
constexpr std::size_t frame_overhead_bytes_max = 4 * kib;
/// What one block may unpack to: a target-sized block with the largest row on top of it.
constexpr std::size_t block_bytes_max = frame_bytes_max - 64 * kib;
/// One text or blob. Larger ones belong into files beside the database; SQLite itself slows down on them.
constexpr std::size_t text_bytes_max = 3 * mib;
constexpr std::size_t blob_bytes_max = 3 * mib;
/// One cell of any type.
constexpr std::size_t value_bytes_max = 3 * mib;
/// All values of a row together: it has to fit into one block with room for the row's key and bookkeeping.
constexpr std::size_t row_bytes_max = 3 * mib + 512 * kib;
/// All columns of one primary key. A key is copied into metadata, log and audit trail.
constexpr std::size_t key_bytes_max = 64 * kib;
/// Column lists of one row change: more than this and the row was written one cell at a time.
constexpr std::size_t groups_max = 2'048;

/// Different sites that wrote the rows of one block: a peer's site table may not outgrow its rows.
constexpr std::size_t sites_max = 65'536;

// --- rules -------------------------------------------------------------------------------

/// Steps of SQLite's virtual machine that a rule may take for one row: some ten milliseconds, within the writer's lock.
constexpr int rule_steps_max = 1'000'000;

// --- the host's callback -----------------------------------------------------------------

/// How long the host may think about one conflict: the writer's lock is held meanwhile.
constexpr std::int64_t callback_ms_max = 50;
/// A host that was late is not asked for so long, so that a slow one does not stop everybody's writes.
constexpr std::int64_t callback_rest_ms = 10'000;
/// Answers about answers: where hosts answer alike, one for each replica that wrote at once.
constexpr std::uint64_t callback_rounds_max = 16;

// --- merging texts -----------------------------------------------------------------------

/// One text that is merged by line and word, within the lock of the app's writers: some ten milliseconds. Larger ones
/// are not merged.
constexpr std::size_t merged_text_bytes_max = 1 * mib;
/// Comparisons of two lines or words in one merge, for the same reason; and changes that are told apart between two
/// texts: what is kept on the way grows with the square, to 4 MB here. Beyond them, more counts as changed than was.
constexpr std::size_t text_compare_steps_max = 2'000'000;
constexpr std::size_t text_edits_max = 1'000;
/// Values from before that are kept for one cell, and their bytes: some minutes of typing away from all peers. Later
/// ones have no base then before the next exchange with a peer; the first ones, from which a peer goes on, stay.
constexpr std::size_t bases_each_cell_max = 64;
constexpr std::size_t bases_each_cell_bytes_max = 4 * mib;

// --- schema ------------------------------------------------------------------------------

/// Tables of one handshake. SQLite apps have tens.
constexpr std::size_t tables_max = 1'000;
/// SQLite's own default limit is 2000.
constexpr std::size_t columns_max = 2'000;
constexpr std::size_t name_bytes_max = 1'024;
/// Names that one column or table has had. Apps rename things once or twice.
constexpr std::size_t former_names_max = 64;
/// CREATE TABLE with its indexes, for one table.
constexpr std::size_t ddl_items_max = 256;
constexpr std::size_t ddl_bytes_max = 256 * kib;

// --- texts for people --------------------------------------------------------------------

/// A node's name, a program's version.
constexpr std::size_t label_bytes_max = 256;
/// A reason given to a peer.
constexpr std::size_t reason_bytes_max = 4 * kib;

/// As much of an SQL statement as an error message quotes.
constexpr std::size_t error_sql_bytes_max = 200;

// --- links -------------------------------------------------------------------------------

/// Bytes that a connection queues before it refuses more: one largest frame and as much again, so
/// that a control message still fits behind a bundle part.
constexpr std::size_t socket_unsent_bytes_max = 2 * frame_bytes_max;
/// What the consumer of a link lets be under way, and one frame more: a producer may send as long as
/// any of it is left. At 1 ms round trip this allows 1 GB/s; it bounds the memory that a busy link costs.
constexpr std::size_t link_window_bytes = 1 * mib;
constexpr std::size_t link_window_items = 64;
/// What the transport may read ahead: the window, the frame that may overdraw it, and control messages.
constexpr std::size_t transport_window_bytes = link_window_bytes + frame_bytes_max + 64 * kib;
/// A consumer tells that it has room again when a quarter of the window is free: seldom enough to cost
/// nothing, early enough that the producer never runs dry.
constexpr std::size_t link_regrant_fraction = 4;
/// Bundles sent and not acknowledged yet, for each link: keeps the far side's disk busy while the
/// acknowledgement travels.
constexpr std::size_t bundles_unacked_max = 8;
/// A multi-part bundle that is being parked on disk. A larger database is moved as a file.
constexpr std::uint64_t parked_bytes_max = 16ULL * 1024 * mib;
/// Control messages of a peer that wait for our queue: more is a flood.
constexpr std::size_t control_items_max = 4'096;
/// The queue tells its endpoint after so many of them that they are done with.
constexpr std::size_t control_items_told = 64;
/// Parts up to this size in total are merged from memory instead of a parking file.
constexpr std::size_t parked_in_memory_bytes_max = 1 * mib;
/// Open connections of one node, those in their handshake included: each costs a descriptor and two buffers.
constexpr std::size_t connections_max = 256;
/// From accepted or dialed to the end of the other side's hello.
/// Generous, because a node that is merging a large bundle or stamping a large transaction answers only after it.
constexpr std::int64_t handshake_ms_max = 30'000;
/// Connections that have not shown yet who they are; more wait in the operating system's queue, so that strangers
/// can't crowd out peers for longer than handshake_ms_max.
constexpr std::size_t handshakes_max = 32;
/// How long a closing connection waits for what is queued and for the other side's goodbye.
constexpr std::int64_t goodbye_ms_max = 2'000;
/// Bytes of an HTTP upgrade request's headers.
constexpr std::size_t http_header_bytes_max = 8 * kib;
/// One URL of a peer.
constexpr std::size_t url_bytes_max = 2 * kib;
/// A shared token.
constexpr std::size_t token_bytes_max = 4 * kib;

/// A ping goes out when nothing has come for this long.
constexpr std::int64_t heartbeat_ms = 10'000;
/// A peer that has said nothing for this long is gone: two pings were not answered.
constexpr std::int64_t heartbeat_lost_ms = 30'000;
/// Waiting times between two tries to reach a peer: doubled from the first to the second, with jitter.
constexpr std::int64_t retry_ms_min = 100;
constexpr std::int64_t retry_ms_max = 15'000;
/// A link that a peer refused (schema, clock, version) is tried again this seldom: somebody has to act first.
constexpr std::int64_t refused_retry_ms = 5'000;

// --- clocks ------------------------------------------------------------------------------

/// A device whose clock differs from its hub's by more than this is told so.
constexpr std::int64_t clock_offset_ms_max = 60'000;
/// A received stamp may lie this far in the future, as seen by the receiver.
constexpr std::int64_t hlc_future_ms_max = clock_offset_ms_max;

/// A device that is linked to a hub does not follow when its clock is set by more than this at once: time servers move
/// it by less.
constexpr std::int64_t clock_jump_ms_max = 10'000;

/// The clock's reading is written down when it has moved on by so much: seldom, and far below the limits above.
constexpr std::int64_t clock_note_ms = 10'000;

/// Stamps that lie further apart than this are noted with what came before them: should the later ones turn out to be
/// a wrong clock's, the earlier ones, which peers may have, are the floor below which none of them may be put.
constexpr std::int64_t leap_ms_min = 10'000;
/// So many leaps are remembered; the oldest go first, which only puts the floor higher.
constexpr std::size_t leaps_max = 4'096;

// --- repair ------------------------------------------------------------------------------

/// Rows of one range, about: few enough that mending one row moves little.
constexpr std::uint64_t rows_each_range = 64;
/// Ranges of one table: 64 kB of digests, and as much memory.
constexpr std::uint64_t ranges_max = 4'096;
constexpr std::size_t range_digest_bytes = 16;
/// Rows of ranges that differ travel in messages of about this size, one at a time.
constexpr std::size_t repair_bytes_target = 256 * kib;
/// Between two comparisons with a peer. Each reads every row once, at some 2 us.
constexpr std::int64_t compare_interval_ms = 3'600'000;
/// Both sides have to have what the other has; until then the question is put again this often...
constexpr std::int64_t compare_retry_ms = 250;
/// ... and this many times: half a minute of changes without a pause.
constexpr std::size_t compare_tries_max = 120;
/// A table that is mended so often in a row, a message's worth each time, and is not equal: something is wrong with it.
constexpr std::size_t compare_rounds_max = 200;

// --- pacing ------------------------------------------------------------------------------

/// After a wake-up the observer stamps again at the earliest after this: a busy writer's commits share one
/// fsync. The first wake-up on a quiet database is served at once.
constexpr std::int64_t stamp_window_ms = 2;
/// The watch on the file rests so long after it has woken the observer, twice as long each time that there was
/// something again meanwhile. A commit is several writes to the file, and each would wake a thread: without a rest, a
/// busy writer's cost a fifth of its node's processor time.
constexpr std::int64_t watch_rest_us = 100;
constexpr std::int64_t watch_rest_us_max = 1'000;
/// The observer looks again so long after a wake-up, and after each look that followed: a file changes before the
/// commit that changes it counts, by up to an fsync of the writer. Each wait is two fifths of the time since the
/// wake-up, so that a commit is seen late by no more than that share of what the fsync took.
constexpr std::int64_t echo_waits_us[] = {300,   150,   200,   250,   350,   500,    700,    1'000, 1'400,
                                          2'000, 2'700, 3'800, 5'300, 7'500, 10'500, 14'500, 20'000};
/// Stamping takes the app's write lock; it may hold it for one part in so many of the time.
constexpr std::int64_t stamp_rest_factor = 3;
constexpr std::int64_t stamp_window_ms_max = 50;
/// While a bundle is under way to a peer, further changes wait for its acknowledgement, and at most as long as the peer
/// takes to merge one, so that none queue up there; or as this share of what acknowledgements take on this link, if
/// that is longer: so many bundles are under way at once, however far the peer is. Never less than is needed to bundle
/// what one app writes at once, nor more than anybody notices. `flush_window_ms`: before the first acknowledgement.
constexpr std::int64_t bundles_under_way = 6;
constexpr std::int64_t flush_window_ms = 10;
constexpr std::int64_t flush_window_ms_min = 1;
constexpr std::int64_t flush_window_ms_max = 50;
/// Changes of background tables alone leave in no more than so many bundles a second: each costs the peer an fsync, and
/// whatever comes behind them waits for it.
constexpr std::int64_t background_window_ms = 250;
/// The monitor hears of a link's window anew once it has moved by this share.
constexpr std::int64_t window_told_divisor = 5;
/// What a person may set instead.
constexpr std::int64_t batch_window_ms_max = 10'000;
/// A peer is told this late that what it sent us itself has moved our log: it needs that only for compaction.
constexpr std::int64_t advance_window_ms = 500;
/// Or after so many log entries, for they are looked through again with each bundle until then.
constexpr std::uint64_t advance_entries_max = 2'048;
/// Acknowledgements are noted on disk this late: they serve compaction and status, and a commit for each
/// would cost the app's writers.
constexpr std::int64_t ack_note_window_ms = 100;
/// A bundle that gets no credit for so long is given up, so that its read snapshot does not keep the WAL growing.
constexpr std::int64_t extraction_stall_ms_max = 30'000;
/// Tries to find a moment without unstamped writes before the queue stamps by itself.
constexpr std::size_t stamp_tries_max = 3;
/// This many log entries go out at once, however young.
constexpr std::uint64_t flush_rows_max = 4'096;
/// A wake-up that was missed costs at most this.
constexpr std::int64_t safety_poll_ms = 1'000;
/// How often PRAGMA data_version is asked where files can't be watched.
constexpr std::int64_t watch_poll_ms = 50;
/// Between two looks at what of the log nobody needs any more.
constexpr std::int64_t compact_interval_ms = 30'000;
/// Log entries removed in one transaction, at first and at the least and most: it is adapted to the time that it takes.
constexpr std::uint64_t compact_entries_min = 500;
constexpr std::uint64_t compact_entries_max = 20'000;
/// What one step of a compaction is after: short enough that no writer notices, with room for a slow fsync below 20 ms.
constexpr std::int64_t compact_hold_us = 8'000;
/// Between two steps of one compaction, for the app's writers.
constexpr std::int64_t compact_pause_ms = 50;
/// Between a storage error (disk full, lock held) and the next try.
constexpr std::int64_t storage_retry_ms = 250;

// --- supervision -------------------------------------------------------------------------

/// More deaths of actors than these within restart_window_ms stop the node with an error. Those of a link's own actors
/// do not count: they end that link.
constexpr std::size_t restarts_max = 5;
constexpr std::int64_t restart_window_ms = 60'000;
/// From the order to stop to the moment when we stop waiting for an actor.
constexpr std::int64_t stop_ms_max = 10'000;
/// Stations of a change on its way over several links: two where it is written, four for each of sixteen links. A tree
/// of replicas is less deep.
constexpr std::size_t trail_items_max = 66;
/// A trace id, as OpenTelemetry and W3C Trace Context have it.
constexpr std::size_t trace_id_bytes = 16;
/// So many changes a second get one at most: enough to look into, and the others' bundles stay small.
constexpr std::int64_t trace_interval_ms = 100;
/// What a change took at one station, at most: one that was written while no node ran has waited, not travelled.
constexpr std::int64_t station_ms_max = 60'000;
/// Samples in one message to the monitor.
constexpr std::size_t samples_max = 64;
/// Messages of an actor whose times are told to the monitor at once: seldom enough to cost nothing.
constexpr std::size_t handled_items_max = 256;
/// Pairs of a table and a kind of conflict that are counted apart.
constexpr std::size_t waiting_kinds_max = 512;
/// Peers that are measured apart; what goes on with others is counted together.
constexpr std::size_t measured_peers_max = 64;
/// What was measured of each: the latest trails, for the picture of where a change's time goes.
constexpr std::size_t trails_kept_max = 64;
/// And of those with a trace id, so that one can be looked up a moment later.
constexpr std::size_t traces_kept_max = 32;
/// Between two looks at what the database says of itself, and what a look may cost of the time in between; at most so
/// much, for a look that took long because the machine stood still tells nothing of what the next one costs.
constexpr std::int64_t figures_interval_ms = 5'000;
constexpr std::int64_t figures_interval_ms_max = 30'000;
constexpr std::int64_t figures_cost_factor = 200;
/// Lines of the log that a node shows.
constexpr std::size_t log_lines_kept_max = 200;
constexpr std::size_t log_line_bytes_max = 1'000;
/// From a question of the host to the moment when we stop waiting for its answer: a large merge may be before it.
constexpr std::int64_t answer_ms_max = 60'000;
/// Between two measurements that each actor gives of itself.
constexpr std::int64_t measure_interval_ms = 1'000;
/// Threads of the actor scheduler; the two writers have their own.
constexpr std::size_t scheduler_threads = 2;
/// Messages that an actor serves before others get their turn.
constexpr std::size_t scheduler_throughput = 32;

// --- storage -----------------------------------------------------------------------------

/// Page cache of one connection of ours. A node has three of them; the hottest pages of a merge are the
/// right edges of a few trees, which this holds many times over.
constexpr std::int64_t sqlite_cache_kib = 4 * 1024;
/// Records of rows that one table's transaction keeps at hand before it writes them, by count and by size: enough
/// for a batch and its neighbours, too little to be felt in memory.
constexpr std::size_t records_at_hand_max = 8'192;
constexpr std::size_t records_at_hand_bytes_max = 2 * 1024 * 1024;
/// Rows that are read, or log entries that are written, by one statement. Beyond some hundreds there is nothing
/// left to gain.
constexpr std::size_t rows_at_once = 2'048;
/// Columns that a batch of rows can have in SQL. Tables whose primary key has more are read row by row.
constexpr std::size_t feed_columns_max = 16;
/// Keys of rows to look at again at the end of a merge. Beyond it the whole table is looked at instead,
/// so that a merge of any size runs in bounded memory.
constexpr std::size_t recheck_keys_max = 50'000;

/// The log keeps no more entries than this for peers that stay away; they get a snapshot when they return.
/// At some 40 bytes each, 40 MB of disk at most.
constexpr std::uint64_t log_entries_max = 1'000'000;
/// A peer that was silent for so long does not hold the log any more; it gets a snapshot when it returns. Longer than a
/// holiday; what it costs until then is disk, and log_entries_max bounds that.
constexpr std::int64_t retention_ms_default = 30LL * 24 * 3'600 * 1'000;
/// Shorter than any reconnect after a failure, and every one of them would cost a snapshot.
constexpr std::int64_t retention_ms_min = 1'000;
/// How often rows in quarantine are tried again within one transaction before those that chase each other
/// in a circle stay there. Honest chains of parents and children are as deep as a schema has tables.
constexpr std::size_t admission_rounds_max = 100;

/// Runs of a log that are remembered and told to peers, one for each start of a node that wrote: 10 kB in a hello.
/// A restored file whose peer knows none of them any more is taken for a stranger, which costs work and no data.
constexpr std::size_t runs_max = 512;

constexpr std::int64_t day_ms = 24LL * 3'600 * 1'000;
/// A thousand years: for ever, and far from what overflows.
constexpr std::int64_t audit_keep_days_max = 365'000;
/// Conflicts removed from the audit trail in one transaction: some milliseconds, as of a step of compaction.
constexpr std::uint64_t audit_prune_max = 200;

/// Findings of one `tandem verify`: many rows with one fault are examples enough, not a flood.
constexpr std::size_t findings_max = 100;

// --- relations ---------------------------------------------------------------------------

static_assert(text_bytes_max <= value_bytes_max && blob_bytes_max <= value_bytes_max);
static_assert(value_bytes_max < row_bytes_max);
static_assert(block_bytes_target + row_bytes_max + key_bytes_max <= block_bytes_max,
              "the largest row may come last into a block that is all but full");
static_assert(block_bytes_max + frame_overhead_bytes_max <= frame_bytes_max,
              "a block of any allowed size has to fit into a frame, even if it can't be compressed");
static_assert(link_window_bytes / link_regrant_fraction > 0 && link_window_items / link_regrant_fraction > 0);
static_assert(link_window_bytes + frame_bytes_max < socket_unsent_bytes_max,
              "credit must run out before the socket's queue does");
static_assert(ddl_bytes_max < frame_bytes_max);
static_assert(retry_ms_min < retry_ms_max && retry_ms_min <= refused_retry_ms);
static_assert(2 * heartbeat_ms < heartbeat_lost_ms);
static_assert(stamp_window_ms <= stamp_window_ms_max && flush_window_ms_max < advance_window_ms);
static_assert(flush_window_ms_min <= flush_window_ms && flush_window_ms <= flush_window_ms_max);
static_assert(hlc_future_ms_max >= clock_offset_ms_max, "a clock that is let in must be able to write");

} // namespace tandem::limits
