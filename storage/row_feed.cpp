// A table-valued function: https://www.sqlite.org/vtab.html#tabfunc2
#include "storage/row_feed.hpp"

#include <memory>
#include <string>

#include <sqlite3.h>

#include "messages/limits.hpp"
#include "storage/database.hpp"

namespace tandem::storage {
namespace {

using messages::value_type;
using messages::value_view;

constexpr int number_column = 0;
constexpr int feed_column = 1 + static_cast<int>(limits::feed_columns_max);

struct feed_cursor {
  sqlite3_vtab_cursor base{};
  const row_feed* feed = nullptr;
  std::size_t row = 0;
};

feed_cursor& of(sqlite3_vtab_cursor* base) {
  return *reinterpret_cast<feed_cursor*>(base);
}

int connect(sqlite3* db, void*, int, const char* const*, sqlite3_vtab** made, char**) {
  std::string columns = "n";
  for (std::size_t i = 0; i < limits::feed_columns_max; ++i)
    columns += ", c" + std::to_string(i);
  const auto code = sqlite3_declare_vtab(db, ("CREATE TABLE feed(" + columns + ", feed HIDDEN)").c_str());
  if (code == SQLITE_OK)
    *made = std::make_unique<sqlite3_vtab>().release();
  return code;
}

int disconnect(sqlite3_vtab* table) {
  const std::unique_ptr<sqlite3_vtab> gone{table};
  return SQLITE_OK;
}

int best_index(sqlite3_vtab*, sqlite3_index_info* plan) {
  for (int i = 0; i < plan->nConstraint; ++i) {
    const auto& constraint = plan->aConstraint[i];
    if (constraint.iColumn != feed_column || constraint.op != SQLITE_INDEX_CONSTRAINT_EQ)
      continue;
    if (!constraint.usable)
      return SQLITE_CONSTRAINT;
    plan->aConstraintUsage[i].argvIndex = 1;
    plan->aConstraintUsage[i].omit = 1;
    plan->estimatedCost = 1;
    return SQLITE_OK;
  }
  return SQLITE_CONSTRAINT;
}

int open(sqlite3_vtab*, sqlite3_vtab_cursor** made) {
  *made = &std::make_unique<feed_cursor>().release()->base;
  return SQLITE_OK;
}

int close(sqlite3_vtab_cursor* cursor) {
  const std::unique_ptr<feed_cursor> gone{&of(cursor)};
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* cursor, int, const char*, int count, sqlite3_value** arguments) {
  auto& at = of(cursor);
  at.feed = count == 1 ? static_cast<const row_feed*>(sqlite3_value_pointer(arguments[0], "tandem_feed")) : nullptr;
  at.row = 0;
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* cursor) {
  ++of(cursor).row;
  return SQLITE_OK;
}

int is_at_end(sqlite3_vtab_cursor* cursor) {
  const auto& at = of(cursor);
  return !at.feed || at.row >= at.feed->rows();
}

void give(sqlite3_context* to, const value_view& value) {
  const auto* bytes = value.bytes.data() ? value.bytes.data() : "";
  switch (value.type) {
  case value_type::null:
    sqlite3_result_null(to);
    break;
  case value_type::integer:
    sqlite3_result_int64(to, value.integer);
    break;
  case value_type::real:
    sqlite3_result_double(to, value.real);
    break;
  case value_type::text:
    sqlite3_result_text64(to, bytes, value.bytes.size(), SQLITE_STATIC, SQLITE_UTF8);
    break;
  case value_type::blob:
    sqlite3_result_blob64(to, bytes, value.bytes.size(), SQLITE_STATIC);
    break;
  }
}

int column(sqlite3_vtab_cursor* cursor, sqlite3_context* to, int index) {
  const auto& at = of(cursor);
  if (index == number_column)
    sqlite3_result_int64(to, static_cast<sqlite3_int64>(at.row));
  else if (const auto place = static_cast<std::size_t>(index) - 1; place < at.feed->width())
    give(to, at.feed->cell(at.row, place));
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* cursor, sqlite3_int64* id) {
  *id = static_cast<sqlite3_int64>(of(cursor).row);
  return SQLITE_OK;
}

const sqlite3_module& feed_module() {
  static const sqlite3_module result = [] {
    sqlite3_module made{};
    made.xConnect = connect; // and no xCreate: it exists without CREATE VIRTUAL TABLE, and only so
    made.xBestIndex = best_index;
    made.xDisconnect = disconnect;
    made.xOpen = open;
    made.xClose = close;
    made.xFilter = filter;
    made.xNext = next;
    made.xEof = is_at_end;
    made.xColumn = column;
    made.xRowid = row_id;
    return made;
  }();
  return result;
}

} // namespace

void row_feed::install(database& db) {
  const auto code = sqlite3_create_module(db.handle(), "tandem_feed", &feed_module(), nullptr);
  if (code != SQLITE_OK)
    db.fail(code, "making tandem_feed known");
}

} // namespace tandem::storage
