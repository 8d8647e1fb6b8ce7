// SQLite, held safely: connections, statements and transactions that clean up after themselves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "messages/value.hpp"
#include "storage/replica.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace tandem::storage {

using messages::value_type;
using messages::value_view;

class database;
class row_feed;

/// A prepared statement. Results that point into it are valid until the next step or reset.
class statement {
public:
  statement() = default;
  statement(database& owner, std::string_view sql);
  ~statement();
  statement(statement&& other) noexcept;
  statement& operator=(statement&& other) noexcept;

  /// Binds from parameter 1 on; texts and blobs are not copied and must outlive the step.
  template <class... Values>
  statement& bind(Values&&... values) {
    int index = 0;
    (bind_at(++index, std::forward<Values>(values)), ...);
    return *this;
  }
  void bind_at(int index, std::string&& text) = delete; // it would be gone before the step
  void bind_at(int index, std::int64_t number);
  void bind_at(int index, std::uint64_t number) { bind_at(index, static_cast<std::int64_t>(number)); }
  void bind_at(int index, int number) { bind_at(index, static_cast<std::int64_t>(number)); }
  void bind_at(int index, std::uint32_t number) { bind_at(index, static_cast<std::int64_t>(number)); }
  void bind_at(int index, bool flag) { bind_at(index, static_cast<std::int64_t>(flag)); }
  void bind_at(int index, std::string_view text);
  void bind_at(int index, const std::string& text) { bind_at(index, std::string_view{text}); }
  void bind_at(int index, const char* text) { bind_at(index, std::string_view{text}); }
  void bind_at(int index, const value_view& value);
  void bind_blob(int index, std::string_view blob);
  /// For tandem_feed(?): `feed` must outlive the run.
  void bind_feed(int index, const row_feed& feed);

  /// True while there is a row. Throws failure on errors.
  bool step();
  /// Runs to the end and resets.
  void run();
  /// Like run, but returns SQLite's extended code for a constraint that was hit instead of throwing; 0: none.
  int run_constrained();
  /// Like step, but returns a constraint's code in `constraint` instead of throwing.
  bool step_constrained(int& constraint);
  void reset();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::uint64_t unsigned_integer(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;
  [[nodiscard]] value_view value(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string_view column_name(int column) const;
  explicit operator bool() const { return handle_ != nullptr; }

private:
  [[noreturn]] void fail(int code) const;

  database* owner_ = nullptr;
  sqlite3_stmt* handle_ = nullptr;
};

/// Resets a statement when a scope is left, so that it holds no snapshot and no lock.
class statement_guard {
public:
  explicit statement_guard(statement& guarded) : guarded_{guarded} {}
  ~statement_guard() { guarded_.reset(); }
  statement_guard(const statement_guard&) = delete;
  statement_guard& operator=(const statement_guard&) = delete;

private:
  statement& guarded_;
};

class database {
public:
  database(const std::string& path, const replica_options& options);
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  void execute(const std::string& sql);
  /// The first column of the first row; 0 if there is none.
  std::int64_t integer(std::string_view sql);
  std::string text(std::string_view sql);
  [[nodiscard]] sqlite3* handle() const { return handle_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Microseconds of a clock that never runs back.
  [[nodiscard]] std::int64_t steady_us() const;
  /// What SQLite's code and message mean for the user, thrown as failure.
  [[noreturn]] void fail(int code, std::string_view doing) const;

private:
  std::string path_;
  std::int64_t busy_wait_ms_;
  std::function<std::int64_t()> steady_us_;
  sqlite3* handle_ = nullptr;
};

/// A transaction that rolls back unless it was committed. Measures what it cost others.
class transaction {
public:
  enum class kind { read, write };
  transaction(database& owner, kind kind);
  ~transaction();
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  void commit();
  /// Valid after commit.
  [[nodiscard]] commit_cost cost() const { return cost_; }

private:
  database& owner_;
  bool is_open_ = false;
  std::int64_t locked_us_ = 0;
  commit_cost cost_;
};

/// An identifier as SQL: "odd ""name""".
std::string quoted(std::string_view name);
/// A text literal as SQL.
std::string literal(std::string_view text);

} // namespace tandem::storage
