#include "app_database.hpp"

#include <array>
#include <cstdio>
#include <stdexcept>

namespace tandem::bench {
namespace {

// splitmix64: spreads neighbouring numbers over the whole range.
std::uint64_t mixed(std::uint64_t number) {
  number += 0x9e3779b97f4a7c15ULL;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9ULL;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebULL;
  return number ^ (number >> 31);
}

constexpr std::array words{"call",  "write", "check", "move",  "order", "paint", "read",   "repair",
                           "the",   "old",   "green", "small", "next",  "first", "letter", "garden",
                           "house", "bill",  "train", "table", "light", "paper", "engine", "window"};

std::string sentence(std::uint64_t seed, int count) {
  std::string text;
  for (int at = 0; at < count; ++at) {
    seed = mixed(seed);
    text += (at == 0 ? "" : " ") + std::string{words[seed % words.size()]};
  }
  return text;
}

} // namespace

task::task(std::uint64_t number) {
  const auto random = mixed(number);
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(random));
  id = hex.data();
  title = sentence(random, 4);
  done = static_cast<std::int64_t>(random & 1);
  priority = static_cast<std::int64_t>((random >> 8) % 10);
  note = sentence(random + 1, 8);
}

app_database::app_database(const std::string& path) {
  sqlite3* opened = nullptr;
  const auto result = sqlite3_open(path.c_str(), &opened);
  database_.reset(opened);
  if (result != SQLITE_OK)
    throw std::runtime_error{"can't open " + path};
  sqlite3_busy_timeout(opened, 30'000);
  execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
}

void app_database::execute(const std::string& sql) {
  if (sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error{sql + ": " + sqlite3_errmsg(handle())};
}

statement_handle app_database::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
    throw std::runtime_error{sql + ": " + sqlite3_errmsg(handle())};
  return statement_handle{statement};
}

std::int64_t app_database::integer(const std::string& sql) {
  const auto query = prepare(sql);
  sqlite3_step(query.get());
  return sqlite3_column_int64(query.get(), 0);
}

std::int64_t app_database::used_bytes() {
  return integer("PRAGMA page_size") * (integer("PRAGMA page_count") - integer("PRAGMA freelist_count"));
}

void app_database::run(sqlite3_stmt* statement) {
  const auto result = sqlite3_step(statement);
  sqlite3_reset(statement);
  if (result != SQLITE_DONE)
    throw std::runtime_error{std::string{sqlite3_sql(statement)} + ": " + sqlite3_errmsg(handle())};
}

void app_database::create_tasks() {
  execute("CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT, done INTEGER, priority INTEGER, note TEXT)");
}

void app_database::insert_tasks(std::uint64_t from, std::uint64_t to, std::uint64_t rows_per_commit) {
  const auto insert = prepare(insert_sql);
  for (auto number = from; number < to;) {
    execute("BEGIN IMMEDIATE");
    for (std::uint64_t count = 0; count < rows_per_commit && number < to; ++count, ++number) {
      bind_task(insert.get(), task{number});
      run(insert.get());
    }
    execute("COMMIT");
  }
}

void bind_text(sqlite3_stmt* statement, int place, const std::string& text) {
  sqlite3_bind_text(statement, place, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

void bind_task(sqlite3_stmt* statement, const task& row) {
  bind_text(statement, 1, row.id);
  bind_text(statement, 2, row.title);
  sqlite3_bind_int64(statement, 3, row.done);
  sqlite3_bind_int64(statement, 4, row.priority);
  bind_text(statement, 5, row.note);
}

} // namespace tandem::bench
