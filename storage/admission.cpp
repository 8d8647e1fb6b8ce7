#include "storage/admission.hpp"

#include <algorithm>
#include <utility>

#include <sqlite3.h>

#include "messages/limits.hpp"
#include "storage/drifting.hpp"

namespace tandem::storage {
namespace {

std::string conditions(const std::vector<std::string>& columns, std::string_view prefix) {
  std::vector<std::string> parts;
  for (const auto& column : columns)
    parts.push_back(std::string{prefix} + quoted(column) + " = ?" + std::to_string(parts.size() + 1));
  return joined(parts, " AND ");
}

std::string orphan_sql(const table& child, const foreign_key& key) {
  std::vector<std::string> present, matching;
  for (std::size_t i = 0; i < key.from.size(); ++i) {
    present.push_back("child." + quoted(key.from[i]) + " IS NOT NULL");
    matching.push_back("parent." + quoted(key.to[i]) + " = child." + quoted(key.from[i]));
  }
  return "SELECT " + child.key_list("child.") + " FROM main." + quoted(child.name) + " AS child WHERE " +
         joined(present, " AND ") + " AND NOT EXISTS (SELECT 1 FROM main." + quoted(key.parent) + " AS parent WHERE " +
         joined(matching, " AND ") + ")";
}

} // namespace

std::string constraint_name(int code) {
  switch (code) {
  case SQLITE_CONSTRAINT_CHECK:
    return "CHECK";
  case SQLITE_CONSTRAINT_NOTNULL:
    return "NOT NULL";
  case SQLITE_CONSTRAINT_DATATYPE:
    return "the column type of a STRICT table";
  default:
    return "a constraint";
  }
}

value_view value_in_row(const table& of, std::string_view column, std::string_view key, const row_values& values) {
  for (std::size_t i = 0; i < of.key.size(); ++i)
    if (sqlite3_stricmp(of.columns[of.key[i]].name.c_str(), std::string{column}.c_str()) == 0)
      return unpacked_values(key)[i];
  for (std::size_t i = 0; i < of.cells.size() && i < values.size(); ++i)
    if (sqlite3_stricmp(of.columns[of.cells[i]].name.c_str(), std::string{column}.c_str()) == 0)
      return values[i].view();
  return value_view::of_null();
}

void admission::row_queue::add(std::string_view key) {
  if (all)
    return;
  keys.emplace(key);
  if (keys.size() > limits::recheck_keys_max) {
    keys.clear();
    all = true;
  }
}

void admission::prepare_checks() {
  if (is_prepared_)
    return;
  is_prepared_ = true;
  for (const auto& [id, child] : c_.tables)
    for (const auto& key : child->info.foreign_keys) {
      if (!read_table(c_.db, key.parent))
        continue; // SQLite refuses to enforce a key to a table that does not exist
      link_check check;
      check.child = child.get();
      check.key = &key;
      check.parent = c_.table_named(key.parent);
      const auto parent = "main." + quoted(key.parent);
      check.parent_exists = {c_.db, "SELECT 1 FROM " + parent + " WHERE " + conditions(key.to, "")};
      check.children_of = {c_.db, "SELECT " + child->info.key_list() + " FROM " + child->info.app_table() + " WHERE " +
                                      conditions(key.from, "")};
      check.orphans = {c_.db, orphan_sql(child->info, key)};
      if (check.parent && check.parent->info.key.size() == key.to.size()) {
        check.refers_to_key = true;
        for (std::size_t i = 0; i < key.to.size(); ++i)
          check.refers_to_key =
              check.refers_to_key && sqlite3_stricmp(check.parent->info.columns[check.parent->info.key[i]].name.c_str(),
                                                     key.to[i].c_str()) == 0;
      }
      checks_.push_back(std::move(check));
    }
}

void admission::note_written(tracked_table& table, std::string_view key) {
  stir(table);
  if (table.info.foreign_keys.empty())
    return;
  prepare_checks();
  written_[table.info.id].add(key);
}

// Nothing waits for our own tables. If news of a conflict had rows tried again, which are conflicts, two replicas could
// go on telling each other for ever.
void admission::stir(const tracked_table& table) {
  if (c_.has_quarantine && !is_own_table(table.info.name))
    stirred_.insert(table.info.id);
}

void admission::note_vacated(tracked_table& table, std::string_view key) {
  stir(table);
  prepare_checks();
  for (const auto& check : checks_)
    if (check.parent == &table) {
      vacated_[table.info.id].add(key);
      return;
    }
}

// --- quarantine --------------------------------------------------------------------------------

row_values admission::quarantined_values(tracked_table& table, std::string_view key) {
  auto& query = c_.cached("SELECT vals FROM tandem_quarantine WHERE t = ?1 AND k = ?2");
  const statement_guard guard{query};
  query.bind_at(1, table.info.id);
  query.bind_blob(2, key);
  if (!query.step())
    throw failure{failure_code::corrupt, c_.db.path() + ": row " + key_to_json(key) + " of " + quoted(table.info.name) +
                                             " is marked as set aside but is not in tandem_quarantine; clone the file "
                                             "anew from a peer"};
  return unpack_cells(table.info, query.blob(0));
}

void admission::put_quarantined_values(tracked_table& table, std::string_view key, const row_values& values) {
  auto& put = c_.cached("INSERT INTO tandem_quarantine(t, k, vals, reason, waits) VALUES (?1, ?2, ?3, '', 0) "
                        "ON CONFLICT DO UPDATE SET vals = excluded.vals");
  const auto cells = pack_cells(table.info, values);
  put.bind_at(1, table.info.id);
  put.bind_blob(2, key);
  put.bind_blob(3, cells);
  put.run();
  c_.has_quarantine = true;
  changed_quarantine_.emplace(table.info.id, key);
}

void admission::drop_quarantined(tracked_table& table, std::string_view key, std::string_view state) {
  auto& query = c_.cached("SELECT conflict FROM tandem_quarantine WHERE t = ?1 AND k = ?2");
  query.bind_at(1, table.info.id);
  query.bind_blob(2, key);
  std::string id;
  if (query.step())
    id = query.text(0);
  query.reset();
  auto& remove = c_.cached("DELETE FROM tandem_quarantine WHERE t = ?1 AND k = ?2");
  remove.bind_at(1, table.info.id);
  remove.bind_blob(2, key);
  remove.run();
  changed_quarantine_.erase({table.info.id, std::string{key}});
  if (!id.empty())
    conflicts_.settle(id, "settled", state, {});
}

void admission::set_aside_new(tracked_table& table, std::string_view key, const row_values& values) {
  auto record = table.record(key);
  record->is_quarantined = true;
  table.put_record(key, *record);
  put_quarantined_values(table, key, values);
}

void admission::set_aside(tracked_table& table, std::string_view key, const std::string& reason, std::uint32_t waits) {
  const auto values = table.read(key);
  if (!values)
    return;
  table.remove(key);
  note_set_aside(table, key, *values, reason, waits);
}

void admission::note_set_aside(tracked_table& table, std::string_view key, const row_values& values,
                               const std::string& reason, std::uint32_t waits) {
  set_aside_new(table, key, values);
  changed_quarantine_.erase({table.info.id, std::string{key}});
  explain(table, key, values, reason, waits);
  note_vacated(table, key);
}

// The conflict that tells people about a row in quarantine, and what the row waits for.
void admission::explain(tracked_table& table, std::string_view key, const row_values& values, const std::string& reason,
                        std::uint32_t waits) {
  auto& known = c_.cached("SELECT conflict FROM tandem_quarantine WHERE t = ?1 AND k = ?2");
  known.bind_at(1, table.info.id);
  known.bind_blob(2, key);
  std::string id = known.step() ? std::string{known.text(0)} : std::string{};
  known.reset();
  if (id.empty()) {
    ++set_aside_count_;
    conflict_entry entry;
    entry.kind = conflict_kind::constraint;
    entry.table = &table;
    entry.key = key;
    entry.other = value{value_view::of_blob(pack_named_cells(table.info, values))};
    entry.current_stamp = entry.other_stamp = claim_of(table, *table.record(key));
    entry.rule = reason;
    entry.is_open = true;
    bool is_new = false;
    id = conflicts_.record(entry, &is_new);
    if (!is_new)
      conflicts_.settle(id, "open", "quarantine", {});
  }
  auto& update =
      c_.cached("UPDATE tandem_quarantine SET reason = ?3, waits = ?4, conflict = ?5 WHERE t = ?1 AND k = ?2");
  update.bind_at(1, table.info.id);
  update.bind_blob(2, key);
  update.bind_at(3, reason);
  update.bind_at(4, waits);
  update.bind_at(5, id);
  update.run();
}

// --- claims ------------------------------------------------------------------------------------

local_stamp admission::claim_of(tracked_table& table, const row_record& record) {
  auto result = record.of(life_column).written;
  for (const auto& key : table.info.unique_keys)
    for (const auto& name : key.mentioned) {
      const auto column = table.info.column_named(name);
      if (!column || column->key_position)
        continue;
      if (const auto& written = origin_of(table.info, record, column->id).written; c_.is_later(written, result))
        result = written;
    }
  return result;
}

bool admission::has_earlier_claim(tracked_table& table, std::string_view key, std::string_view other_key) {
  const auto own = table.record(key);
  const auto other = table.record(other_key);
  if (!own || !other)
    return false; // a row that we do not know yet will be stamped and judged then
  const auto own_claim = claim_of(table, *own);
  const auto other_claim = claim_of(table, *other);
  if (own_claim == other_claim)
    return key < other_key;
  return c_.is_later(other_claim, own_claim);
}

// --- settling ----------------------------------------------------------------------------------

std::string admission::missing_parent(tracked_table& table, std::string_view key, const row_values& values,
                                      std::uint32_t& waits) {
  prepare_checks();
  for (auto& check : checks_) {
    if (check.child != &table)
      continue;
    const statement_guard guard{check.parent_exists};
    bool has_null = false;
    std::vector<std::string> shown;
    int index = 0;
    for (const auto& column : check.key->from) {
      const auto each = value_in_row(table.info, column, key, values);
      has_null = has_null || each.type == value_type::null;
      check.parent_exists.bind_at(++index, each);
      shown.push_back(messages::to_display(each));
    }
    if (has_null || check.parent_exists.step())
      continue;
    // A row may be its own parent.
    if (check.parent == &table) {
      bool is_own = true;
      for (std::size_t i = 0; i < check.key->from.size(); ++i)
        is_own = is_own && messages::identical(value_in_row(table.info, check.key->from[i], key, values),
                                               value_in_row(table.info, check.key->to[i], key, values));
      if (is_own)
        continue;
    }
    waits = check.parent ? check.parent->info.id : 0;
    return "FOREIGN KEY (" + joined(check.key->from, ", ") + "): " + check.key->parent + " has no row " +
           joined(shown, ", ");
  }
  return {};
}

void admission::check_written() {
  auto queues = std::move(written_);
  written_.clear();
  for (auto& [id, queue] : queues) {
    auto& table = *c_.table_with_id(id);
    if (queue.all)
      for (auto& check : checks_)
        if (check.child == &table) {
          const statement_guard guard{check.orphans};
          while (check.orphans.step())
            queue.keys.insert(table.app_key(check.orphans, 0));
        }
    for (const auto& key : queue.keys) {
      const auto values = table.read(key);
      std::uint32_t waits = 0;
      if (!values)
        continue;
      if (const auto reason = missing_parent(table, key, *values, waits); !reason.empty())
        set_aside(table, key, reason, waits);
    }
  }
}

void admission::check_vacated() {
  auto queues = std::move(vacated_);
  vacated_.clear();
  for (auto& [id, queue] : queues)
    for (auto& check : checks_) {
      if (check.parent != c_.table_with_id(id))
        continue;
      const auto look_at = [&](statement& query) {
        const statement_guard guard{query};
        while (query.step())
          written_[check.child->info.id].add(check.child->app_key(query, 0));
      };
      if (queue.all || !check.refers_to_key) {
        look_at(check.orphans);
        continue;
      }
      for (const auto& key : queue.keys) {
        if (check.parent->exists(key))
          continue;
        check.parent->bind_app_key(check.children_of, 1, key);
        look_at(check.children_of);
      }
    }
}

// Only a row that came before all that hold its values pushes them out; before none of them, it leaves all in place.
bool admission::admit_over(tracked_table& table, std::string_view key, const row_values& values, std::string& reason,
                           std::uint32_t& waits) {
  waits = table.info.id;
  const auto views = views_of(values);
  std::vector<std::pair<std::string, row_values>> pushed_out;
  while (const auto constraint = table.insert(key, views)) {
    std::string in_place;
    reason = why_not_over(table, key, values, constraint, in_place);
    if (!reason.empty()) {
      for (const auto& [other_key, other_values] : pushed_out)
        table.insert(other_key, views_of(other_values));
      return false;
    }
    pushed_out.emplace_back(in_place, *table.read(in_place));
    table.remove(in_place);
  }
  for (const auto& [other_key, other_values] : pushed_out)
    note_set_aside(table, other_key, other_values,
                   "UNIQUE: row " + key_to_json(key) + " holds the same values and came first", table.info.id);
  return true;
}

/// Why a row that hit a constraint may not push out the row that is in its place; empty: it may, and `in_place` is it.
std::string admission::why_not_over(tracked_table& table, std::string_view key, const row_values& values,
                                    int constraint, std::string& in_place) {
  if (constraint != SQLITE_CONSTRAINT_UNIQUE && constraint != SQLITE_CONSTRAINT_PRIMARYKEY &&
      constraint != SQLITE_CONSTRAINT_ROWID)
    return constraint_name(constraint);
  const auto views = views_of(values);
  if (const auto rival = table.rival_of(key, views))
    in_place = *rival;
  else if (table.insert_or_find(key, views, in_place) || in_place == key)
    return constraint_name(constraint);
  if (!has_earlier_claim(table, key, in_place))
    return "UNIQUE: row " + key_to_json(in_place) + " holds the same values and came first";
  return {};
}

bool admission::try_to_admit(tracked_table& table, std::string_view key) {
  const auto values = quarantined_values(table, key);
  std::uint32_t waits = 0;
  auto reason = missing_parent(table, key, values, waits);
  if (!reason.empty() || !admit_over(table, key, values, reason, waits)) {
    explain(table, key, values, reason, waits);
    return false;
  }
  welcome(table, key);
  return true;
}

/// The row is back in its table.
void admission::welcome(tracked_table& table, std::string_view key) {
  auto record = table.record(key);
  record->is_quarantined = false;
  table.put_record(key, *record);
  drop_quarantined(table, key, "fits again");
  ++readmitted_count_;
  note_written(table, key);
  stirred_.insert(table.info.id);
}

void admission::readmit_waiting() {
  struct candidate {
    tracked_table* table;
    std::string key;
    local_stamp claim;
  };
  std::vector<candidate> candidates;
  statement query{c_.db, "SELECT t, k, waits FROM tandem_quarantine"};
  while (query.step()) {
    const auto table = c_.table_with_id(static_cast<std::uint32_t>(query.integer(0)));
    if (!table || circles_.contains(table))
      continue;
    std::string key{query.blob(1)};
    // A parent that is not tracked changes without our being told, so such rows are tried each time.
    const auto waits = static_cast<std::uint32_t>(query.integer(2));
    if (waits != 0 && !stirred_.contains(waits) && !changed_quarantine_.contains({table->info.id, key}))
      continue;
    if (const auto record = table->record(key))
      candidates.push_back({table, std::move(key), claim_of(*table, *record)});
  }
  query.reset();
  std::ranges::sort(candidates, [&](const candidate& left, const candidate& right) {
    if (!(left.claim == right.claim))
      return c_.is_later(right.claim, left.claim);
    return std::pair{left.table->info.name, left.key} < std::pair{right.table->info.name, right.key};
  });
  stirred_.clear();
  changed_quarantine_.clear();
  for (const auto& each : candidates)
    try_to_admit(*each.table, each.key);
}

void admission::reconsider_all() {
  statement aside{c_.db, "SELECT t, k FROM tandem_quarantine"};
  while (aside.step())
    changed_quarantine_.emplace(static_cast<std::uint32_t>(aside.integer(0)), aside.blob(1));
}

void admission::settle() {
  for (std::size_t round = 0;; ++round) {
    while (!written_.empty() || !vacated_.empty()) {
      check_written();
      check_vacated();
    }
    if (!c_.has_quarantine || round == limits::admission_rounds_max ||
        (stirred_.empty() && changed_quarantine_.empty()))
      break;
    if (ever_stirred_.empty())
      find_circles();
    ever_stirred_.insert(stirred_.begin(), stirred_.end());
    for (const auto& [table, key] : changed_quarantine_)
      ever_stirred_.insert(table);
    readmit_waiting();
  }
  if (has_stirred_circles())
    decide_circles();
  ever_stirred_.clear();
}

} // namespace tandem::storage
