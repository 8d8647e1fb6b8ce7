#include "storage/refusing.hpp"

#include <sqlite3.h>

#include "messages/limits.hpp"

namespace tandem::storage {
namespace {

// A rule may look at any table, and change nothing.
int allow_reading(void*, int action, const char*, const char* name, const char*, const char*) {
  switch (action) {
  case SQLITE_SELECT:
  case SQLITE_READ:
  case SQLITE_RECURSIVE:
    return SQLITE_OK;
  case SQLITE_FUNCTION:
    return name && sqlite3_stricmp(name, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
  default:
    return SQLITE_DENY;
  }
}

class authorizer_guard {
public:
  explicit authorizer_guard(database& db) : db_{db} { sqlite3_set_authorizer(db.handle(), allow_reading, nullptr); }
  ~authorizer_guard() { sqlite3_set_authorizer(db_.handle(), nullptr, nullptr); }
  authorizer_guard(const authorizer_guard&) = delete;
  authorizer_guard& operator=(const authorizer_guard&) = delete;

private:
  database& db_;
};

class steps_guard {
public:
  explicit steps_guard(database& db) : db_{db} {
    sqlite3_progress_handler(
        db.handle(), limits::rule_steps_max, [](void*) { return 1; }, nullptr);
  }
  ~steps_guard() { sqlite3_progress_handler(db_.handle(), 0, nullptr, nullptr); }
  steps_guard(const steps_guard&) = delete;
  steps_guard& operator=(const steps_guard&) = delete;

private:
  database& db_;
};

// SELECT (rule) FROM (row before) AS old, (row after) AS new: key columns first, then the cells. ?1 is the author's
// site; SQLite numbers the other parameters by their order here.
std::string question(const table& of, const std::string& expression) {
  std::string result = "SELECT (" + expression + "\n) FROM (SELECT ?1 AS site)";
  int parameter = 1;
  for (const char* side : {"old", "new"}) {
    std::vector<std::string> columns;
    const auto add = [&](std::size_t index) {
      columns.push_back("?" + std::to_string(++parameter) + " AS " + quoted(of.columns[index].name));
    };
    for (const auto index : of.key)
      add(index);
    for (const auto index : of.cells)
      add(index);
    result += ", (SELECT " + joined(columns, ", ") + ") AS " + side;
  }
  return result;
}

// An expression that closes our parenthesis would be another statement than the one that we mean.
bool is_one_expression(const std::string& expression) {
  return expression.find(';') == std::string::npos && expression.find_first_not_of(" \t\n") != std::string::npos;
}

/// Why the rule does not compile; empty: it does.
std::string fault_of(core& c, const table& of, const std::string& expression) {
  if (!is_one_expression(expression))
    return "it is no single SQL expression";
  const authorizer_guard guard{c.db};
  sqlite3_stmt* handle = nullptr;
  const auto sql = question(of, expression);
  const auto code = sqlite3_prepare_v2(c.db.handle(), sql.c_str(), static_cast<int>(sql.size()), &handle, nullptr);
  const std::string result = code == SQLITE_OK ? std::string{} : sqlite3_errmsg(c.db.handle());
  sqlite3_finalize(handle);
  return result;
}

} // namespace

table_rules::table_rules(core& c, const tracked_table& table) : c_{c}, of_{table.info} {
  statement query{c.db, "SELECT name, coalesce(applies_to_site, ''), expression, coalesce(message, '') FROM "
                        "tandem_rules WHERE tbl = ? COLLATE NOCASE ORDER BY name"};
  query.bind(of_.name);
  while (query.step()) {
    const std::string expression{query.text(2)};
    if (!fault_of(c, of_, expression).empty())
      continue;
    const authorizer_guard guard{c.db};
    rules_.push_back({std::string{query.text(0)}, std::string{query.text(1)}, std::string{query.text(3)},
                      statement{c.db, question(of_, expression)}});
  }
}

std::string table_rules::refusal(const judged_change& change) {
  const auto author = change.author.to_hex();
  const auto keys = unpacked_values(change.key);
  for (auto& rule : rules_) {
    if (!author.starts_with(rule.site))
      continue;
    auto& query = rule.query;
    const statement_guard guard{query};
    const steps_guard steps{c_.db};
    int index = 0;
    query.bind_at(++index, std::string_view{author});
    for (const auto* side : {change.before, change.after}) {
      for (const auto& key : keys)
        query.bind_at(++index, side ? key : value_view::of_null());
      for (std::size_t i = 0; i < of_.cells.size(); ++i)
        query.bind_at(++index, side ? (*side)[i].view() : value_view::of_null());
    }
    const auto told = rule.name + ": " + rule.message;
    try {
      // As with CHECK, NULL is no refusal.
      if (query.step() && !query.is_null(0) && query.real(0) == 0)
        return told;
    } catch (const failure& problem) {
      return told + " (the rule can't be evaluated for this row: " + problem.what() + ")";
    }
  }
  return {};
}

void put_rule(core& c, const rule& given) {
  const auto& of = c.tracked(given.table).info;
  if (given.name.empty() || given.name.find(':') != std::string::npos)
    throw failure{failure_code::usage, "a rule needs a name, without a colon"};
  if (const auto fault = fault_of(c, of, given.expression); !fault.empty())
    throw failure{failure_code::usage, "rule " + quoted(given.name) + " does not compile: " + fault +
                                           "; it is an SQL expression over new.COLUMN, old.COLUMN and site, true for "
                                           "what is allowed"};
  c.cached("REPLACE INTO tandem_rules(name, tbl, applies_to_site, expression, message) VALUES (?1, ?2, ?3, ?4, ?5)")
      .bind(given.name, of.name, given.site, given.expression, given.message)
      .run();
}

void remove_rule(core& c, std::string_view name) {
  statement remove{c.db, "DELETE FROM tandem_rules WHERE name = ? RETURNING 1"};
  remove.bind(name);
  if (!remove.step())
    throw failure{failure_code::not_found,
                  "there is no rule " + quoted(name) + "; `tandem rules " + c.db.path() + " list` shows what there is"};
}

std::vector<rule> rules_of(core& c) {
  std::vector<rule> result;
  statement query{c.db, "SELECT name, coalesce(tbl, ''), coalesce(applies_to_site, ''), coalesce(expression, ''), "
                        "coalesce(message, '') FROM tandem_rules ORDER BY name"};
  while (query.step()) {
    rule each{std::string{query.text(0)}, std::string{query.text(1)}, std::string{query.text(2)},
              std::string{query.text(3)}, std::string{query.text(4)}, {}};
    const auto table = c.table_named(each.table);
    each.fault = table ? fault_of(c, table->info, each.expression) : "its table is not tracked";
    result.push_back(std::move(each));
  }
  return result;
}

} // namespace tandem::storage
