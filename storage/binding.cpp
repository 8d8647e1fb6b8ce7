// What a peer's table and column ids mean here.
#include <algorithm>
#include <set>

#include <sqlite3.h>

#include "messages/limits.hpp"
#include "storage/keeping.hpp"
#include "storage/merging.hpp"
#include "storage/tracking.hpp"

namespace tandem::storage {
namespace {

bool is_same_name(const std::string& left, const std::string& right) {
  return sqlite3_stricmp(left.c_str(), right.c_str()) == 0;
}

bool is_among(const std::vector<std::string>& names, const std::string& wanted) {
  return std::ranges::any_of(names, [&](const std::string& each) { return is_same_name(each, wanted); });
}

} // namespace

const table_column* counterpart_of(const table& ours, const messages::column_schema& theirs) {
  const auto exact = ours.column_named(theirs.name);
  if (exact && !exact->is_gone)
    return exact;
  // One of the two versions has renamed it.
  for (const auto& column : ours.columns)
    if (!column.is_gone && (is_among(column.former_names, theirs.name) || is_among(theirs.former_names, column.name)))
      return &column;
  return exact;
}

tracked_table* counterpart_of(core& c, const messages::table_schema& theirs) {
  if (const auto exact = c.table_named(theirs.name))
    return exact;
  for (const auto& [id, each] : c.tables)
    if (is_among(each->info.former_names, theirs.name) || is_among(theirs.former_names, each->info.name))
      return each.get();
  return nullptr;
}

namespace {

/// Who bears the same name is the same column. Only for the others does it count what they were called once, as long as
/// that is nobody else: the peer may have both a column that was renamed here, and one of the new name.
std::vector<const table_column*> counterparts_of(const table& ours,
                                                 const std::vector<messages::column_schema>& theirs) {
  std::vector<const table_column*> result(theirs.size());
  std::set<const table_column*> taken;
  for (std::size_t i = 0; i < theirs.size(); ++i)
    if (const auto exact = ours.column_named(theirs[i].name); exact && !exact->is_gone) {
      result[i] = exact;
      taken.insert(exact);
    }
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    if (result[i])
      continue;
    auto found = counterpart_of(ours, theirs[i]);
    if (found && taken.contains(found))
      found = ours.column_named(theirs[i].name);
    if (!found || !taken.insert(found).second)
      continue;
    result[i] = found;
  }
  return result;
}

void keep_for_others(core& c, const table& ours, const std::vector<messages::column_schema>& unknown) {
  if (ours.columns.size() + unknown.size() > limits::columns_max)
    throw failure{failure_code::limit,
                  "table " + quoted(ours.name) + " would have " + std::to_string(ours.columns.size() + unknown.size()) +
                      " columns with those of the peer, over the limit of " + std::to_string(limits::columns_max)};
  auto& add =
      c.cached("INSERT INTO tandem_columns(t, id, name, type, since, gone) VALUES (?1, (SELECT max(id) + 1 FROM "
               "tandem_columns WHERE t = ?1), ?2, ?3, ?4, 1)");
  for (const auto& column : unknown)
    add.bind(ours.id, column.name, column.declared_type, c.head).run();
}

} // namespace

std::optional<peer_binding> bind_schema(core& c, const messages::schema& theirs, bool may_keep) {
  peer_binding result;
  result.schema_version = theirs.version;
  bool has_kept = false;
  for (const auto& each : theirs.tables) {
    if (counterpart_of(c, each))
      continue;
    if (!may_keep)
      return std::nullopt;
    begin_keeping(c, each);
    has_kept = true;
  }
  for (const auto& each : theirs.tables) {
    const auto own = counterpart_of(c, each);
    if (!own)
      throw failure{failure_code::schema, "table " + quoted(each.name) + " of the peer can't be kept here"};
    auto& bound = result.tables[each.id];
    bound.id = own->info.id;
    std::vector<messages::column_schema> unknown;
    const auto counterparts = counterparts_of(own->info, each.columns);
    for (std::size_t i = 0; i < each.columns.size(); ++i) {
      const auto& column = each.columns[i];
      const auto found = counterparts[i];
      if (!found && !column.key_position)
        unknown.push_back(column);
      else if (!found || found->key_position != column.key_position)
        throw failure{failure_code::schema, "table " + quoted(own->info.name) + " has another primary key at the peer"};
      else if (!found->key_position)
        bound.columns[column.id] = found->id;
    }
    if (unknown.empty())
      continue;
    if (!may_keep)
      return std::nullopt;
    keep_for_others(c, own->info, unknown);
    has_kept = true;
  }
  if (has_kept) {
    bump_schema(c);
    c.refresh_tables();
    return bind_schema(c, theirs, false);
  }
  result.own_version = c.meta("schema");
  return result;
}

} // namespace tandem::storage
