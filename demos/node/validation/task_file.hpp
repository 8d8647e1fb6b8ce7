// An app with rows as real ones are: keys in random order, two texts, two numbers. What is sent and what the storage
// core does is measured with it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "demos/node/validation/app_file.hpp"

namespace tandem::node {

inline constexpr const char* create_tasks_sql =
    "CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT, done INTEGER, priority INTEGER, note TEXT)";

struct task {
  std::string id;
  std::string title;
  std::string note;
};

/// The same in every run.
std::vector<task> make_tasks(int count);

/// Throws messages::failure (storage).
class task_file {
public:
  /// Makes the table unless it is there.
  explicit task_file(const std::filesystem::path& file);

  /// In one transaction each.
  void upsert(const std::vector<task>& rows);
  void prioritize(const std::vector<task>& rows, std::int64_t priority);
  void prioritize(const task& row, std::int64_t priority);
  /// So that what comes next does not pay for the writes before it.
  void settle() { app_.execute("PRAGMA wal_checkpoint(TRUNCATE)"); }

private:
  void run(sqlite3_stmt* prepared);

  app_file app_;
  app_file::statement upsert_;
  app_file::statement prioritize_;
};

} // namespace tandem::node
