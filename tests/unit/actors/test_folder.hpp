// A temporary folder, and what tests do to SQLite files in it.
#pragma once

#include <filesystem>
#include <string>

#include <sqlite3.h>

#include "storage/replica.hpp"

namespace tandem::tests {

/// Removed with all that is in it.
class test_folder {
public:
  test_folder();
  ~test_folder();
  test_folder(const test_folder&) = delete;
  test_folder& operator=(const test_folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

/// Another process's connection, as far as the database can tell: plain SQLite.
class plain_database {
public:
  explicit plain_database(const std::string& path);
  ~plain_database();
  plain_database(const plain_database&) = delete;
  plain_database& operator=(const plain_database&) = delete;

  void run(const std::string& sql);
  /// The first column of the first row as text; empty if there is none.
  std::string ask(const std::string& sql);
  sqlite3* handle() { return handle_; }

private:
  sqlite3* handle_ = nullptr;
};

/// A database in WAL mode with that table, tracked by that clock.
void make_tracked(const std::string& path, const std::string& create_table, const std::string& table,
                  const storage::replica_options& how = {});

/// Asks again and again until `sql` gives `wanted`, and for at most `ms`.
bool becomes(plain_database& database, const std::string& sql, const std::string& wanted, int ms = 60'000);

} // namespace tandem::tests
