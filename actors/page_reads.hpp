// The queries of one page: read in parts, as the page asks for them.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "actors/page_setup.hpp"

namespace tandem::actors {

/// Each query that is under way has a connection of its own, so that its result is of one moment and the next query
/// sees what was committed meanwhile. Its deadline bounds how long it holds a snapshot.
class page_reads {
public:
  page_reads(const page_setup& setup, page_channel& channel, page_watchdog& watchdog)
      : setup_{setup}, channel_{channel}, watchdog_{watchdog} {}

  /// `within`: the connection whose open transaction the query belongs to; null: none.
  void add(messages::page::query query, storage::page_connection* within, std::int64_t now_us);
  void add_credit(std::uint64_t id, std::uint32_t pages);
  /// False if there is no such query.
  bool cancel(std::uint64_t id);
  [[nodiscard]] bool has(std::uint64_t id) const;
  /// Reads and sends what the page has asked for.
  void go_on(std::int64_t now_us);
  /// Ends the queries of a transaction that is over.
  void end_transaction();
  [[nodiscard]] std::optional<std::int64_t> next_deadline_us() const;

private:
  struct reading {
    messages::page::query query; ///< owns the parameters that the statement points to
    std::int64_t deadline_us = 0;
    std::uint32_t pages_left = 0;
    storage::page_connection* within = nullptr;
    std::unique_ptr<storage::page_connection> connection;
    std::optional<storage::page_statement> statement;
    std::uint32_t number = 0;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
  };

  bool start(reading& one);
  /// Sends one part. True if it was the last one.
  bool read_part(reading& one, std::int64_t now_us);
  void put_back(reading& one);

  const page_setup& setup_;
  page_channel& channel_;
  page_watchdog& watchdog_;
  std::list<reading> readings_;
  std::vector<std::unique_ptr<storage::page_connection>> idle_;
  std::size_t connections_ = 0;
};

} // namespace tandem::actors
