// Rows that are each other's parents, by however many steps: none of them can come back alone. Part of `admission`.
#include <algorithm>

#include "messages/limits.hpp"
#include "storage/admission.hpp"

namespace tandem::storage {

/// The tables from which foreign keys lead into a circle of tables.
std::set<const tracked_table*> admission::tables_in_circles() const {
  std::set<const tracked_table*> left;
  for (const auto& check : checks_)
    left.insert(check.child);
  const auto refers_to_left = [&](const tracked_table* table) {
    return std::ranges::any_of(
        checks_, [&](const link_check& check) { return check.child == table && left.contains(check.parent); });
  };
  while (std::erase_if(left, [&](const tracked_table* table) { return !refers_to_left(table); }) > 0) {
  }
  return left;
}

// Of all rows that wait for a parent, those come back together that have each parent in its table or among themselves.
// So a circle is visible wherever all of its rows are known, in whatever order they came.
bool admission::readmit_circles() {
  prepare_checks();
  if (tables_in_circles().empty())
    return false;
  struct candidate {
    tracked_table* table;
    std::string key;
    row_values values;
    local_stamp claim;
  };
  std::vector<candidate> left;
  statement query{c_.db, "SELECT t, k FROM tandem_quarantine WHERE waits <> 0 LIMIT ?1"};
  query.bind(limits::recheck_keys_max);
  while (query.step()) {
    const auto table = c_.table_with_id(static_cast<std::uint32_t>(query.integer(0)));
    std::string key{query.blob(1)};
    const auto record = table && !tried_in_circle_.contains({table->info.id, key}) ? table->record(key) : std::nullopt;
    if (!record)
      continue;
    auto values = quarantined_values(*table, key);
    const auto rival = table->rival_of(key, views_of(values));
    if (!rival || has_earlier_claim(*table, key, *rival))
      left.push_back({table, std::move(key), std::move(values), claim_of(*table, *record)});
  }
  query.reset();
  const auto named = [](const table& of, const std::vector<std::string>& columns, const candidate& row) {
    std::vector<value_view> result;
    for (const auto& column : columns)
      result.push_back(value_in_row(of, column, row.key, row.values));
    return result;
  };
  for (std::size_t before = 0; before != left.size();) {
    before = left.size();
    std::set<std::pair<const link_check*, std::string>> offered;
    for (const auto& check : checks_)
      for (const auto& row : left)
        if (row.table == check.parent)
          offered.emplace(&check, packed_values(named(row.table->info, check.key->to, row)));
    std::erase_if(left, [&](const candidate& row) {
      return std::ranges::any_of(checks_, [&](link_check& check) {
        if (check.child != row.table)
          return false;
        const auto wanted = named(row.table->info, check.key->from, row);
        if (std::ranges::any_of(wanted, [](const value_view& each) { return each.type == value_type::null; }) ||
            offered.contains({&check, packed_values(wanted)}))
          return false;
        const statement_guard guard{check.parent_exists};
        int index = 0;
        for (const auto& each : wanted)
          check.parent_exists.bind_at(++index, each);
        return !check.parent_exists.step();
      });
    });
  }
  std::ranges::sort(left, [&](const candidate& one, const candidate& two) {
    if (!(one.claim == two.claim))
      return c_.is_later(two.claim, one.claim);
    return std::pair{one.table->info.name, one.key} < std::pair{two.table->info.name, two.key};
  });
  for (const auto& row : left) {
    tried_in_circle_.emplace(row.table->info.id, row.key);
    std::string reason;
    std::uint32_t waits = 0;
    if (admit_over(*row.table, row.key, row.values, reason, waits))
      welcome(*row.table, row.key);
    else
      explain(*row.table, row.key, row.values, reason, waits);
  }
  return !left.empty();
}

} // namespace tandem::storage
