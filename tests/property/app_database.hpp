// The app's side: a plain SQLite connection that knows nothing of Tandem.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "messages/value.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace tandem::property {

using messages::value;
using row = std::vector<value>;
using rows = std::vector<row>;

/// SQLite said no to something that the test takes for possible.
struct sql_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class app_database {
public:
  /// `vfs`: name of a SQLite VFS; empty: the default one.
  explicit app_database(const std::string& path, const std::string& vfs = {});
  ~app_database();
  app_database(const app_database&) = delete;
  app_database& operator=(const app_database&) = delete;

  /// One statement or several; throws sql_error.
  void execute(const std::string& sql);
  /// One statement with parameters; false if SQLite refuses it, with the reason in last_error().
  bool attempt(const std::string& sql, const row& parameters = {});
  rows query(const std::string& sql, const row& parameters = {});
  /// The first column of the first row as text; empty if there is none.
  std::string text(const std::string& sql);
  std::int64_t integer(const std::string& sql);
  [[nodiscard]] const std::string& last_error() const { return last_error_; }
  [[nodiscard]] bool in_transaction() const;

private:
  int run(const std::string& sql, const row& parameters, rows* results);

  sqlite3* handle_ = nullptr;
  std::string last_error_;
};

value of_integer(std::int64_t number);
value of_real(double number);
value of_text(std::string_view text);
value of_blob(std::string_view blob);

/// A value with its type as bytes: equal exactly where the values are identical.
std::string encoded(const value& each);
std::string encoded(const row& values);
/// For people.
std::string shown(const row& values);
/// An identifier as SQL.
std::string sql_name(std::string_view name);

} // namespace tandem::property
