// Limits of pages, each with its unit in its name and the reason for its size. Apart from limits.hpp, so that only
// what serves pages depends on them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "messages/limits.hpp"

namespace tandem::limits {

/// Pages that are connected at once. Each has a thread and some connections to the database of its own.
constexpr std::size_t pages_max = 64;
/// From a connection to `open`: a page says it at once.
constexpr std::int64_t page_open_ms_max = 10'000;
/// What the transport may read ahead for a page: the largest frame, and small ones behind it.
constexpr std::size_t page_window_bytes = frame_bytes_max + 256 * kib;
/// Before `open` nobody knows who it is.
constexpr std::size_t page_greeting_bytes_max = 8 * kib;
/// Results wait while so much lies unsent: enough to keep any link busy, little enough for every page at once.
constexpr std::size_t page_unsent_bytes_max = 1 * mib;

/// Statements, as SQLite's own default limits them.
constexpr std::size_t page_sql_bytes_max = 1'000'000;
constexpr std::size_t page_parameters_max = 32'766;
/// Statements of one `execute`: a transaction of a page is short.
constexpr std::size_t page_statements_max = 20'000;
constexpr std::size_t page_once_bytes_max = 64;
constexpr std::size_t page_session_digits = 32;
/// Providers of one page in a WebView: an app has one, a test of the ways some more.
constexpr std::size_t page_sessions_max = 32;
/// Letters of such a page that wait to be taken up, and questions of it that wait for something to come: one letter is
/// on its way while the answer to the one before is.
constexpr std::size_t page_letters_max = 4;
constexpr std::size_t page_held_answers_max = 2;
/// The argument of a question: a value that settles a conflict is the largest.
constexpr std::size_t page_argument_bytes_max = value_bytes_max;
/// The answer to a question, which has to fit into a frame with room around it.
constexpr std::size_t page_answer_bytes_max = frame_bytes_max - 64 * kib;

/// Queries, and writes, of one page that are not answered yet.
constexpr std::size_t page_queries_max = 64;
constexpr std::size_t page_writes_max = 256;
constexpr std::size_t page_watches_max = 256;
/// Queries of one page that run at once; each has a connection, so that each has a snapshot of its own.
constexpr std::size_t page_readers_max = 8;

/// Rows of one message, and messages that may come unasked.
constexpr std::uint32_t page_rows_default = 500;
constexpr std::uint32_t page_rows_max = 10'000;
constexpr std::uint32_t page_pages_default = 4;
/// Values of one message of rows are cut off here, however few rows it has.
constexpr std::size_t page_message_bytes_target = 256 * kib;
/// The whole result of one query.
constexpr std::uint64_t page_result_rows_max = 10'000'000;
constexpr std::uint64_t page_result_bytes_max = 1'024ULL * mib;
/// The result of a live query is looked through after each change, and noted row by row.
constexpr std::size_t page_watch_rows_max = 200'000;
constexpr std::size_t page_watch_bytes_max = 64 * mib;
/// New and changed values of one `live`; what is beyond comes with the next one.
constexpr std::size_t page_live_bytes_target = 1 * mib;

/// Time of one statement, unless the page says otherwise, and at most.
constexpr std::int64_t page_deadline_ms_default = 5'000;
constexpr std::int64_t page_deadline_ms_max = 60'000;
/// An open transaction keeps all other writers waiting.
constexpr std::int64_t page_transaction_ms_default = 5'000;
constexpr std::int64_t page_transaction_ms_max = 30'000;
/// One try to get the writer's lock, and the pause before the next: reads of the page go on in between.
constexpr std::int64_t page_lock_wait_ms = 5;
constexpr std::int64_t page_lock_pause_ms = 2;
/// Writes that wait are made durable together, as many as are done within this time: one fsync for all of them. More
/// would keep others waiting for the lock.
constexpr std::int64_t page_writes_together_ms = 20;
/// Writes wait so long at most for a message that is on its way, which may be one more.
constexpr std::int64_t page_writes_gather_ms = 2;
/// After several, the lock rests as long as it was held, and so long at most. SQLite's lock knows no queue: who takes
/// it anew at once keeps it from all others, and an app's connection looks for it only every 100 ms.
constexpr std::int64_t page_lock_rest_ms_max = 50;
/// Steps of SQLite's virtual machine between two looks at the clock: well below a millisecond.
constexpr int page_progress_steps = 2'000;

/// Writes that were done once are remembered so long, and so many of them: an outbox that comes later than a week has
/// been offline for longer than its page lives.
constexpr std::int64_t page_once_ms_max = 7LL * day_ms;
constexpr std::uint64_t page_once_entries_max = 100'000;
/// Between two looks for those that are too old.
constexpr std::uint64_t page_once_prune_interval = 1'000;

/// Columns of one `live` query that name its rows.
constexpr std::size_t page_key_columns_max = 64;
// --- over HTTP and WebViews ---

/// Frames that a page sends at once: the largest one, and small ones with it.
constexpr std::size_t page_letter_bytes_max = frame_bytes_max + 256 * kib;
/// Kept for a page until it has acknowledged them; then its queries wait.
constexpr std::size_t page_kept_bytes = 4 * mib;
/// Fetched at once.
constexpr std::size_t page_pull_bytes_target = 1 * mib;
constexpr std::int64_t page_pull_ms_max = 60'000;
/// A page that fetches nothing for so long is gone: more than a reload or a change of networks takes.
constexpr std::int64_t page_absent_ms_max = 30'000;
/// An HTTP connection without a request.
constexpr std::int64_t page_http_idle_ms = 60'000;
/// For what a client still sends while it is refused.
constexpr std::int64_t page_linger_ms = 2'000;
/// A file that is served: it is read as a whole.
constexpr std::size_t page_file_bytes_max = 32 * mib;

/// Over transports that have no pings of their own.
constexpr std::uint32_t page_heartbeat_ms = 10'000;

static_assert(page_message_bytes_target + row_bytes_max < frame_bytes_max, "the largest row may come last into a page");
static_assert(page_unsent_bytes_max + frame_bytes_max < socket_unsent_bytes_max);

} // namespace tandem::limits
