// The app of all benchmarks: one table of tasks in a plain SQLite file, written by plain SQL.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sqlite3.h>

namespace tandem::bench {

struct statement_closer {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
struct database_closer {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
using statement_handle = std::unique_ptr<sqlite3_stmt, statement_closer>;

/// Row `number` of the benchmark: the same in every run, keys in random order.
struct task {
  explicit task(std::uint64_t number);

  std::string id;
  std::string title;
  std::int64_t done = 0;
  std::int64_t priority = 0;
  std::string note;
};

/// WAL, synchronous=NORMAL, waits up to 30 s for a lock. Throws std::runtime_error.
class app_database {
public:
  explicit app_database(const std::string& path);

  void execute(const std::string& sql);
  statement_handle prepare(const std::string& sql);
  std::int64_t integer(const std::string& sql);
  /// Bytes of the file that hold something: free pages are not counted.
  std::int64_t used_bytes();
  /// Runs a statement that returns nothing, and readies it for the next time.
  void run(sqlite3_stmt* statement);

  void create_tasks();
  /// Plain inserts of rows `from` to `to`, in transactions of `rows_per_commit`.
  void insert_tasks(std::uint64_t from, std::uint64_t to, std::uint64_t rows_per_commit);

  sqlite3* handle() { return database_.get(); }

private:
  std::unique_ptr<sqlite3, database_closer> database_;
};

void bind_text(sqlite3_stmt* statement, int place, const std::string& text);
void bind_task(sqlite3_stmt* statement, const task& row);

inline constexpr const char* insert_sql =
    "INSERT INTO tasks(id, title, done, priority, note) VALUES (?1, ?2, ?3, ?4, ?5)";
inline constexpr const char* upsert_sql =
    "INSERT INTO tasks(id, title, done, priority, note) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT(id) DO UPDATE SET "
    "title = excluded.title, done = excluded.done, priority = excluded.priority, note = excluded.note";
inline constexpr const char* update_sql = "UPDATE tasks SET priority = ?2 WHERE id = ?1";

} // namespace tandem::bench
