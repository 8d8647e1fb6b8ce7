#include "storage/migrating.hpp"

#include <charconv>

#include <sqlite3.h>

#include "storage/capture.hpp"
#include "storage/drifting.hpp"
#include "storage/tracking.hpp"

namespace tandem::storage {
namespace {

// All of the migration is one transaction, which is ours.
int allow_no_transactions(void*, int action, const char*, const char*, const char*, const char*) {
  switch (action) {
  case SQLITE_TRANSACTION:
  case SQLITE_SAVEPOINT:
  case SQLITE_ATTACH:
  case SQLITE_DETACH:
    return SQLITE_DENY;
  default:
    return SQLITE_OK;
  }
}

/// The app's triggers and ours run, as on any connection of the app. Their copies for received rows do not.
class as_the_app {
public:
  explicit as_the_app(core& c) : c_{c} {
    c_.drop_feeding_triggers();
    sqlite3_db_config(c_.db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, nullptr);
  }
  ~as_the_app() { sqlite3_db_config(c_.db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr); }
  as_the_app(const as_the_app&) = delete;
  as_the_app& operator=(const as_the_app&) = delete;

private:
  core& c_;
};

/// What stands in the way of a DROP COLUMN, as SQLite names it: a trigger of ours and a column.
struct obstacle {
  std::uint32_t table = 0;
  std::string column;
};

obstacle obstacle_in(std::string_view error) {
  constexpr std::string_view before = "error in trigger tandem_";
  constexpr std::string_view between = " after drop column: no such column: ";
  obstacle result;
  const auto at = error.find(between);
  if (!error.starts_with(before) || at == std::string_view::npos)
    return result;
  const auto number = error.substr(0, at).rfind('_') + 1;
  std::from_chars(error.data() + number, error.data() + at, result.table);
  result.column = error.substr(at + between.size());
  result.column.erase(0, result.column.find('.') + 1); // OLD. or the table's name
  return result;
}

class migration {
public:
  explicit migration(core& c) : c_{c} {}

  void run(const std::string& sql) {
    const as_the_app guard{c_};
    for (const char* rest = sql.c_str(); *rest;)
      rest = run_first(rest);
  }

private:
  /// Returns what follows the first statement.
  const char* run_first(const char* sql) {
    const char* rest = nullptr;
    std::string error;
    if (!attempt(sql, rest, error)) {
      const auto found = obstacle_in(error);
      if (found.table != 0)
        make_way(found);
      if (found.table == 0 || !attempt(sql, rest, error))
        throw failure{failure_code::usage, "the migration fails with: " + error +
                                               " (at: " + std::string{sql}.substr(0, 80) + "); nothing of it was done"};
      watch_again(found.table);
    }
    return rest;
  }

  bool attempt(const char* sql, const char*& rest, std::string& error) {
    sqlite3_stmt* handle = nullptr;
    sqlite3_set_authorizer(c_.db.handle(), allow_no_transactions, nullptr);
    auto code = sqlite3_prepare_v2(c_.db.handle(), sql, -1, &handle, &rest);
    sqlite3_set_authorizer(c_.db.handle(), nullptr, nullptr);
    if (code == SQLITE_OK && !handle)
      return true; // a comment, or space
    while (code == SQLITE_OK || code == SQLITE_ROW)
      code = sqlite3_step(handle);
    if (code != SQLITE_DONE)
      error = sqlite3_errmsg(c_.db.handle());
    sqlite3_finalize(handle);
    return code == SQLITE_DONE;
  }

  // The column's values stay for others, who may use it on; the triggers are made anew without it.
  void make_way(const obstacle& found) {
    const auto table = c_.table_with_id(found.table);
    const auto column = table ? table->info.column_named(found.column) : nullptr;
    if (column && column->id && !column->key_position)
      put_column_aside(c_, *table, *column);
    for (const auto& statement : release_statements(found.table))
      c_.db.execute(statement);
  }

  void watch_again(std::uint32_t id) {
    auto described = *read_table(c_.db, c_.table_with_id(id)->info.stored_as);
    described.id = id;
    capture(c_, described);
    c_.refresh_tables();
    c_.drop_feeding_triggers();
  }

  core& c_;
};

} // namespace

void migrate(core& c, const std::string& sql) {
  core_transaction writing{c, transaction::kind::write};
  conflict_store conflicts{c};
  {
    admission admitted{c, conflicts};
    take_up(c, admitted, conflicts);
    admitted.settle();
  }
  c.save();
  migration{c}.run(sql);
  c.refresh_tables();
  admission admitted{c, conflicts};
  take_up(c, admitted, conflicts);
  admitted.settle();
  writing.commit();
}

} // namespace tandem::storage
