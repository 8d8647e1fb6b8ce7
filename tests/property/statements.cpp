#include "tests/property/statements.hpp"

#include <limits>

namespace tandem::property {
namespace {

const std::vector<value>& strange_values() {
  static const std::vector<value> result{
      {},
      of_integer(std::numeric_limits<std::int64_t>::max()),
      of_integer(std::numeric_limits<std::int64_t>::min()),
      of_integer(0),
      of_integer(-1),
      of_real(0.0),
      of_real(-0.0),
      of_real(1.0),
      of_real(std::numeric_limits<double>::infinity()),
      of_real(-std::numeric_limits<double>::infinity()),
      of_real(std::numeric_limits<double>::denorm_min()),
      of_real(std::numeric_limits<double>::max()),
      of_real(0.1),
      of_text(""),
      of_text(std::string_view{"a\0b", 3}),
      of_text("1"),
      of_text("1.0"),
      of_text("\xF0\x9F\x99\x82 \xE8\xA1\xA8"),
      of_text("\xFF\xFE\x80 no UTF-8"),
      of_text("it's \"quoted\" \\ \n\t"),
      of_blob(""),
      of_blob(std::string_view{"\0\0", 2}),
      of_blob("1"),
  };
  return result;
}

struct prepared {
  std::string sql;
  row parameters;

  void add(const std::string& text, const value& parameter) {
    sql += text;
    parameters.push_back(parameter);
  }
};

class statement_writer {
public:
  statement_writer(const table_spec& table, value_source& values, random_source& random)
      : table_{table}, values_{values}, random_{random} {}

  prepared insert() {
    static const std::vector<std::string> verbs{"INSERT", "INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"};
    prepared result{random_.pick(verbs) + " INTO " + sql_name(table_.name) + " (", {}};
    std::string marks;
    for (const auto& column : table_.columns) {
      if (column.is_generated || (!column.is_key && random_.chance(10)))
        continue;
      result.add((marks.empty() ? "" : ", ") + sql_name(column.name), drawn(column));
      marks += marks.empty() ? "?" : ", ?";
    }
    result.sql += ") VALUES (" + marks + ")";
    return result;
  }

  prepared upsert() {
    auto result = insert();
    result.sql.replace(0, result.sql.find(" INTO"), "INSERT");
    std::string keys;
    for (const auto index : table_.key())
      keys += (keys.empty() ? "" : ", ") + sql_name(table_.columns[index].name);
    if (random_.chance(25)) {
      result.sql += " ON CONFLICT (" + keys + ") DO NOTHING";
      return result;
    }
    const auto& column = table_.columns[random_.pick(table_.cells())];
    result.add(" ON CONFLICT (" + keys + ") DO UPDATE SET " + sql_name(column.name) + " = ?", drawn(column));
    return result;
  }

  prepared update(bool of_all_rows) {
    static const std::vector<std::string> verbs{"UPDATE ", "UPDATE ", "UPDATE OR REPLACE ", "UPDATE OR IGNORE "};
    prepared result{random_.pick(verbs) + sql_name(table_.name) + " SET ", {}};
    const auto cells = table_.cells();
    const auto count = 1 + random_.below(cells.size());
    const auto first = random_.below(cells.size());
    for (std::size_t i = 0; i < count; ++i) {
      const auto& column = table_.columns[cells[(first + i) % cells.size()]];
      result.add((i ? ", " : "") + sql_name(column.name) + " = ?", drawn(column));
    }
    if (!of_all_rows)
      where_key(result);
    return result;
  }

  prepared key_change() {
    const auto& column = table_.columns[random_.pick(table_.key())];
    prepared result{"UPDATE OR IGNORE " + sql_name(table_.name) + " SET ", {}};
    result.add(sql_name(column.name) + " = ?", drawn(column));
    where_key(result);
    return result;
  }

  prepared erase(bool of_all_rows) {
    prepared result{"DELETE FROM " + sql_name(table_.name), {}};
    if (!of_all_rows)
      where_key(result);
    return result;
  }

private:
  value drawn(const column_spec& column) {
    return column.is_key ? value_source::drawn_key(random_, column) : values_.drawn(random_, column);
  }
  void where_key(prepared& statement) {
    statement.sql += " WHERE " + key_condition(table_);
    for (const auto index : table_.key())
      statement.parameters.push_back(drawn(table_.columns[index]));
  }

  const table_spec& table_;
  value_source& values_;
  random_source& random_;
};

prepared drawn_statement(statement_writer& write, random_source& random) {
  switch (random.below(16)) {
  case 0:
  case 1:
  case 2:
  case 3:
  case 4:
    return write.insert();
  case 5:
  case 6:
    return write.upsert();
  case 7:
  case 8:
  case 9:
  case 10:
    return write.update(false);
  case 11:
    return write.update(true);
  case 12:
    return write.key_change();
  case 13:
  case 14:
    return write.erase(false);
  default:
    return write.erase(random.chance(30));
  }
}

} // namespace

value value_source::drawn_key(random_source& random, const column_spec& column) {
  static const std::vector<value> integers{of_integer(1), of_integer(2), of_integer(3), of_integer(-7),
                                           of_integer(std::numeric_limits<std::int64_t>::max())};
  static const std::vector<value> texts{of_text("a"), of_text("b"), of_text(""), of_text("o'ne \"two\""),
                                        of_text("表")};
  return random.pick(column.kind == column_kind::integer ? integers : texts);
}

value value_source::fresh(random_source& random, column_kind kind) {
  const auto number = ++next_;
  const auto text = "v" + std::to_string(number);
  switch (kind) {
  case column_kind::integer:
  case column_kind::numeric:
    return of_integer(number);
  case column_kind::real:
    return of_real(static_cast<double>(number) + 0.25);
  case column_kind::text:
    return of_text(text);
  case column_kind::blob:
    return of_blob(text);
  case column_kind::any:
    break;
  }
  return random.chance(50) ? of_integer(number) : of_text(text);
}

value value_source::drawn(random_source& random, const column_spec& column) {
  if (column.references >= 0)
    return random.chance(20) ? value{} : drawn_key(random, column);
  if (column.has_few_values) {
    static const std::vector<value> few{of_text("x"), of_text("X"), of_text("y"), of_text("z"), {}};
    return random.pick(few);
  }
  if (random.chance(20))
    return random.pick(strange_values());
  return fresh(random, column.kind);
}

std::string random_statement(app_database& app, const schema_spec& schema, value_source& values,
                             random_source& random) {
  const auto& table = random.pick(schema.tables);
  statement_writer writer{table, values, random};
  const auto statement = drawn_statement(writer, random);
  const bool was_done = app.attempt(statement.sql, statement.parameters);
  return statement.sql + " " + shown(statement.parameters) + (was_done ? "" : " -- refused: " + app.last_error());
}

std::string random_transaction(app_database& app, const schema_spec& schema, value_source& values,
                               random_source& random) {
  if (random.chance(40))
    return random_statement(app, schema, values, random);
  std::string text = random.chance(50) ? "BEGIN" : "BEGIN IMMEDIATE";
  app.execute(text);
  const auto run = [&](const std::string& sql) {
    if (app.in_transaction() && app.attempt(sql))
      text += "; " + sql;
  };
  const auto count = 1 + random.below(4);
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_nested = random.chance(20);
    if (is_nested)
      run("SAVEPOINT inner_part");
    text += "; " + random_statement(app, schema, values, random);
    if (is_nested && random.chance(50))
      run("ROLLBACK TO inner_part");
    if (is_nested)
      run("RELEASE inner_part");
  }
  run(random.chance(15) ? "ROLLBACK" : "COMMIT");
  run("ROLLBACK"); // a COMMIT that a deferred foreign key refused leaves the transaction open
  return text;
}

} // namespace tandem::property
