// Tables whose rows may be each other's parents, by however many steps. Who may be visible there can depend on who else
// is, around a circle: a row waits for a parent that is aside because of a row that is visible only because the first
// one is not. So those rows are not tried one by one but called together, and decided on as a whole
// (admission_order.cpp). Part of `admission`.
#include <algorithm>
#include <deque>
#include <unordered_map>

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

// With more rows aside than can be held at once they are tried one by one, as in any other table.
void admission::find_circles() {
  prepare_checks();
  circles_ = tables_in_circles();
  if (!circles_.empty() && rows_aside(circles_).size() > limits::recheck_keys_max)
    circles_.clear();
}

/// True if rows of such tables may fit now, or no longer. Parents that are not tracked change without our being told.
bool admission::has_stirred_circles() const {
  return !ever_stirred_.empty() && std::ranges::any_of(checks_, [this](const link_check& check) {
    return circles_.contains(check.child) && (!check.parent || ever_stirred_.contains(check.child->info.id) ||
                                              ever_stirred_.contains(check.parent->info.id));
  });
}

/// The rows of these tables that are set aside, and may come back.
std::vector<admission::row_name> admission::rows_aside(const std::set<const tracked_table*>& of) {
  std::vector<row_name> result;
  statement query{c_.db, "SELECT t, k FROM tandem_quarantine"};
  while (result.size() <= limits::recheck_keys_max && query.step())
    if (const auto table = c_.table_with_id(static_cast<std::uint32_t>(query.integer(0))); table && of.contains(table))
      result.emplace_back(table->info.id, query.blob(1));
  std::erase_if(result, [this](const row_name& row) { return !c_.table_with_id(row.first)->record(row.second); });
  return result;
}

bool admission::call(claimants& all, tracked_table& table, std::string_view key, row_values values, bool is_visible) {
  const auto record = table.record(key);
  if (!record)
    return false; // a trigger of the app has just written it; it will be stamped and judged then
  all.push_back({&table, std::string{key}, std::move(values), claim_of(table, *record), is_visible});
  if (is_visible)
    table.remove(key);
  return true;
}

/// The visible row that keeps this one out, also where only an index over an expression can tell.
std::optional<std::string> admission::rival_in_place(tracked_table& table, std::string_view key,
                                                     const row_values& values) {
  if (auto rival = table.rival_of(key, views_of(values)))
    return rival;
  std::string in_place;
  if (table.insert_or_find(key, views_of(values), in_place) != 0)
    return std::nullopt;
  if (in_place != key)
    return in_place;
  table.remove(key);
  return std::nullopt;
}

// All that takes part leaves its table: rows aside, who holds their values, and the children of those. Whoever stays
// shares no value with any of them and has all its parents, so it is visible in any case; and whoever takes part
// follows from the merged state alone.
admission::claimants admission::call_together(const std::vector<row_name>& aside) {
  claimants all;
  for (const auto& [id, key] : aside) {
    auto& table = *c_.table_with_id(id);
    const auto values = quarantined_values(table, key);
    call(all, table, key, values, false);
    auto rival = rival_in_place(table, key, values);
    while (rival && call(all, table, *rival, *table.read(*rival), true))
      rival = rival_in_place(table, key, values);
  }
  for (std::size_t next = 0; next < all.size(); ++next)
    for (auto& check : checks_)
      if (all[next].was_visible && check.parent == all[next].table)
        for (const auto& key : children_of(check, std::string{all[next].key}))
          if (const auto values = check.child->read(key))
            call(all, *check.child, key, *values, true);
  std::ranges::sort(all, [&](const claimant& one, const claimant& two) {
    if (!(one.claim == two.claim))
      return c_.is_later(two.claim, one.claim);
    return std::pair{one.table->info.name, one.key} < std::pair{two.table->info.name, two.key};
  });
  return all;
}

/// Keys of visible rows that the parent, which has just left its table, leaves without one.
std::vector<std::string> admission::children_of(link_check& check, std::string_view parent_key) {
  std::vector<std::string> result;
  auto& query = check.refers_to_key ? check.children_of : check.orphans;
  const statement_guard guard{query};
  if (check.refers_to_key)
    check.parent->bind_app_key(query, 1, parent_key);
  while (query.step())
    result.push_back(check.child->app_key(query, 0));
  return result;
}

/// Which values each row wants of a parent, and which it offers as one.
struct admission::parentage {
  using place = std::pair<const link_check*, std::string>;

  static std::string named(const claimant& row, const std::vector<std::string>& columns) {
    std::vector<value_view> result;
    for (const auto& column : columns)
      result.push_back(value_in_row(row.table->info, column, row.key, row.values));
    const bool has_null =
        std::ranges::any_of(result, [](const value_view& each) { return each.type == value_type::null; });
    return has_null ? std::string{} : packed_values(result);
  }

  std::map<place, std::size_t> offers;
  std::map<place, std::vector<std::size_t>> wanters;
};

// Rows that find no parent even among all that take part are out at once, and so are theirs, down the line.
void admission::reject_orphans(claimants& all) {
  parentage known;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (const auto& check : checks_) {
      if (check.parent == all[i].table)
        ++known.offers[{&check, parentage::named(all[i], check.key->to)}];
      if (check.child == all[i].table)
        known.wanters[{&check, parentage::named(all[i], check.key->from)}].push_back(i);
    }
  std::deque<std::size_t> orphans;
  const auto look_at = [&](std::size_t i) {
    const auto has_no_parent = [&](link_check& check) {
      if (check.child != all[i].table)
        return false;
      const auto wanted = parentage::named(all[i], check.key->from);
      const auto offer = known.offers.find({&check, wanted});
      if (wanted.empty() || (offer != known.offers.end() && offer->second > 0))
        return false;
      const statement_guard guard{check.parent_exists};
      int index = 0;
      for (const auto& each : unpacked_values(wanted))
        check.parent_exists.bind_at(++index, each);
      return !check.parent_exists.step();
    };
    if (all[i].is_rejected || std::ranges::none_of(checks_, has_no_parent))
      return;
    all[i].is_rejected = true;
    orphans.push_back(i);
  };
  for (std::size_t i = 0; i < all.size(); ++i)
    look_at(i);
  for (; !orphans.empty(); orphans.pop_front())
    for (const auto& check : checks_) {
      const auto& row = all[orphans.front()];
      if (check.parent != row.table)
        continue;
      const parentage::place place{&check, parentage::named(row, check.key->to)};
      if (--known.offers[place] == 0)
        for (const auto each : known.wanters[place])
          look_at(each);
    }
}

} // namespace tandem::storage
