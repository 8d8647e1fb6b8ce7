#include "storage/page_connection.hpp"

#include <utility>

#include <sqlite3.h>

#include "messages/page.hpp"
#include "storage/database.hpp"
#include "storage/page_guard.hpp"

namespace tandem::storage {

using messages::failure;
using messages::failure_code;
using messages::page::page_failure;

namespace {

constexpr std::string_view blanks = " \t\r\n\f;";

std::string shortened(std::string_view sql) {
  return std::string{sql.substr(0, limits::error_sql_bytes_max)} +
         (sql.size() > limits::error_sql_bytes_max ? "…" : "");
}

replica_options options_of(bool is_durable) {
  replica_options result;
  result.durable = is_durable;
  return result;
}

} // namespace

struct page_connection::implementation {
  implementation(const std::string& path, bool is_durable) : db{path, options_of(is_durable)} {}

  page_guard guard; // outlives the connection that asks it
  database db;
  std::function<page_stop()> should_stop;
  page_stop stopped = page_stop::none;

  static int look(void* self);
  [[noreturn]] void fail(int code, std::string_view sql) const;
  bool has_once_table();
};

int page_connection::implementation::look(void* context) {
  auto& self = *static_cast<implementation*>(context);
  self.stopped = self.should_stop ? self.should_stop() : page_stop::none;
  return self.stopped == page_stop::none ? 0 : 1;
}

void page_connection::implementation::fail(int code, std::string_view sql) const {
  const std::string text = sqlite3_errmsg(db.handle());
  if (!guard.refusal().empty())
    throw failure{failure_code::denied, guard.refusal()};
  switch (code & 0xff) {
  case SQLITE_INTERRUPT:
    if (stopped == page_stop::cancelled)
      throw page_failure{"cancelled", "the statement was cancelled"};
    throw page_failure{"deadline", "the statement took longer than its deadline and was stopped; ask for less, add an "
                                   "index, or give it more time: " +
                                       shortened(sql)};
  case SQLITE_AUTH:
    throw failure{failure_code::denied, "a page may not do this: " + text};
  case SQLITE_CONSTRAINT:
  case SQLITE_MISMATCH:
    throw page_failure{"constraint", text};
  case SQLITE_TOOBIG:
    throw failure{failure_code::limit, "a value or the statement is larger than SQLite is allowed to take: " + text};
  case SQLITE_ERROR:
  case SQLITE_RANGE:
  case SQLITE_SCHEMA:
  case SQLITE_MISUSE:
  case SQLITE_ABORT:
    throw page_failure{"sql", text + ", at: " + shortened(sql)};
  default:
    db.fail(code, sql);
  }
}

// --- statements --------------------------------------------------------------------------------

page_statement::page_statement(page_connection& owner, std::string_view sql) : owner_{&owner} {
  auto& inner = *owner.implementation_;
  if (names_ours(sql))
    throw failure{failure_code::denied, "a page may not name anything that begins with tandem_, not even in a text: "
                                        "give texts as parameters, and ask for status, conflicts or audit"};
  inner.guard.begin();
  const char* tail = nullptr;
  const auto code = sqlite3_prepare_v3(inner.db.handle(), sql.data(), static_cast<int>(sql.size()), 0, &handle_, &tail);
  if (code != SQLITE_OK)
    inner.fail(code, sql);
  const auto rest = sql.substr(static_cast<std::size_t>(tail - sql.data()));
  if (!handle_)
    throw page_failure{"sql", "the statement is empty"};
  if (rest.find_first_not_of(blanks) != std::string_view::npos) {
    sqlite3_finalize(std::exchange(handle_, nullptr));
    throw page_failure{"sql", "one statement at a time: something follows the first one"};
  }
  read_ = inner.guard.tables_read();
}

page_statement::~page_statement() {
  sqlite3_finalize(handle_);
}

page_statement::page_statement(page_statement&& other) noexcept
    : owner_{other.owner_}, handle_{std::exchange(other.handle_, nullptr)}, read_{std::move(other.read_)} {}

page_statement& page_statement::operator=(page_statement&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(handle_, other.handle_);
  std::swap(read_, other.read_);
  return *this;
}

void page_statement::bind(std::span<const messages::value> parameters) {
  const auto wanted = static_cast<std::size_t>(sqlite3_bind_parameter_count(handle_));
  if (wanted != parameters.size())
    throw page_failure{"sql", "the statement takes " + std::to_string(wanted) + " parameters and " +
                                  std::to_string(parameters.size()) +
                                  " were given: " + shortened(sqlite3_sql(handle_))};
  int index = 0;
  for (const auto& each : parameters) {
    ++index;
    const auto bytes = each.bytes.data();
    const auto size = each.bytes.size();
    int code = SQLITE_OK;
    switch (each.type) {
    case messages::value_type::null:
      code = sqlite3_bind_null(handle_, index);
      break;
    case messages::value_type::integer:
      code = sqlite3_bind_int64(handle_, index, each.integer);
      break;
    case messages::value_type::real:
      code = sqlite3_bind_double(handle_, index, each.real);
      break;
    case messages::value_type::text:
      code = sqlite3_bind_text64(handle_, index, bytes, size, SQLITE_STATIC, SQLITE_UTF8);
      break;
    case messages::value_type::blob:
      code = sqlite3_bind_blob64(handle_, index, bytes, size, SQLITE_STATIC);
      break;
    }
    if (code != SQLITE_OK)
      owner_->implementation_->fail(code, sqlite3_sql(handle_));
  }
}

bool page_statement::step() {
  const auto code = sqlite3_step(handle_);
  if (code == SQLITE_ROW)
    return true;
  if (code != SQLITE_DONE)
    owner_->implementation_->fail(code, sqlite3_sql(handle_));
  return false;
}

void page_statement::reset() {
  sqlite3_reset(handle_);
}

int page_statement::columns() const {
  return sqlite3_column_count(handle_);
}

std::string_view page_statement::column_name(int column) const {
  const auto name = sqlite3_column_name(handle_, column);
  return name ? name : "";
}

messages::value_view page_statement::value(int column) const {
  const auto bytes = [&](const void* data) {
    return std::string_view{data ? static_cast<const char*>(data) : "",
                            static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
  };
  switch (sqlite3_column_type(handle_, column)) {
  case SQLITE_INTEGER:
    return value_view::of_integer(sqlite3_column_int64(handle_, column));
  case SQLITE_FLOAT:
    return value_view::of_real(sqlite3_column_double(handle_, column));
  case SQLITE_TEXT:
    return value_view::of_text(bytes(sqlite3_column_text(handle_, column)));
  case SQLITE_BLOB:
    return value_view::of_blob(bytes(sqlite3_column_blob(handle_, column)));
  default:
    return value_view::of_null();
  }
}

bool page_statement::is_reading() const {
  return sqlite3_stmt_readonly(handle_) != 0;
}

// --- the connection ----------------------------------------------------------------------------

page_connection::page_connection(const std::string& path, use what, bool is_durable)
    : implementation_{std::make_unique<implementation>(path, is_durable)} {
  auto& db = implementation_->db;
  db.execute("PRAGMA cache_size = -" + std::to_string(limits::sqlite_cache_kib));
  db.execute(is_durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF");
  db.execute("PRAGMA foreign_keys = ON");
  if (what == use::reading)
    db.execute("PRAGMA query_only = ON");
  sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_limit(db.handle(), SQLITE_LIMIT_LENGTH, static_cast<int>(limits::frame_bytes_max));
  sqlite3_limit(db.handle(), SQLITE_LIMIT_SQL_LENGTH, static_cast<int>(limits::page_sql_bytes_max));
  sqlite3_limit(db.handle(), SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_progress_handler(db.handle(), limits::page_progress_steps, implementation::look, implementation_.get());
  implementation_->guard.attach(db.handle());
}

page_connection::~page_connection() = default;

void page_connection::set_stop(std::function<page_stop()> should_stop) {
  implementation_->should_stop = std::move(should_stop);
}

bool page_connection::begin() {
  auto& db = implementation_->db;
  const page_guard::trust ours{implementation_->guard};
  sqlite3_busy_timeout(db.handle(), static_cast<int>(limits::page_lock_wait_ms));
  const auto code = sqlite3_exec(db.handle(), "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
  sqlite3_busy_timeout(db.handle(), static_cast<int>(limits::page_deadline_ms_default));
  if ((code & 0xff) == SQLITE_BUSY)
    return false;
  if (code != SQLITE_OK)
    implementation_->fail(code, "BEGIN");
  return true;
}

void page_connection::commit() {
  const page_guard::trust ours{implementation_->guard};
  const auto code = sqlite3_exec(implementation_->db.handle(), "COMMIT", nullptr, nullptr, nullptr);
  if (code == SQLITE_OK)
    return;
  try {
    implementation_->fail(code, "COMMIT"); // A deferred constraint, say.
  } catch (...) {
    rollback();
    throw;
  }
}

void page_connection::rollback() {
  const page_guard::trust ours{implementation_->guard};
  if (is_in_transaction())
    sqlite3_exec(implementation_->db.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

bool page_connection::is_in_transaction() const {
  return sqlite3_get_autocommit(implementation_->db.handle()) == 0;
}

void page_connection::begin_part() {
  const page_guard::trust ours{implementation_->guard};
  implementation_->db.execute("SAVEPOINT tandem_part");
}

void page_connection::end_part(bool keep) {
  const page_guard::trust ours{implementation_->guard};
  if (!is_in_transaction())
    return;
  if (!keep)
    implementation_->db.execute("ROLLBACK TO tandem_part");
  implementation_->db.execute("RELEASE tandem_part");
}

std::uint64_t page_connection::total_changes() const {
  return static_cast<std::uint64_t>(sqlite3_total_changes64(implementation_->db.handle()));
}

once_result page_connection::result(std::uint64_t total_before) const {
  const auto handle = implementation_->db.handle();
  once_result result;
  result.last_rowid = sqlite3_last_insert_rowid(handle);
  if (total_changes() != total_before) // Else SQLite tells of the statement before.
    result.changes = static_cast<std::uint64_t>(sqlite3_changes64(handle));
  return result;
}

std::uint64_t page_connection::data_version() {
  const page_guard::trust ours{implementation_->guard};
  return static_cast<std::uint64_t>(implementation_->db.integer("PRAGMA data_version"));
}

std::set<std::string> page_connection::tracked_tables() {
  const page_guard::trust ours{implementation_->guard};
  auto& db = implementation_->db;
  std::set<std::string> result;
  if (db.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'tandem_tables'") == 0)
    return result;
  statement query{db, "SELECT name FROM tandem_tables"};
  while (query.step())
    result.emplace(query.text(0));
  return result;
}

// --- writes that are done once -----------------------------------------------------------------

bool page_connection::implementation::has_once_table() {
  // Asked anew in each transaction: the host may untrack everything in between, and so drop it.
  return db.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'tandem_once'") != 0;
}

std::optional<once_result> page_connection::find_once(std::string_view once) {
  const page_guard::trust ours{implementation_->guard};
  if (!implementation_->has_once_table())
    return std::nullopt;
  statement query{implementation_->db, "SELECT changes, last_rowid FROM tandem_once WHERE once = ?1"};
  query.bind(once);
  if (!query.step())
    return std::nullopt;
  return once_result{query.unsigned_integer(0), query.integer(1)};
}

void page_connection::note_once(std::string_view once, const once_result& result, std::int64_t now_ms) {
  const page_guard::trust ours{implementation_->guard};
  auto& db = implementation_->db;
  if (!implementation_->has_once_table())
    db.execute("CREATE TABLE tandem_once(once TEXT PRIMARY KEY, at_ms INTEGER, changes INTEGER, last_rowid INTEGER) "
               "WITHOUT ROWID");
  statement insert{db, "INSERT INTO tandem_once VALUES(?1, ?2, ?3, ?4)"};
  insert.bind(once, now_ms, result.changes, result.last_rowid).run();
}

void page_connection::prune_once(std::int64_t now_ms) {
  if (!begin())
    return;
  {
    const page_guard::trust ours{implementation_->guard};
    auto& db = implementation_->db;
    if (implementation_->has_once_table()) {
      statement old{db, "DELETE FROM tandem_once WHERE at_ms < ?1"};
      old.bind(now_ms - limits::page_once_ms_max).run();
      statement many{db, "DELETE FROM tandem_once WHERE at_ms < (SELECT at_ms FROM tandem_once ORDER BY at_ms DESC "
                         "LIMIT 1 OFFSET ?1)"};
      many.bind(limits::page_once_entries_max - 1).run();
    }
  }
  commit();
}

} // namespace tandem::storage
