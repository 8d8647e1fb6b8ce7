#include "fuzz_replicas.hpp"

#include <filesystem>
#include <stdexcept>
#include <stdlib.h>

#include <sqlite3.h>

namespace tandem::fuzz {
namespace {

constexpr const char* app_schema =
    "CREATE TABLE list(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE task(id TEXT PRIMARY KEY, list INTEGER REFERENCES list(id), title TEXT, weight REAL CHECK(weight >= "
    "0), "
    "extra BLOB);"
    "CREATE TABLE tag(task TEXT, name TEXT, colour, PRIMARY KEY(task, name)) WITHOUT ROWID;"
    "INSERT INTO list VALUES (1, 'home'), (2, 'work');"
    "INSERT INTO task VALUES ('a', 1, 'write', 1.5, x'00ff'), ('b', 2, NULL, 0, NULL);"
    "INSERT INTO tag VALUES ('a', 'urgent', 7), ('b', 'later', 'blue');";

std::string make_folder(const std::string& name) {
  const std::string root =
      std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
  auto pattern = root + "/tandem-" + name + "-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error{"can't make a folder in " + root};
  return pattern;
}

void run_sql(const std::string& path, const std::string& sql) {
  sqlite3* app = nullptr;
  sqlite3_open(path.c_str(), &app);
  const auto result = sqlite3_exec(app, sql.c_str(), nullptr, nullptr, nullptr);
  const std::string trouble = result == SQLITE_OK ? "" : sqlite3_errmsg(app);
  sqlite3_close(app);
  if (!trouble.empty())
    throw std::runtime_error{sql + ": " + trouble};
}

storage::replica make_replica(const std::string& path) {
  run_sql(path, std::string{"PRAGMA journal_mode = WAL;"} + app_schema);
  storage::replica_options options;
  options.durable = false;
  auto result = storage::replica::open(path, options);
  const std::string tables[] = {"list", "task", "tag"};
  result.track(tables);
  result.stamp_pending();
  return result;
}

} // namespace

fuzz_replica::fuzz_replica(const std::string& name)
    : folder_{make_folder(name)}, core{make_replica(folder_ + "/app.db")} {}

fuzz_replica::~fuzz_replica() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void fuzz_replica::execute(const std::string& sql) const {
  run_sql(folder_ + "/app.db", sql);
}

} // namespace tandem::fuzz
