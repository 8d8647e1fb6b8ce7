#include "storage/policies.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "storage/conflict_store.hpp"

namespace tandem::storage {
namespace {

constexpr std::array cell_policies{cell_policy::lww,  cell_policy::ask,     cell_policy::keep_first,
                                   cell_policy::max,  cell_policy::min,     cell_policy::counter,
                                   cell_policy::text, cell_policy::callback};

std::optional<cell_policy> cell_policy_named(std::string_view name) {
  for (const auto each : cell_policies)
    if (name_of(each) == name)
      return each;
  return std::nullopt;
}

// SQLite looks for words in the declared type in the same way.
bool names_any(std::string type, std::initializer_list<const char*> words) {
  std::ranges::transform(type, type.begin(), [](unsigned char each) { return static_cast<char>(std::toupper(each)); });
  return std::ranges::any_of(words, [&](const char* word) { return type.find(word) != std::string::npos; });
}

bool holds_blobs(const std::string& type) {
  return names_any(type, {"BLOB"});
}

// A column of INTEGER, REAL or NUMERIC affinity: https://www.sqlite.org/datatype3.html
bool holds_numbers(const std::string& type) {
  return names_any(type, {"INT"}) || !(type.empty() || names_any(type, {"CHAR", "CLOB", "TEXT", "BLOB", "ANY"}));
}

// A column of TEXT affinity.
bool holds_texts(const std::string& type) {
  return names_any(type, {"CHAR", "CLOB", "TEXT"}) && !names_any(type, {"INT"});
}

std::string target_of(const policy& given) {
  return given.column.empty() ? given.table : given.table + "." + given.column;
}

// Why the policy can't hold; empty: it can.
std::string misfit(core& c, const policy& given) {
  const auto table = c.table_named(given.table);
  if (!table || is_own_table(table->info.name))
    return "table " + quoted(given.table) + " is not tracked";
  const bool is_for_table = given.column.empty();
  const bool asks_too = given.name == "text" && given.options == "ask";
  if (!given.options.empty() && !asks_too &&
      (!is_for_table || (given.options != "delete_wins" && given.options != "update_wins")))
    return "option \"" + given.options +
           "\" is not known; a table's policy takes delete_wins or update_wins, the policy text takes ask";
  const auto known = cell_policy_named(given.name);
  const bool is_table_policy = given.name == "row" || given.name == "delete_wins" || given.name == "update_wins";
  if (!known && !is_table_policy)
    return "policy \"" + given.name +
           "\" is not known; there are lww, ask, keep_first, max, min, counter, text, callback for columns, and lww, "
           "ask, keep_first, row, delete_wins, update_wins for tables";
  const bool compares = known == cell_policy::max || known == cell_policy::min;
  const bool counts = known == cell_policy::counter;
  const bool merges = known == cell_policy::text;
  const bool asks_host = known == cell_policy::callback;
  if (is_for_table)
    return compares || counts || merges || asks_host ? "policy " + given.name + " is for columns; give TABLE.COLUMN"
                                                     : std::string{};
  if (is_table_policy)
    return "policy " + given.name + " is for whole tables, not for a column";
  const auto column = table->info.column_named(given.column);
  if (!column)
    return "table " + quoted(given.table) + " has no column " + quoted(given.column);
  if (column->key_position)
    return quoted(given.column) + " is part of the primary key, which has no conflicts";
  if (compares && holds_blobs(column->declared_type))
    return "policy " + given.name + " compares values, and " + quoted(given.column) + " holds blobs";
  if (counts && !holds_numbers(column->declared_type))
    return "policy counter adds numbers, and " + quoted(given.column) + " is not declared as INTEGER, REAL or NUMERIC";
  if (merges && !holds_texts(column->declared_type))
    return "policy text merges texts, and " + quoted(given.column) + " is not declared as TEXT, VARCHAR or CLOB";
  return {};
}

void put(core& c, const policy& given, std::map<std::uint32_t, table_policy>& into) {
  const auto& table = *c.table_named(given.table);
  auto& result = into[table.info.id];
  result.delete_wins = result.delete_wins || given.name == "delete_wins" || given.options == "delete_wins";
  if (given.name == "row")
    result.is_row = true;
  else if (const auto known = cell_policy_named(given.name); known && given.column.empty())
    result.all = *known;
  else if (known)
    result.columns[table.info.column_named(given.column)->id] = given.options == "ask" ? cell_policy::text_ask : *known;
}

bool is_plain(const table_policy& each) {
  return !each.is_row && !each.delete_wins && each.all == cell_policy::lww &&
         std::ranges::all_of(each.columns, [](const auto& column) { return column.second == cell_policy::lww; });
}

int sign(bool is_less, bool is_greater) {
  return static_cast<int>(is_greater) - static_cast<int>(is_less);
}

// Exact where a conversion to double would round.
int compare_integer_with_real(std::int64_t integer, double real) {
  constexpr double beyond = 9223372036854775808.0;
  if (real >= beyond)
    return -1;
  if (real < -beyond)
    return 1;
  const auto whole = static_cast<std::int64_t>(real);
  if (integer != whole)
    return sign(integer<whole, integer> whole);
  const auto rest = real - static_cast<double>(whole);
  return sign(rest > 0, rest < 0);
}

int rank(const value_view& each) {
  switch (each.type) {
  case value_type::null:
    return 0;
  case value_type::integer:
  case value_type::real:
    return 1;
  case value_type::text:
    return 2;
  case value_type::blob:
    return 3;
  }
  return 0;
}

} // namespace

std::string_view name_of(cell_policy policy) {
  switch (policy) {
  case cell_policy::lww:
    return "lww";
  case cell_policy::ask:
    return "ask";
  case cell_policy::keep_first:
    return "keep_first";
  case cell_policy::max:
    return "max";
  case cell_policy::min:
    return "min";
  case cell_policy::counter:
    return "counter";
  case cell_policy::text:
  case cell_policy::text_ask:
    return "text";
  case cell_policy::callback:
    return "callback";
  }
  return "lww";
}

int compare_values(const value_view& left, const value_view& right) {
  if (rank(left) != rank(right))
    return rank(left) - rank(right);
  if (rank(left) == 0)
    return 0;
  if (rank(left) > 1) {
    const auto order = left.bytes.compare(right.bytes);
    return sign(order<0, order> 0);
  }
  if (left.type == value_type::integer && right.type == value_type::integer)
    return sign(left.integer<right.integer, left.integer> right.integer);
  if (left.type == value_type::real && right.type == value_type::real)
    return sign(left.real<right.real, left.real> right.real);
  return left.type == value_type::integer ? compare_integer_with_real(left.integer, right.real)
                                          : -compare_integer_with_real(right.integer, left.real);
}

std::vector<policy> policies_of(core& c) {
  std::vector<policy> result;
  auto& query = c.cached("SELECT tbl, col, policy, options FROM tandem_policies ORDER BY tbl, col");
  const statement_guard guard{query};
  while (query.step()) {
    policy each{std::string{query.text(0)}, std::string{query.text(1)}, std::string{query.text(2)},
                std::string{query.text(3)}};
    each.trouble = misfit(c, each);
    result.push_back(std::move(each));
  }
  return result;
}

policy_book::policy_book(core& c) {
  for (const auto& each : policies_of(c))
    if (each.trouble.empty())
      put(c, each, tables_);
  std::erase_if(tables_, [](const auto& each) { return is_plain(each.second); });
}

void write_policies(core& c, std::span<const policy> policies) {
  for (const auto& each : policies)
    if (const auto reason = misfit(c, each); !reason.empty())
      throw failure{failure_code::usage,
                    "policy " + target_of(each) + "=" + each.name + ": " + reason + "; nothing was tracked"};
  if (policies.empty())
    return;
  auto& rows = c.tracked(policies_table);
  const std::array columns{rows.info.column_named("policy")->id, rows.info.column_named("options")->id};
  for (const auto& each : policies) {
    const auto& table = c.tracked(each.table).info;
    const auto& column = each.column.empty() ? each.column : table.column_named(each.column)->name;
    const std::array key{value_view::of_text(table.name), value_view::of_text(column)};
    const row_values values{value{value_view::of_text(each.name)}, value{value_view::of_text(each.options)}};
    if (rows.read(packed_values(key)) != values)
      write_here(c, rows, packed_values(key), columns, views_of(values));
  }
}

} // namespace tandem::storage
