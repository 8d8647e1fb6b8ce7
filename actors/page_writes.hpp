// The writes of one page, one after the other: whole ones, and interactive transactions.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "actors/page_reads.hpp"
#include "actors/page_setup.hpp"

namespace tandem::actors {

/// A write waits for the writer's lock without keeping the page's reads from going on.
class page_writes {
public:
  page_writes(const page_setup& setup, page_channel& channel, page_watchdog& watchdog, page_reads& reads)
      : setup_{setup}, channel_{channel}, watchdog_{watchdog}, reads_{reads} {}

  using job = std::variant<messages::page::execute, messages::page::begin, messages::page::finish>;
  void add(job given, std::int64_t now_us);
  bool cancel(std::uint64_t id);
  [[nodiscard]] bool has(std::uint64_t id) const;
  [[nodiscard]] bool is_full() const { return waiting_.size() >= limits::page_writes_max; }
  /// The connection of the open transaction of that id. Throws page_failure (transaction_lost) if there is none.
  storage::page_connection& within(std::uint64_t transaction);
  /// Does what can be done now.
  void go_on(std::int64_t now_us);
  /// Rolls back what is open: the page is gone.
  void stop();
  [[nodiscard]] std::optional<std::int64_t> next_us() const;

private:
  struct waiting {
    job what;
    std::uint64_t id = 0;
    std::uint64_t transaction = 0;
    std::int64_t deadline_us = 0;
  };
  enum class outcome { done, later };
  /// A write that failed for what is not its own doing: whoever asked for it may ask again.
  struct undecided {
    std::uint64_t id = 0;
    std::string code;
    std::string text;
  };

  /// Whether the write before it has come to a decision. Throws that one's failure if it never will.
  [[nodiscard]] bool may_follow(const messages::page::execute& order) const;
  void note_undecided(std::uint64_t id, std::string_view code, std::string_view text);

  /// What a whole write came to, before it is durable.
  struct written {
    std::uint64_t id = 0;
    storage::once_result result;
    bool is_repeat = false;
  };
  using place = std::deque<waiting>::iterator;

  /// Does the whole writes that wait here in one transaction; gives how many were done. None: each is to be tried
  /// alone.
  std::size_t run_together(place first, std::int64_t now_us);
  /// The end of the whole writes from here on that could be done at once.
  place last_together(place first, std::int64_t now_us) const;
  outcome run(waiting& one, std::int64_t now_us);
  outcome run_whole(const messages::page::execute& order, std::int64_t patience_us, std::int64_t now_us);
  written write(const messages::page::execute& order);
  /// Nothing, if it failed and is taken back.
  std::optional<written> write_part(const messages::page::execute& order);
  bool commit_together();
  void tell(const written& done);
  [[nodiscard]] bool may_try(std::int64_t now_us) const;
  /// Others get their turn before the writes that still wait.
  void rest_after(std::int64_t began_us, std::int64_t hold_us, std::size_t done);
  void retry_after_others(std::int64_t now_us);
  void run_within(const messages::page::execute& order, std::int64_t patience_us);
  outcome begin(const messages::page::begin& order, std::int64_t now_us);
  void finish(const messages::page::finish& order);
  storage::once_result run_statements(const messages::page::execute& order);
  bool answer_repeat(std::uint64_t id, const std::string& once);
  void note_once(const std::string& once, const storage::once_result& result);
  void prune_sometimes();
  void end_transaction();
  storage::page_connection& connection();

  const page_setup& setup_;
  page_channel& channel_;
  page_watchdog& watchdog_;
  page_reads& reads_;
  std::unique_ptr<storage::page_connection> connection_;
  std::deque<waiting> waiting_;
  std::deque<undecided> undecided_; ///< the latest ones
  std::int64_t retry_us_ = 0;
  std::int64_t rest_us_ = 0; ///< after writes that were done together
  std::int64_t rest_until_us_ = 0;
  std::uint64_t alone_through_ = 0; ///< writes up to here failed together, so each is tried by itself
  std::uint64_t transaction_ = 0;   ///< the id of its `begin`; 0: none is open
  std::int64_t transaction_limit_us_ = 0;
  std::uint64_t expired_ = 0; ///< the transaction that its limit ended last: to begin it anew would not help
  storage::once_result transaction_result_; ///< so far
  std::uint64_t named_writes_ = 0;          ///< since those that are too old were looked for
};

} // namespace tandem::actors
