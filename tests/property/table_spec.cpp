#include "tests/property/table_spec.hpp"

#include "tests/property/app_database.hpp"

namespace tandem::property {
namespace {

const std::vector<std::string> table_names{"tasks", "order", "odd \"name\"", "übung — 表", "it's", "a b", "x;--"};
const std::vector<std::string> column_names{"title",      "select", "na\"me", "größe", "o'clock",
                                            "with space", "値",     "Group",  "x.y"};

std::string type_name(column_kind kind, random_source& random) {
  switch (kind) {
  case column_kind::integer:
    return random.chance(50) ? "INTEGER" : "BIGINT";
  case column_kind::real:
    return random.chance(50) ? "REAL" : "DOUBLE";
  case column_kind::text:
    return random.chance(50) ? "TEXT" : "VARCHAR(20)";
  case column_kind::blob:
    return "BLOB";
  case column_kind::numeric:
    return random.chance(50) ? "NUMERIC" : "DECIMAL(10,2)";
  case column_kind::any:
    break;
  }
  return "";
}

// The declared type travels in the constraint: a spec is drawn once and written out at every replica alike.
column_spec drawn_column(random_source& random, std::size_t number, bool is_key) {
  static const std::vector<column_kind> kinds{column_kind::integer, column_kind::real,    column_kind::text,
                                              column_kind::blob,    column_kind::numeric, column_kind::any};
  static const std::vector<column_kind> key_kinds{column_kind::integer, column_kind::text};
  column_spec result;
  result.kind = random.pick(is_key ? key_kinds : kinds);
  result.name = random.pick(column_names) + (number ? " " + std::to_string(number) : "");
  result.is_key = is_key;
  result.constraint = type_name(result.kind, random);
  return result;
}

table_spec drawn_table(random_source& random, std::size_t number) {
  table_spec result;
  result.name = random.pick(table_names) + (number ? std::to_string(number) : "");
  const auto shape = random.below(4);
  if (shape == 0) {
    column_spec key{"id", column_kind::integer, true, false, false, "INTEGER PRIMARY KEY", -1, ""};
    if (random.chance(30))
      key.constraint += " AUTOINCREMENT";
    result.has_key_at_end = false;
    result.columns.push_back(key);
  } else {
    for (std::size_t i = 0; i < (shape == 3 ? 2 + random.below(2) : 1); ++i) {
      result.columns.push_back(drawn_column(random, i, true));
      result.columns.back().constraint += " NOT NULL";
    }
    result.is_without_rowid = random.chance(40);
  }
  const auto cells = 1 + random.below(4);
  for (std::size_t i = 0; i < cells; ++i) {
    const auto at = result.columns.begin() + static_cast<std::ptrdiff_t>(random.below(result.columns.size() + 1));
    result.columns.insert(at, drawn_column(random, i + 10, false));
  }
  if (random.chance(30)) {
    const auto source = sql_name(result.columns[result.cells().front()].name);
    column_spec generated{"made", column_kind::any, false, true, false, "", -1, ""};
    generated.constraint = "GENERATED ALWAYS AS (typeof(" + source + ")) " + (random.chance(50) ? "STORED" : "VIRTUAL");
    result.columns.insert(result.columns.begin() + static_cast<std::ptrdiff_t>(random.below(result.columns.size() + 1)),
                          generated);
  }
  if (random.chance(30))
    result.more_sql.push_back("CREATE INDEX " + sql_name("by_" + result.name) + " ON " + sql_name(result.name) + " (" +
                              sql_name(result.columns[result.cells().front()].name) + ")");
  return result;
}

void constrain(random_source& random, table_spec& table, const schema_spec& earlier) {
  for (const auto index : table.cells()) {
    auto& column = table.columns[index];
    switch (random.below(7)) {
    case 0:
      column.constraint += " UNIQUE";
      column.has_few_values = true;
      break;
    case 1:
      // (integrity_check of SQLite 3.40 takes a text default of a numeric column for a fault.)
      column.constraint += column.kind == column_kind::text ? " NOT NULL DEFAULT 'none'" : " NOT NULL DEFAULT 0";
      break;
    case 2:
      column.constraint += " CHECK (length(" + sql_name(column.name) + ") < 40)";
      break;
    case 3:
      column.constraint += " COLLATE NOCASE";
      column.has_few_values = true;
      if (random.chance(50))
        column.constraint += " UNIQUE";
      break;
    case 4: {
      const auto target = random.below(earlier.tables.size() + 1);
      const bool is_self = target == earlier.tables.size();
      const auto& parent = is_self ? table : earlier.tables[target];
      if (parent.key().size() != 1)
        break;
      column.references = static_cast<int>(target);
      column.kind = parent.columns[parent.key().front()].kind;
      column.constraint = column.kind == column_kind::integer ? "INTEGER" : "TEXT";
      static const std::vector<std::string> actions{"", " ON DELETE CASCADE", " ON DELETE SET NULL",
                                                    " ON UPDATE CASCADE", " DEFERRABLE INITIALLY DEFERRED"};
      column.on_delete = random.pick(actions);
      break;
    }
    default:
      break;
    }
  }
}

} // namespace

std::vector<std::size_t> table_spec::key() const {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i].is_key)
      result.push_back(i);
  return result;
}

std::vector<std::size_t> table_spec::cells() const {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (!columns[i].is_key && !columns[i].is_generated)
      result.push_back(i);
  return result;
}

std::vector<std::string> schema_spec::sql() const {
  std::vector<std::string> result;
  for (const auto& table : tables) {
    result.push_back(create_table(table, *this));
    result.insert(result.end(), table.more_sql.begin(), table.more_sql.end());
  }
  return result;
}

std::vector<std::string> schema_spec::names() const {
  std::vector<std::string> result;
  for (const auto& table : tables)
    result.push_back(table.name);
  return result;
}

schema_spec free_schema(random_source& random) {
  schema_spec result;
  const auto count = 1 + random.below(3);
  for (std::size_t i = 0; i < count; ++i)
    result.tables.push_back(drawn_table(random, i));
  return result;
}

schema_spec constrained_schema(random_source& random) {
  schema_spec result;
  const auto count = 1 + random.below(3);
  for (std::size_t i = 0; i < count; ++i) {
    auto table = drawn_table(random, i);
    constrain(random, table, result);
    result.tables.push_back(std::move(table));
  }
  return result;
}

std::string create_table(const table_spec& table, const schema_spec& schema) {
  std::string result = "CREATE TABLE " + sql_name(table.name) + " (";
  std::string keys;
  for (const auto& column : table.columns) {
    if (&column != &table.columns.front())
      result += ", ";
    result += sql_name(column.name) + " " + column.constraint;
    if (column.references >= 0) {
      const auto& parent = schema.tables[static_cast<std::size_t>(column.references)];
      result += " REFERENCES " + sql_name(parent.name) + " (" + sql_name(parent.columns[parent.key().front()].name) +
                ")" + column.on_delete;
    }
    if (column.is_key)
      keys += (keys.empty() ? "" : ", ") + sql_name(column.name);
  }
  if (table.has_key_at_end)
    result += ", PRIMARY KEY (" + keys + ")";
  return result + (table.is_without_rowid ? ") WITHOUT ROWID" : ")");
}

std::string key_condition(const table_spec& table) {
  std::string result;
  for (const auto index : table.key())
    result += (result.empty() ? "" : " AND ") + sql_name(table.columns[index].name) + " = ?";
  return result;
}

} // namespace tandem::property
