// Rows that keep each other out around a circle: one waits for a parent that is aside because of a row that is visible
// only because the first one is not. Either may stand, so which of them does is decided anew, in one order everywhere.
// Part of `admission`.
#include <algorithm>
#include <utility>

#include "messages/limits.hpp"
#include "storage/admission.hpp"

namespace tandem::storage {
/// Lets in whoever comes first and hits nobody.
void admission::let_in(std::vector<claimant>& all) {
  for (auto& each : all)
    each.is_in = !each.is_rejected && each.table->insert(each.key, views_of(each.values)) == 0;
}

// True if a row without a parent came before a visible row that holds its values.
bool admission::is_order_open(const std::vector<row_name>& aside) {
  return std::ranges::any_of(aside, [&](const row_name& row) {
    auto& table = *c_.table_with_id(row.first);
    const auto values = quarantined_values(table, row.second);
    const auto rival = table.rival_of(row.second, views_of(values));
    std::uint32_t waits = 0;
    return rival && has_earlier_claim(table, row.second, *rival) &&
           !missing_parent(table, row.second, values, waits).empty();
  });
}

/// The rows of these tables that are set aside, and may come back.
std::vector<admission::row_name> admission::rows_aside(const std::set<const tracked_table*>& of) {
  std::vector<row_name> result;
  statement query{c_.db, "SELECT t, k FROM tandem_quarantine LIMIT ?1"};
  query.bind(limits::rows_at_once);
  while (query.step())
    if (const auto table = c_.table_with_id(static_cast<std::uint32_t>(query.integer(0)));
        table && of.contains(table) && table->record(query.blob(1)))
      result.emplace_back(table->info.id, query.blob(1));
  return result;
}

// All that takes part leaves its table: rows aside, who holds their values, and the children of those.
std::vector<admission::claimant> admission::call_together(const std::set<const tracked_table*>& circle,
                                                          const std::vector<row_name>& aside) {
  std::vector<claimant> all;
  const auto add = [&](tracked_table& table, std::string_view key, row_values values, bool is_visible) {
    const auto record = table.record(key);
    if (!record)
      return false; // a trigger of the app has just written it; it will be stamped and judged then
    all.push_back({&table, std::string{key}, std::move(values), claim_of(table, *record), is_visible});
    if (is_visible)
      table.remove(key);
    return true;
  };
  for (const auto& [id, key] : aside) {
    auto& table = *c_.table_with_id(id);
    const auto values = quarantined_values(table, key);
    add(table, key, values, false);
    auto rival = table.rival_of(key, views_of(values));
    while (rival && add(table, *rival, *table.read(*rival), true))
      rival = table.rival_of(key, views_of(values));
  }
  for (bool any = true; std::exchange(any, false);)
    for (auto& check : checks_) {
      if (!circle.contains(check.child))
        continue;
      std::vector<std::string> orphans;
      {
        const statement_guard guard{check.orphans};
        while (check.orphans.step())
          orphans.push_back(check.child->app_key(check.orphans, 0));
      }
      for (const auto& key : orphans)
        any = add(*check.child, key, *check.child->read(key), true) || any;
    }
  std::ranges::sort(all, [&](const claimant& one, const claimant& two) {
    if (!(one.claim == two.claim))
      return c_.is_later(two.claim, one.claim);
    return std::pair{one.table->info.name, one.key} < std::pair{two.table->info.name, two.key};
  });
  return all;
}

void admission::decide_circles() {
  prepare_checks();
  const auto circle = tables_in_circles();
  if (std::ranges::none_of(circle, [](const tracked_table* table) { return !table->info.unique_keys.empty(); }))
    return;
  const auto aside = rows_aside(circle);
  if (!is_order_open(aside))
    return;
  auto all = call_together(circle, aside);
  std::uint32_t waits = 0;
  const auto lacks_parent = [&](const claimant& each) {
    return each.is_in && !missing_parent(*each.table, each.key, each.values, waits).empty();
  };
  // The first that has no parent in the end gives way, and all are asked again.
  for (let_in(all);; let_in(all)) {
    const auto first = std::ranges::find_if(all, lacks_parent);
    if (first == all.end())
      break;
    first->is_rejected = true;
    for (const auto& each : all)
      if (each.is_in)
        each.table->remove(each.key);
  }
  for (const auto& each : all)
    if (each.is_in != each.was_visible)
      carry_out(each);
  // What was decided is not to be taken up again within this transaction.
  written_.clear();
  vacated_.clear();
  stirred_.clear();
  changed_quarantine_.clear();
}

/// Notes that a row came in, or went.
void admission::carry_out(const claimant& decided) {
  auto& table = *decided.table;
  if (decided.is_in) {
    welcome(table, decided.key);
    return;
  }
  std::uint32_t waits = 0;
  auto reason = missing_parent(table, decided.key, decided.values, waits);
  if (reason.empty()) {
    const auto rival = table.rival_of(decided.key, views_of(decided.values));
    reason = "UNIQUE: row " + (rival ? key_to_json(*rival) : "?") + " holds the same values and came first";
    waits = table.info.id;
  }
  note_set_aside(table, decided.key, decided.values, reason, waits);
}

} // namespace tandem::storage
