#include "tests/property/app_database.hpp"

#include <cstring>
#include <memory>

#include <sqlite3.h>

namespace tandem::property {
namespace {

using messages::value_type;

void bind(sqlite3_stmt* statement, int index, const value& each) {
  const auto size = static_cast<sqlite3_uint64>(each.bytes.size());
  switch (each.type) {
  case value_type::null:
    sqlite3_bind_null(statement, index);
    break;
  case value_type::integer:
    sqlite3_bind_int64(statement, index, each.integer);
    break;
  case value_type::real:
    sqlite3_bind_double(statement, index, each.real);
    break;
  case value_type::text:
    sqlite3_bind_text64(statement, index, each.bytes.data(), size, SQLITE_TRANSIENT, SQLITE_UTF8);
    break;
  case value_type::blob:
    sqlite3_bind_blob64(statement, index, each.bytes.data(), size, SQLITE_TRANSIENT);
    break;
  }
}

std::string_view bytes_of(sqlite3_stmt* statement, int column) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  return data ? std::string_view{data, size} : std::string_view{};
}

value column_value(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
  case SQLITE_INTEGER:
    return of_integer(sqlite3_column_int64(statement, column));
  case SQLITE_FLOAT:
    return of_real(sqlite3_column_double(statement, column));
  case SQLITE_TEXT:
    return of_text(bytes_of(statement, column));
  case SQLITE_BLOB:
    return of_blob(bytes_of(statement, column));
  default:
    return {};
  }
}

} // namespace

app_database::app_database(const std::string& path, const std::string& vfs) {
  const int code = sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                   vfs.empty() ? nullptr : vfs.c_str());
  if (code != SQLITE_OK) {
    sqlite3_close(handle_);
    throw sql_error{"the app can't open " + path + ": " + sqlite3_errstr(code)};
  }
}

app_database::~app_database() {
  sqlite3_close(handle_);
}

int app_database::run(const std::string& sql, const row& parameters, rows* results) {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(handle_, sql.c_str(), static_cast<int>(sql.size()) + 1, &raw, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement{raw, sqlite3_finalize};
  if (code == SQLITE_OK) {
    for (std::size_t i = 0; i < parameters.size(); ++i)
      bind(raw, static_cast<int>(i) + 1, parameters[i]);
    while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
      row each;
      for (int column = 0; column < sqlite3_column_count(raw); ++column)
        each.push_back(column_value(raw, column));
      if (results)
        results->push_back(std::move(each));
    }
  }
  if (code != SQLITE_DONE)
    last_error_ = std::string{sqlite3_errmsg(handle_)} + " in: " + sql;
  return code;
}

void app_database::execute(const std::string& sql) {
  char* message = nullptr;
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK)
    return;
  last_error_ = std::string{message ? message : "?"} + " in: " + sql;
  sqlite3_free(message);
  throw sql_error{last_error_};
}

bool app_database::attempt(const std::string& sql, const row& parameters) {
  return run(sql, parameters, nullptr) == SQLITE_DONE;
}

rows app_database::query(const std::string& sql, const row& parameters) {
  rows results;
  if (run(sql, parameters, &results) != SQLITE_DONE)
    throw sql_error{last_error_};
  return results;
}

std::string app_database::text(const std::string& sql) {
  const auto results = query(sql);
  return results.empty() ? std::string{} : results.front().front().bytes;
}

std::int64_t app_database::integer(const std::string& sql) {
  const auto results = query(sql);
  return results.empty() ? 0 : results.front().front().integer;
}

bool app_database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

value of_integer(std::int64_t number) {
  return value{messages::value_view::of_integer(number)};
}
value of_real(double number) {
  return value{messages::value_view::of_real(number)};
}
value of_text(std::string_view text) {
  return value{messages::value_view::of_text(text)};
}
value of_blob(std::string_view blob) {
  return value{messages::value_view::of_blob(blob)};
}

std::string encoded(const value& each) {
  std::string result(1, static_cast<char>('0' + static_cast<int>(each.type)));
  if (each.type == value_type::integer)
    return result + std::to_string(each.integer) + ";";
  if (each.type == value_type::real) {
    char raw[sizeof each.real];
    std::memcpy(raw, &each.real, sizeof raw);
    return result.append(raw, sizeof raw);
  }
  return result + std::to_string(each.bytes.size()) + ":" + each.bytes;
}

std::string encoded(const row& values) {
  std::string result;
  for (const auto& each : values)
    result += encoded(each);
  return result;
}

std::string shown(const row& values) {
  std::string result = "(";
  for (const auto& each : values)
    result += (result.size() > 1 ? ", " : "") + messages::to_display(each.view());
  return result + ")";
}

std::string sql_name(std::string_view name) {
  std::string result = "\"";
  for (const char letter : name)
    result.append(letter == '"' ? 2 : 1, letter);
  return result + "\"";
}

} // namespace tandem::property
