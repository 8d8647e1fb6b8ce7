#include "tests/unit/actors/test_folder.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <poll.h>
#include <stdexcept>
#include <utility>

namespace tandem::tests {

test_folder::test_folder() {
  auto name = (std::filesystem::temp_directory_path() / "tandem-test-XXXXXX").string();
  if (!::mkdtemp(name.data()))
    throw std::runtime_error{"no temporary folder"};
  path_ = name;
}

test_folder::~test_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

plain_database::plain_database(const std::string& path) {
  if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK)
    throw std::runtime_error{"can't open " + path};
  sqlite3_busy_timeout(handle_, 10'000);
}

plain_database::~plain_database() {
  sqlite3_close(handle_);
}

void plain_database::run(const std::string& sql) {
  char* message = nullptr;
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK)
    return;
  const std::string text = message ? message : "unknown";
  sqlite3_free(message);
  throw std::runtime_error{text + " in: " + sql};
}

std::string plain_database::ask(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
    throw std::runtime_error{std::string{sqlite3_errmsg(handle_)} + " in: " + sql};
  std::string result;
  if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0))
    result = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
  sqlite3_finalize(statement);
  return result;
}

void make_tracked(const std::string& path, const std::string& create_table, const std::string& table,
                  const storage::replica_options& how) {
  plain_database database{path};
  database.run("PRAGMA journal_mode=WAL");
  database.run(create_table);
  auto replica = storage::replica::open(path, how);
  const std::array tables{table};
  replica.track(tables);
}

bool becomes(plain_database& database, const std::string& sql, const std::string& wanted, int ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{ms};
  for (;;) {
    try {
      if (database.ask(sql) == wanted)
        return true;
    } catch (const std::runtime_error&) { // A table that has not come yet.
    }
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    ::poll(nullptr, 0, 2); // Another process's commit can only be polled for.
  }
}

} // namespace tandem::tests
