#include "demos/node/validation/app_file.hpp"

#include <sqlite3.h>

#include "messages/failure.hpp"

namespace tandem::node {

namespace {

constexpr int busy_wait_ms = 10'000;

} // namespace

void app_file::closer::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

void app_file::closer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

app_file::app_file(const std::filesystem::path& file) : file_{file.string()} {
  sqlite3* connection = nullptr;
  const auto code = sqlite3_open(file_.c_str(), &connection);
  connection_.reset(connection);
  if (code != SQLITE_OK) {
    fail("open");
  }
  sqlite3_busy_timeout(connection, busy_wait_ms);
  execute("PRAGMA journal_mode = WAL");
  execute("PRAGMA synchronous = NORMAL");
}

void app_file::fail(std::string_view doing) {
  throw messages::failure{messages::failure_code::storage,
                          "can't " + std::string{doing} + " " + file_ + ": " + sqlite3_errmsg(connection_.get())};
}

void app_file::execute(const std::string& sql) {
  if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    fail("run SQL on");
  }
}

app_file::statement app_file::prepare(std::string_view sql) {
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()), &prepared, nullptr) !=
      SQLITE_OK) {
    fail("prepare SQL for");
  }
  return statement{prepared};
}

std::int64_t app_file::number(std::string_view sql) {
  const auto prepared = prepare(sql);
  switch (sqlite3_step(prepared.get())) {
  case SQLITE_ROW:
    return sqlite3_column_int64(prepared.get(), 0);
  case SQLITE_DONE:
    return 0;
  default:
    fail("read");
  }
}

std::string app_file::text(std::string_view sql) {
  const auto prepared = prepare(sql);
  if (sqlite3_step(prepared.get()) != SQLITE_ROW) {
    fail("read");
  }
  const auto* found = reinterpret_cast<const char*>(sqlite3_column_text(prepared.get(), 0));
  return found ? std::string{found, static_cast<std::size_t>(sqlite3_column_bytes(prepared.get(), 0))} : std::string{};
}

std::string app_file::bytes(std::string_view sql) {
  const auto prepared = prepare(sql);
  if (sqlite3_step(prepared.get()) != SQLITE_ROW) {
    fail("read");
  }
  const auto* found = static_cast<const char*>(sqlite3_column_blob(prepared.get(), 0));
  return found ? std::string{found, static_cast<std::size_t>(sqlite3_column_bytes(prepared.get(), 0))} : std::string{};
}

void app_file::create_table() {
  execute("CREATE TABLE IF NOT EXISTS validation(id INTEGER PRIMARY KEY, body TEXT, revision INTEGER DEFAULT 0)");
}

bool app_file::run(sqlite3_stmt* prepared) {
  const auto code = sqlite3_step(prepared);
  sqlite3_reset(prepared);
  return code == SQLITE_DONE;
}

void app_file::prepare_insert() {
  if (!insert_) {
    insert_ = prepare("INSERT INTO validation(id, body) VALUES (?1, ?2)");
  }
}

bool app_file::insert(std::int64_t id, std::string_view body) {
  prepare_insert();
  sqlite3_bind_int64(insert_.get(), 1, id);
  sqlite3_bind_text(insert_.get(), 2, body.data(), static_cast<int>(body.size()), SQLITE_TRANSIENT);
  return run(insert_.get());
}

bool app_file::insert_blob(std::int64_t id, std::string_view bytes) {
  prepare_insert();
  sqlite3_bind_int64(insert_.get(), 1, id);
  sqlite3_bind_blob(insert_.get(), 2, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
  return run(insert_.get());
}

bool app_file::update(std::int64_t id, std::int64_t revision) {
  if (!update_) {
    update_ = prepare("UPDATE validation SET revision = ?2 WHERE id = ?1");
  }
  sqlite3_bind_int64(update_.get(), 1, id);
  sqlite3_bind_int64(update_.get(), 2, revision);
  return run(update_.get());
}

bool app_file::remove(std::int64_t id) {
  if (!remove_) {
    remove_ = prepare("DELETE FROM validation WHERE id = ?1");
  }
  sqlite3_bind_int64(remove_.get(), 1, id);
  return run(remove_.get());
}

} // namespace tandem::node
