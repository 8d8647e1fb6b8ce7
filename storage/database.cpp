#include "storage/database.hpp"

#include <chrono>
#include <thread>
#include <utility>

#include <sqlite3.h>

#include "messages/failure.hpp"
#include "messages/limits.hpp"
#include "storage/row_feed.hpp"

namespace tandem::storage {

using messages::failure;
using messages::failure_code;

namespace {

std::int64_t machine_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

failure_code code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return failure_code::busy;
  case SQLITE_FULL:
    return failure_code::full;
  case SQLITE_READONLY:
  case SQLITE_PERM:
    return failure_code::read_only;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return failure_code::corrupt;
  default:
    return failure_code::storage;
  }
}

std::string_view advice_for(int sqlite_code) {
  switch (sqlite_code & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return "another connection holds the lock; end its transaction and try again";
  case SQLITE_FULL:
    return "free some disk space and try again";
  case SQLITE_READONLY:
  case SQLITE_PERM:
    return "make the file and its folder writable";
  case SQLITE_CORRUPT:
    return "restore the file from a backup, or clone it anew from a peer";
  case SQLITE_NOTADB:
    return "name the path of a SQLite database";
  case SQLITE_CANTOPEN:
    return "check that the path exists and may be read and written";
  case SQLITE_IOERR:
    return "check the disk and the permissions of the folder";
  default:
    return "see the SQLite documentation of this error";
  }
}

// SQLite's own busy handler starts at 1 ms; commits of ours take less, so look again much sooner at first.
int wait_for_lock(void* context, int tries) {
  const auto wait_ms_max = static_cast<const std::int64_t*>(context);
  static thread_local std::int64_t began_us = 0;
  if (tries == 0)
    began_us = machine_us();
  if (machine_us() - began_us > *wait_ms_max * 1'000)
    return 0;
  const auto pause_us = tries < 20 ? 50 : tries < 60 ? 500 : 2'000;
  std::this_thread::sleep_for(std::chrono::microseconds{pause_us});
  return 1;
}

} // namespace

// --- statement ---------------------------------------------------------------------------------

statement::statement(database& owner, std::string_view sql) : owner_{&owner} {
  const auto code = sqlite3_prepare_v3(owner.handle(), sql.data(), static_cast<int>(sql.size()),
                                       SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
  if (code != SQLITE_OK)
    owner.fail(code, sql);
}

statement::~statement() {
  sqlite3_finalize(handle_);
}

statement::statement(statement&& other) noexcept
    : owner_{other.owner_}, handle_{std::exchange(other.handle_, nullptr)} {}

statement& statement::operator=(statement&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(handle_, other.handle_);
  return *this;
}

void statement::bind_at(int index, std::int64_t number) {
  sqlite3_bind_int64(handle_, index, number);
}

void statement::bind_at(int index, std::string_view text) {
  sqlite3_bind_text64(handle_, index, text.data() ? text.data() : "", text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void statement::bind_blob(int index, std::string_view blob) {
  sqlite3_bind_blob64(handle_, index, blob.data() ? blob.data() : "", blob.size(), SQLITE_STATIC);
}

void statement::bind_feed(int index, const row_feed& feed) {
  // SQLite's pointer interface has no const, and nobody writes through it.
  sqlite3_bind_pointer(handle_, index, const_cast<row_feed*>(&feed), "tandem_feed", nullptr);
}

void statement::bind_at(int index, const value_view& value) {
  switch (value.type) {
  case value_type::null:
    sqlite3_bind_null(handle_, index);
    break;
  case value_type::integer:
    sqlite3_bind_int64(handle_, index, value.integer);
    break;
  case value_type::real:
    sqlite3_bind_double(handle_, index, value.real);
    break;
  case value_type::text:
    bind_at(index, value.bytes);
    break;
  case value_type::blob:
    bind_blob(index, value.bytes);
    break;
  }
}

void statement::fail(int code) const {
  const std::string sql = sqlite3_sql(handle_);
  owner_->fail(code, sql);
}

bool statement::step() {
  const auto code = sqlite3_step(handle_);
  if (code == SQLITE_ROW)
    return true;
  if (code != SQLITE_DONE)
    fail(code);
  return false;
}

void statement::run() {
  const auto code = sqlite3_step(handle_);
  if (code != SQLITE_DONE && code != SQLITE_ROW)
    fail(code);
  reset();
}

bool statement::step_constrained(int& constraint) {
  constraint = 0;
  const auto code = sqlite3_step(handle_);
  if (code == SQLITE_ROW)
    return true;
  if (code == SQLITE_DONE)
    return false;
  if ((code & 0xff) != SQLITE_CONSTRAINT && (code & 0xff) != SQLITE_MISMATCH)
    fail(code);
  constraint = sqlite3_extended_errcode(owner_->handle());
  return false;
}

int statement::run_constrained() {
  int constraint = 0;
  step_constrained(constraint);
  reset();
  return constraint;
}

void statement::reset() {
  // The error of the last step was reported by that step.
  sqlite3_reset(handle_);
}

std::int64_t statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}
double statement::real(int column) const {
  return sqlite3_column_double(handle_, column);
}

std::string_view statement::text(int column) const {
  const auto bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return {bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::string_view statement::blob(int column) const {
  const auto bytes = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return {bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

value_view statement::value(int column) const {
  switch (sqlite3_column_type(handle_, column)) {
  case SQLITE_INTEGER:
    return value_view::of_integer(integer(column));
  case SQLITE_FLOAT:
    return value_view::of_real(real(column));
  case SQLITE_TEXT:
    return value_view::of_text(text(column));
  case SQLITE_BLOB:
    return value_view::of_blob(blob(column));
  default:
    return value_view::of_null();
  }
}

bool statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}
int statement::columns() const {
  return sqlite3_column_count(handle_);
}
std::string_view statement::column_name(int column) const {
  return sqlite3_column_name(handle_, column);
}

// --- database ----------------------------------------------------------------------------------

database::database(const std::string& path, const replica_options& options)
    : path_{path}, busy_wait_ms_{options.busy_wait_ms}, steady_us_{options.steady_us} {
  int flags = SQLITE_OPEN_NOMUTEX;
  switch (options.mode) {
  case open_mode::read_only:
    flags |= SQLITE_OPEN_READONLY;
    break;
  case open_mode::existing:
    flags |= SQLITE_OPEN_READWRITE;
    break;
  case open_mode::create:
    flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    break;
  }
  const auto code = sqlite3_open_v2(path.c_str(), &handle_, flags, options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (code != SQLITE_OK) {
    const failure trouble{code_of(code), "can't open " + path + ": " +
                                             (handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code)) + "; " +
                                             std::string{advice_for(code)}};
    sqlite3_close(std::exchange(handle_, nullptr));
    throw trouble;
  }
  sqlite3_extended_result_codes(handle_, 1);
  if (busy_wait_ms_ > 0)
    sqlite3_busy_handler(handle_, wait_for_lock, &busy_wait_ms_);
}

std::int64_t database::steady_us() const {
  return steady_us_ ? steady_us_() : machine_us();
}

database::~database() {
  sqlite3_close_v2(handle_);
}

void database::fail(int code, std::string_view doing) const {
  std::string text = path_ + ": " + sqlite3_errmsg(handle_);
  if (code_of(code) == failure_code::storage)
    text += " (code " + std::to_string(sqlite3_extended_errcode(handle_)) +
            ", at: " + std::string{doing.substr(0, limits::error_sql_bytes_max)} + ")";
  throw failure{code_of(code), text + "; " + std::string{advice_for(code)}};
}

void database::execute(const std::string& sql) {
  const auto code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK)
    fail(code, sql);
}

std::int64_t database::integer(std::string_view sql) {
  statement query{*this, sql};
  return query.step() ? query.integer(0) : 0;
}

std::string database::text(std::string_view sql) {
  statement query{*this, sql};
  return query.step() ? std::string{query.text(0)} : std::string{};
}

// --- transaction -------------------------------------------------------------------------------

transaction::transaction(database& owner, kind kind) : owner_{owner} {
  const auto began_us = owner_.steady_us();
  owner_.execute(kind == kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
  locked_us_ = owner_.steady_us();
  cost_.wait_us = locked_us_ - began_us;
  is_open_ = true;
}

transaction::~transaction() {
  if (is_open_ && !sqlite3_get_autocommit(owner_.handle()))
    sqlite3_exec(owner_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void transaction::commit() {
  owner_.execute("COMMIT");
  is_open_ = false;
  cost_.hold_us = owner_.steady_us() - locked_us_;
}

// --- SQL text ----------------------------------------------------------------------------------

std::string quoted(std::string_view name) {
  std::string result = "\"";
  for (const char letter : name) {
    result += letter;
    if (letter == '"')
      result += '"';
  }
  return result + "\"";
}

std::string literal(std::string_view text) {
  std::string result = "'";
  for (const char letter : text) {
    result += letter;
    if (letter == '\'')
      result += '\'';
  }
  return result + "'";
}

} // namespace tandem::storage
