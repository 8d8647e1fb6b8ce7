// A connection for statements that come from a page: guarded, bounded in time, with errors that a page can act on.
//
// Functions throw messages::page::page_failure ("sql", "constraint", "deadline", "cancelled") for what is the
// statement's doing, and messages::failure for all else. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "messages/value.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace tandem::storage {

/// Whether a running statement has to end, and why.
enum class page_stop { none, deadline, cancelled };

/// What a write that was named by the page had as its result.
struct once_result {
  std::uint64_t changes = 0;
  std::int64_t last_rowid = 0;
};

class page_connection;

/// One statement of a page. It must not outlive its connection.
class page_statement {
public:
  /// Throws failure (denied) with the reason if a page may not do this.
  page_statement(page_connection& owner, std::string_view sql);
  ~page_statement();
  page_statement(page_statement&& other) noexcept;
  page_statement& operator=(page_statement&& other) noexcept;

  /// Texts and blobs are not copied: `parameters` must outlive the run.
  void bind(std::span<const messages::value> parameters);
  /// True while there is a row.
  bool step();
  void reset();

  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string_view column_name(int column) const;
  [[nodiscard]] messages::value_view value(int column) const;
  /// Writes nothing.
  [[nodiscard]] bool is_reading() const;
  [[nodiscard]] const std::set<std::string>& tables_read() const { return read_; }

private:
  page_connection* owner_ = nullptr;
  sqlite3_stmt* handle_ = nullptr;
  std::set<std::string> read_;
};

class page_connection {
public:
  enum class use { reading, writing };
  /// The file must exist. `is_durable`: a commit is on disk when it returns.
  page_connection(const std::string& path, use what, bool is_durable);
  ~page_connection();
  page_connection(const page_connection&) = delete;
  page_connection& operator=(const page_connection&) = delete;

  /// Asked now and then while a statement runs, on its thread.
  void set_stop(std::function<page_stop()> should_stop);

  /// Begins a write transaction. False if somebody else has the lock; that was waited for only briefly.
  bool begin();
  void commit();
  void rollback();
  /// False too after an error that made SQLite roll back by itself.
  [[nodiscard]] bool is_in_transaction() const;
  /// A part of a transaction that can be undone by itself. `keep`: it stays.
  void begin_part();
  void end_part(bool keep);

  /// Rows that the last statement has changed, and what it inserted last.
  [[nodiscard]] once_result result(std::uint64_t total_before) const;
  [[nodiscard]] std::uint64_t total_changes() const;
  /// Differs from before if another connection has committed.
  std::uint64_t data_version();
  /// Tables that sync, by name.
  std::set<std::string> tracked_tables();

  /// The result of the write of that name, if it was done before. Within a transaction.
  std::optional<once_result> find_once(std::string_view once);
  /// Notes it, within the write's own transaction.
  void note_once(std::string_view once, const once_result& result, std::int64_t now_ms);
  /// Forgets names that are older or more than the limits say. A transaction of its own; skipped if the lock is taken.
  void prune_once(std::int64_t now_ms);

private:
  friend class page_statement;
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

} // namespace tandem::storage
