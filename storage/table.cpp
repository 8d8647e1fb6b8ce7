#include "storage/table.hpp"

#include <algorithm>
#include <cctype>

#include <sqlite3.h>

#include "messages/limits.hpp"

namespace tandem::storage {
namespace {

std::string upper(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), [](unsigned char letter) { return std::toupper(letter); });
  return result;
}

bool is_same_name(std::string_view left, std::string_view right) {
  return left.size() == right.size() && sqlite3_strnicmp(left.data(), right.data(), static_cast<int>(left.size())) == 0;
}

// Affinity rules of https://www.sqlite.org/datatype3.html, section 3.1.
bool keeps_any_type(std::string_view declared_type) {
  const auto type = upper(declared_type);
  const auto has = [&](const char* part) {
    return type.find(part) != std::string::npos;
  };
  if (has("INT") || has("CHAR") || has("CLOB") || has("TEXT"))
    return false;
  return type.empty() || has("BLOB") || type == "ANY";
}

int allow_constants(void*, int action, const char*, const char*, const char*, const char*) {
  return action == SQLITE_SELECT ? SQLITE_OK : SQLITE_DENY;
}

// A default like CURRENT_TIMESTAMP would be another value at each replica, so only constants count; ALTER TABLE ADD
// COLUMN takes no others either.
messages::value constant_default(database& db, std::string_view sql) {
  const auto text = "SELECT " + std::string{sql};
  sqlite3_set_authorizer(db.handle(), allow_constants, nullptr);
  sqlite3_stmt* handle = nullptr;
  const auto code = sqlite3_prepare_v2(db.handle(), text.c_str(), static_cast<int>(text.size()), &handle, nullptr);
  sqlite3_set_authorizer(db.handle(), nullptr, nullptr);
  sqlite3_finalize(handle);
  if (code != SQLITE_OK)
    return {};
  statement query{db, text};
  return query.step() ? messages::value{query.value(0)} : messages::value{};
}

void read_columns(database& db, table& result) {
  statement query{db, "SELECT name, type, pk, hidden, dflt_value FROM pragma_table_xinfo(?) ORDER BY cid"};
  query.bind(result.name);
  std::vector<std::pair<std::int64_t, std::size_t>> keys;
  while (query.step()) {
    const auto hidden = query.integer(3);
    if (hidden != 0) // generated columns are computed anew everywhere
      continue;
    table_column column;
    column.name = query.text(0);
    column.declared_type = query.text(1);
    column.key_position = static_cast<std::uint32_t>(query.integer(2));
    column.is_typeless = keeps_any_type(column.declared_type);
    if (!query.is_null(4))
      column.fallback = constant_default(db, query.text(4));
    if (column.key_position)
      keys.emplace_back(column.key_position, result.columns.size());
    else
      result.cells.push_back(result.columns.size());
    result.columns.push_back(std::move(column));
  }
  std::ranges::sort(keys);
  for (const auto& [position, index] : keys)
    result.key.push_back(index);
}

void read_foreign_keys(database& db, table& result) {
  statement query{db, "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?) ORDER BY id, seq"};
  query.bind(result.name);
  std::int64_t last = -1;
  while (query.step()) {
    if (query.integer(0) != last)
      result.foreign_keys.push_back({std::string{query.text(1)}, {}, {}});
    last = query.integer(0);
    result.foreign_keys.back().from.emplace_back(query.text(2));
    if (!query.is_null(3))
      result.foreign_keys.back().to.emplace_back(query.text(3));
  }
  for (auto& key : result.foreign_keys) {
    if (!key.to.empty())
      continue;
    statement parent{db, "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk"};
    parent.bind(key.parent);
    while (parent.step())
      key.to.emplace_back(parent.text(0));
  }
  // A key that names no columns of an existing parent can't be checked, and SQLite refuses to enforce it.
  std::erase_if(result.foreign_keys, [](const foreign_key& key) { return key.to.size() != key.from.size(); });
}

// What follows WHERE in CREATE INDEX ... ON t(...) WHERE ...: the first WHERE after the list of columns, outside of
// quotes and parentheses.
std::string condition_of_index(std::string_view sql) {
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    const char letter = sql[i];
    if (quote) {
      if (letter == quote)
        quote = 0;
    } else if (letter == '"' || letter == '\'' || letter == '`') {
      quote = letter;
    } else if (letter == '[') {
      quote = ']';
    } else if (letter == '(') {
      ++depth;
    } else if (letter == ')') {
      --depth;
    } else if (depth == 0 && upper(sql.substr(i, 5)) == "WHERE" && i > 0 && sql[i - 1] != '_') {
      return std::string{sql.substr(i + 5)};
    }
  }
  return {};
}

// The columns whose names stand in a piece of SQL. More than an expression really uses do no harm: they make a claim
// later, at every replica alike.
std::vector<std::string> columns_in(const table& of, std::string_view sql) {
  const auto is_part_of_name = [](char each) {
    return std::isalnum(static_cast<unsigned char>(each)) || each == '_' || static_cast<unsigned char>(each) >= 0x80;
  };
  const auto text = upper(sql);
  std::vector<std::string> result;
  for (const auto& column : of.columns) {
    const auto name = upper(column.name);
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
      const auto end = at + name.size();
      if ((at > 0 && is_part_of_name(text[at - 1])) || (end < text.size() && is_part_of_name(text[end])))
        continue;
      result.push_back(column.name);
      break;
    }
  }
  return result;
}

void read_indexes(database& db, table& result) {
  bool has_key_index = false;
  statement query{db, "SELECT name, \"unique\", origin FROM pragma_index_list(?) ORDER BY name"};
  query.bind(result.name);
  while (query.step()) {
    if (query.text(2) == "pk")
      has_key_index = true;
    else if (query.integer(1))
      result.unique_keys.push_back({std::string{query.text(0)}, {}, {}, {}});
  }
  statement collations{db, "SELECT x.name FROM pragma_index_list(?1) AS l, pragma_index_xinfo(l.name) AS x "
                           "WHERE l.origin = 'pk' AND x.key AND x.coll <> 'BINARY'"};
  collations.bind(result.name);
  while (collations.step())
    for (auto& column : result.columns)
      column.is_collated = column.is_collated || column.name == collations.text(0);
  for (auto& key : result.unique_keys) {
    statement columns{db, "SELECT name FROM pragma_index_info(?) ORDER BY seqno"};
    columns.bind(key.name);
    while (columns.step())
      key.columns.emplace_back(columns.is_null(0) ? std::string_view{} : columns.text(0));
  }
  for (auto& key : result.unique_keys) {
    key.mentioned = key.columns;
    statement index{db, "SELECT s.sql, l.partial FROM pragma_index_list(?1) AS l JOIN sqlite_schema AS s ON s.name = "
                        "l.name WHERE l.name = ?2 AND s.sql IS NOT NULL"};
    index.bind(result.name, key.name);
    if (!index.step())
      continue;
    if (index.integer(1))
      key.condition = condition_of_index(index.text(0));
    if (!key.condition.empty() || std::ranges::count(key.columns, std::string{}))
      key.mentioned = columns_in(result, index.text(0));
  }
  result.has_integer_key = result.key.size() == 1 && !has_key_index;
}

void read_ddl(database& db, table& result) {
  statement query{db, "SELECT sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND type IN ('table', 'index') "
                      "AND sql IS NOT NULL ORDER BY type DESC, name"};
  query.bind(result.name);
  while (query.step())
    result.ddl.emplace_back(query.text(0));
}

} // namespace

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string result;
  for (const auto& part : parts) {
    if (!result.empty())
      result += separator;
    result += part;
  }
  return result;
}

const table_column* table::column_named(std::string_view wanted) const {
  const auto found =
      std::ranges::find_if(columns, [&](const table_column& each) { return is_same_name(each.name, wanted); });
  return found == columns.end() ? nullptr : &*found;
}

const table_column* table::column_with_id(std::uint32_t wanted) const {
  const auto found = std::ranges::find(columns, wanted, &table_column::id);
  return found == columns.end() ? nullptr : &*found;
}

messages::table_schema table::schema() const {
  messages::table_schema result{id, name, {}, ddl, former_names};
  for (const auto& column : columns)
    result.columns.push_back({column.id, column.name, column.declared_type, column.key_position, column.former_names});
  return result;
}

bool table::is_unwritten(std::uint32_t column, std::uint64_t pos) const {
  if (pos > since)
    return false;
  if (pos == 0)
    return true;
  const auto found = column_with_id(column);
  return found && pos <= found->since;
}

std::string table::fingerprint() const {
  std::string result = name + "\n";
  for (const auto& column : columns)
    if (!column.is_gone)
      result +=
          quoted(column.name) + " " + std::to_string(column.key_position) + (column.is_typeless ? " any\n" : "\n");
  for (const auto& key : unique_keys)
    result += "unique " + joined(key.columns, ",") + (key.condition.empty() ? "" : " where " + key.condition) + "\n";
  result += has_integer_key ? "rowid" : "key";
  return result;
}

std::string table::key_condition(int first_parameter) const {
  return key_condition_with("", "?", first_parameter);
}

std::string table::fed_key_condition() const {
  return key_condition_with("app.", "given.c", 0);
}

std::string table::key_condition_with(std::string_view row, std::string_view given_prefix, int first) const {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto& column = columns[key[i]];
    const auto name = std::string{row} + quoted(column.name);
    const auto given = std::string{given_prefix} + std::to_string(first + static_cast<int>(i));
    parts.push_back(name + " = " + given);
    // The first condition finds the row by its index; these make sure that it is the very key.
    if (column.is_collated)
      parts.push_back(name + " = " + given + " COLLATE BINARY");
    if (column.is_typeless && !has_integer_key)
      parts.push_back("typeof(" + name + ") = typeof(" + given + ")");
  }
  return joined(parts, " AND ");
}

std::string table::key_list(std::string_view prefix) const {
  std::vector<std::string> parts;
  for (const auto index : key)
    parts.push_back(std::string{prefix} + quoted(columns[index].name));
  return joined(parts, ", ");
}

namespace {

// Peers and people know it by its own name, and are told how the app's version of it is created.
void read_kept(database& db, table& result) {
  statement told{db, "SELECT n, sql FROM tandem_kept WHERE t = CAST(?1 AS INTEGER) ORDER BY n"};
  told.bind(std::string_view{result.stored_as}.substr(kept_prefix.size()));
  result.ddl.clear();
  while (told.step()) {
    if (told.integer(0) == 0)
      result.name = told.text(1);
    else
      result.ddl.emplace_back(told.text(1));
  }
}

} // namespace

std::optional<table> read_table(database& db, std::string_view name) {
  statement exists{db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE"};
  exists.bind(name);
  if (!exists.step())
    return std::nullopt;
  table result;
  result.name = result.stored_as = exists.text(0);
  read_columns(db, result);
  read_foreign_keys(db, result);
  read_indexes(db, result);
  read_ddl(db, result);
  if (result.is_kept())
    read_kept(db, result);
  return result;
}

std::string reason_not_to_track(database& db, std::string_view name) {
  const std::string shown = quoted(name);
  statement kind{db, "SELECT type, name FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE"};
  kind.bind(name);
  if (!kind.step())
    return "there is no table " + shown + " in " + db.path() + "; `.tables` in sqlite3 lists those there are";
  if (kind.text(0) == "view")
    return shown + " is a view, which stores no rows; track the tables that it reads";
  if (kind.text(0) == "virtual")
    return shown +
           " is a virtual table, whose rows live elsewhere; track the table that it indexes and let triggers feed it";
  if (kind.text(0) == "shadow")
    return shown + " is a shadow table of a virtual table; track the table that it indexes";
  if (name.starts_with("sqlite_") || name.starts_with("tandem_"))
    return shown + " is an internal table";
  const auto found = read_table(db, name);
  if (found->key.empty())
    return shown +
           " has no primary key, so its rows can't be told apart at other replicas; create it anew with a PRIMARY KEY "
           "and copy the rows over";
  if (found->columns.size() > limits::columns_max)
    return shown + " has " + std::to_string(found->columns.size()) + " columns, over the limit of " +
           std::to_string(limits::columns_max) + "; split it";
  if (!found->has_integer_key) {
    std::vector<std::string> is_null;
    for (const auto index : found->key)
      is_null.push_back(quoted(found->columns[index].name) + " IS NULL");
    const auto rows = db.integer("SELECT count(*) FROM " + quoted(found->name) + " WHERE " + joined(is_null, " OR "));
    if (rows)
      return shown + " has " + std::to_string(rows) + " rows with NULL in their primary key; give them a key first";
  }
  return {};
}

std::vector<std::string> trackable_tables(database& db) {
  std::vector<std::string> names;
  statement query{db,
                  "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND "
                  "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'tandem\\_%' ESCAPE '\\' ORDER BY name"};
  while (query.step())
    names.emplace_back(query.text(0));
  std::erase_if(names, [&](const std::string& name) { return !reason_not_to_track(db, name).empty(); });
  return names;
}

} // namespace tandem::storage
