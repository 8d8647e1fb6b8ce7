#include "storage/pruning.hpp"

#include <algorithm>
#include <limits>

#include "storage/choices.hpp"

namespace tandem::storage {
namespace {

/// Ids of entries that are to go, the oldest first; their choices go with them. Choices whose conflict is gone were
/// made where nobody knew of that yet.
std::vector<std::string> victims(core& c, const audit_limits& limits, std::uint64_t entries_max) {
  if (limits.keep_ms == 0 && limits.keep_count == 0)
    return {};
  std::vector<std::string> result;
  const auto read = [&](statement& query) {
    while (result.size() < entries_max && query.step())
      result.emplace_back(query.text(0));
  };
  statement orphans{c.db, "SELECT id FROM tandem_conflicts AS choice WHERE about IS NOT NULL AND NOT EXISTS "
                          "(SELECT 1 FROM tandem_conflicts WHERE id = choice.about) LIMIT ?1"};
  orphans.bind(entries_max);
  read(orphans);
  statement old{c.db, "SELECT id FROM tandem_conflicts WHERE about IS NULL AND state <> 'open' AND "
                      "ifnull(settled_ms, 0) < ?1 ORDER BY ifnull(settled_ms, 0), id LIMIT ?2"};
  old.bind(limits.keep_ms == 0 ? std::numeric_limits<std::int64_t>::min() : c.now_ms() - limits.keep_ms, entries_max);
  read(old);
  if (limits.keep_count != 0) {
    statement surplus{c.db, "SELECT id FROM tandem_conflicts WHERE about IS NULL AND state <> 'open' "
                            "ORDER BY ifnull(settled_ms, 0) DESC, id DESC LIMIT ?2 OFFSET ?1"};
    surplus.bind(std::min<std::uint64_t>(limits.keep_count, std::numeric_limits<std::int64_t>::max()), entries_max);
    while (result.size() < entries_max && surplus.step())
      if (std::ranges::find(result, surplus.text(0)) == result.end())
        result.emplace_back(surplus.text(0));
  }
  return result;
}

void remove(core& c, std::string_view id) {
  auto& rows = c.tracked(conflicts_table);
  const auto key = conflict_key(id);
  auto record = rows.record(key);
  auto values = rows.read(key);
  if (!record || !values)
    return;
  rows.remove(key);
  rows.remove_record(key);
  column_set life;
  life.add(life_column);
  record->write(life, {c.next_stamp(), c.append_log(rows, key, via_here), via_here}, rows.info.all_cells);
  c.put_tombstone(rows, key, {*record, std::move(*values)});
}

} // namespace

audit_limits audit_limits_of(core& c) {
  return {c.meta("audit_keep_ms"), static_cast<std::uint64_t>(c.meta("audit_keep_count"))};
}

void put_audit_limits(core& c, const audit_limits& given) {
  if (given.keep_ms < 0 || given.keep_count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    throw failure{failure_code::usage, "the audit trail can't be kept for less than no time; 0 keeps it for ever"};
  c.set_meta("audit_keep_ms", given.keep_ms);
  c.set_meta("audit_keep_count", static_cast<std::int64_t>(given.keep_count));
}

prune_report prune_step(core& c, std::uint64_t entries_max) {
  prune_report result;
  {
    core_transaction reading{c, transaction::kind::read};
    result.head = c.head;
    if (has_pending_hints(c) || victims(c, audit_limits_of(c), 1).empty())
      return result; // most often; needs no lock
  }
  core_transaction writing{c, transaction::kind::write};
  if (has_pending_hints(c))
    return result; // stock SQL has written to the audit trail: that is stamped first
  const auto ids = victims(c, audit_limits_of(c), entries_max);
  for (const auto& id : ids) {
    for (const auto& each : choices_of(c, id))
      remove(c, each.id);
    remove(c, id);
  }
  result.removed = ids.size();
  result.is_done = ids.size() < entries_max;
  result.head = c.head;
  writing.commit();
  return result;
}

} // namespace tandem::storage
