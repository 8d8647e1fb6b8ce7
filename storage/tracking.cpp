// Which tables are tracked: track, untrack, repair after ALTER TABLE, and levelling with a peer.
#include "storage/tracking.hpp"

#include <algorithm>

#include <sqlite3.h>

#include "storage/bases.hpp"
#include "storage/capture.hpp"
#include "storage/conflict_store.hpp"
#include "storage/counting.hpp"
#include "storage/keeping.hpp"
#include "storage/layout.hpp"
#include "storage/policies.hpp"
#include "storage/renaming.hpp"

namespace tandem::storage {
namespace {

/// Gives ids to columns that have none yet, and notes which have come back and which are gone. Returns those that the
/// triggers in place do not know.
column_set remember_columns(core& c, table& tracked) {
  column_set late;
  statement known{c.db, "SELECT id, name, gone FROM tandem_columns WHERE t = ?"};
  known.bind(tracked.id);
  std::uint32_t last = 0;
  std::vector<std::int64_t> returned, lost;
  while (known.step()) {
    const auto id = static_cast<std::uint32_t>(known.integer(0));
    last = std::max(last, id);
    const auto own = std::ranges::find_if(tracked.columns, [&](const table_column& each) {
      return sqlite3_stricmp(each.name.c_str(), std::string{known.text(1)}.c_str()) == 0;
    });
    const bool is_here = own != tracked.columns.end();
    if (is_here)
      own->id = id;
    if (is_here && known.integer(2)) {
      returned.push_back(id);
      late.add(id);
    } else if (!is_here && !known.integer(2)) {
      lost.push_back(id);
    }
  }
  known.reset();
  for (const auto id : returned)
    c.cached("UPDATE tandem_columns SET gone = 0 WHERE t = ?1 AND id = ?2").bind(tracked.id, id).run();
  // What was dropped went with its values: as if nobody had ever written them here.
  for (const auto id : lost)
    c.cached("UPDATE tandem_columns SET gone = 1, since = ?3 WHERE t = ?1 AND id = ?2")
        .bind(tracked.id, id, c.head)
        .run();
  statement insert{c.db, "INSERT INTO tandem_columns(t, id, name, since) VALUES (?1, ?2, ?3, ?4)"};
  const auto since = last ? c.head : 0;
  for (auto& column : tracked.columns) {
    if (column.id == 0) {
      column.id = ++last;
      insert.bind(tracked.id, column.id, column.name, since).run();
      if (!column.key_position && since)
        late.add(column.id);
    }
    if (!column.key_position)
      tracked.own_cells.add(column.id);
  }
  tracked.own_cells.add(life_column);
  return late;
}

void widen_pending(core& c, std::size_t key_columns) {
  const auto has =
      static_cast<std::size_t>(c.db.integer("SELECT count(*) FROM pragma_table_info('tandem_pending')")) - 4;
  for (auto i = has; i < key_columns; ++i)
    c.db.execute("ALTER TABLE tandem_pending ADD COLUMN " + pending_key_column(i));
}

} // namespace

void capture(core& c, table& described) {
  const auto late = remember_columns(c, described);
  if (!late.empty())
    c.late_columns[described.id].add(late);
  widen_pending(c, described.key.size());
  described.based = c.based_columns(described.id);
  for (const auto& sql : release_statements(described.id))
    c.db.execute(sql);
  for (const auto& sql : capture_statements(described))
    c.db.execute(sql);
  // Values of deleted rows that are not stamped yet stay when columns come and go.
  for (const auto index : described.cells) {
    const auto column = "c" + std::to_string(described.columns[index].id);
    if (!c.db.integer("SELECT count(*) FROM pragma_table_info('" + described.deleted_table() + "') WHERE name = '" +
                      column + "'"))
      c.db.execute("ALTER TABLE " + described.deleted_table() + " ADD COLUMN " + column);
  }
  const auto fingerprint = described.fingerprint();
  c.cached("UPDATE tandem_tables SET name = ?2, fingerprint = ?3 WHERE id = ?1")
      .bind(described.id, described.stored_as, fingerprint)
      .run();
}

namespace {

// A table that was tracked once may come back: ids are never given twice, or old records would be misread.
std::uint32_t next_table_id(core& c) {
  const auto result = c.meta("table_ids") + 1;
  c.set_meta("table_ids", result);
  return static_cast<std::uint32_t>(result);
}

std::uint64_t record_existing_rows(core& c, tracked_table& fresh) {
  const auto origin = c.next_stamp();
  statement rows{c.db, "SELECT " + fresh.info.key_list() + " FROM " + fresh.info.app_table()};
  std::uint64_t result = 0;
  while (rows.step()) {
    const auto key = fresh.app_key(rows, 0);
    const auto pos = c.append_log(fresh, key, via_here);
    fresh.put_record(key, row_record{{origin, pos, via_here}});
    ++result;
  }
  fresh.records.flush();
  return result;
}

std::uint32_t begin_tracking(core& c, const std::string& name) {
  auto described = *read_table(c.db, name);
  described.id = next_table_id(c);
  c.cached("INSERT INTO tandem_tables(id, name, fingerprint) VALUES (?1, ?2, '')")
      .bind(described.id, described.stored_as)
      .run();
  forget_untracked(c, described.name);
  // Records live under a number, the row's slot: an integer key as it is, a hash of any other key. So they are
  // found by comparing integers, and the log needs no copies of keys.
  c.db.execute("CREATE TABLE " + described.rows_table() +
               (described.has_integer_key ? "(slot INTEGER PRIMARY KEY, rec BLOB)"
                                          : "(slot INTEGER PRIMARY KEY, k BLOB NOT NULL, rec BLOB)"));
  capture(c, described);
  return described.id;
}

void refuse_dangling_rows(core& c, std::span<const std::string> names) {
  for (const auto& name : names) {
    statement check{c.db, "SELECT \"table\", \"parent\", count(*) FROM pragma_foreign_key_check(?) GROUP BY 2"};
    check.bind(name);
    if (check.step())
      throw failure{failure_code::schema,
                    std::to_string(check.integer(2)) + " rows of " + quoted(name) + " refer to rows of " +
                        quoted(check.text(1)) +
                        " that do not exist; mend them first (PRAGMA foreign_key_check lists them)"};
  }
}

std::vector<std::string> notes_on(core& c, const table& tracked) {
  std::vector<std::string> result;
  for (const auto& key : tracked.unique_keys)
    if (std::ranges::count(key.columns, std::string{}))
      result.push_back(
          "index " + quoted(key.name) + " of " + quoted(tracked.name) +
          " is over an expression: rows that INSERT OR REPLACE removes because of it are noticed only if the "
          "writer sets PRAGMA recursive_triggers = ON");
  for (const auto& key : tracked.foreign_keys)
    if (!c.table_named(key.parent) && sqlite3_stricmp(key.parent.c_str(), tracked.name.c_str()) != 0)
      result.push_back("table " + quoted(tracked.name) + " refers to " + quoted(key.parent) +
                       ", which is not tracked; rows whose parent a peer lacks are set aside there");
  return result;
}

} // namespace

void bump_schema(core& c) {
  c.set_meta("schema", c.meta("schema") + 1);
}

std::uint64_t begin_tracking_with_rows(core& c, const std::string& name) {
  const auto id = begin_tracking(c, name);
  c.refresh_tables();
  const auto result = record_existing_rows(c, *c.table_with_id(id));
  c.save();
  return result;
}

// --- track and untrack -------------------------------------------------------------------------

track_report track_tables(core& c, std::span<const std::string> names, std::span<const policy> policies) {
  if (c.db.text("PRAGMA journal_mode = WAL") != "wal")
    throw failure{failure_code::storage, c.db.path() + " can't be switched to WAL mode, which Tandem needs; end other "
                                                       "connections' transactions and try again"};
  transaction all{c.db, transaction::kind::write};
  track_report result;
  try {
    for (const auto& name : names)
      if (const auto reason = reason_not_to_track(c.db, name); !reason.empty())
        throw failure{failure_code::usage, reason + "; nothing was tracked"};
    refuse_dangling_rows(c, names);
    if (!c.is_replica()) {
      c.make_replica(false);
      begin_tracking(c, std::string{conflicts_table});
      begin_tracking(c, std::string{policies_table});
      begin_tracking(c, std::string{counts_table});
    }
    c.refresh(true);
    std::vector<std::string> kept;
    for (const auto& name : names) {
      if (const auto known = c.table_named(name); known && known->info.is_kept()) {
        kept.push_back(known->info.name);
      } else if (known) {
        auto described = *read_table(c.db, name);
        described.id = known->info.id;
        follow_renames(c, described, known->info.name);
        capture(c, described);
      } else {
        const auto rows = begin_tracking_with_rows(c, name);
        result.tables.emplace_back(c.tracked(name).info.name, rows);
      }
    }
    put_kept_in_place(c, kept, result);
    bump_schema(c);
    c.refresh_tables();
    write_policies(c, policies);
    conflict_store conflicts{c};
    admission admitted{c, conflicts};
    counter_book{c, admitted, conflicts}.level(!policies.empty());
    level_bases(c);
    admitted.settle();
    for (const auto& name : names)
      for (auto& note : notes_on(c, c.tracked(name).info))
        result.notes.push_back(std::move(note));
    c.save();
    all.commit();
  } catch (...) {
    c.forget_schema();
    throw;
  }
  c.forget_schema();
  return result;
}

void make_adopting_replica(core& c) {
  c.db.text("PRAGMA journal_mode = WAL");
  transaction all{c.db, transaction::kind::write};
  if (!c.is_replica()) {
    c.make_replica(true);
    begin_tracking(c, std::string{conflicts_table});
    begin_tracking(c, std::string{policies_table});
    begin_tracking(c, std::string{counts_table});
  }
  all.commit();
}

namespace {

void drop_everything(core& c) {
  for (const char* type : {"trigger", "index", "table"}) {
    std::vector<std::string> names;
    statement ours{c.db, "SELECT name FROM sqlite_schema WHERE type = ? AND name LIKE 'tandem\\_%' ESCAPE '\\'"};
    ours.bind(type);
    while (ours.step())
      names.emplace_back(ours.text(0));
    ours.reset();
    for (const auto& name : names)
      c.db.execute("DROP " + std::string{type} + " main." + quoted(name));
  }
}

void forget_table(core& c, std::uint32_t id) {
  for (const auto& sql : release_statements(id))
    c.db.execute(sql);
  const auto number = std::to_string(id);
  c.db.execute("DROP TABLE IF EXISTS tandem_rows_" + number);
  c.db.execute("DROP TABLE IF EXISTS tandem_deleted_" + number);
  c.db.execute("DROP TABLE IF EXISTS " + std::string{kept_prefix} + number);
  for (const char* own : {"tandem_pending", "tandem_log", "tandem_dead", "tandem_quarantine", "tandem_columns",
                          "tandem_aside", "tandem_aliases", "tandem_kept", "tandem_bases"})
    c.db.execute("DELETE FROM " + std::string{own} + " WHERE t = " + number);
  c.db.execute("DELETE FROM tandem_tables WHERE id = " + number);
}

} // namespace

void untrack_tables(core& c, std::span<const std::string> names) {
  transaction all{c.db, transaction::kind::write};
  try {
    c.refresh(true);
    std::vector<std::uint32_t> ids;
    for (const auto& name : names) {
      const auto& each = c.tracked(name);
      if (each.info.is_kept())
        throw failure{failure_code::usage, quoted(each.info.name) + " is not tracked here, only kept for peers"};
      statement aside{c.db, "SELECT count(*) FROM tandem_quarantine WHERE t = ?"};
      aside.bind(each.info.id);
      aside.step();
      if (aside.integer(0))
        throw failure{failure_code::usage,
                      quoted(each.info.name) + " has " + std::to_string(aside.integer(0)) +
                          " rows in quarantine, which would be lost; see `tandem conflicts`, settle "
                          "them, then untrack"};
      ids.push_back(each.info.id);
    }
    c.forget_schema();
    for (const auto id : ids)
      forget_table(c, id);
    for (const auto& name : names)
      remember_untracked(c, name);
    if (c.db.integer("SELECT count(*) FROM tandem_tables WHERE name NOT LIKE 'tandem\\_%' ESCAPE '\\'") == 0)
      drop_everything(c);
    else
      bump_schema(c);
    all.commit();
  } catch (...) {
    c.forget_schema();
    throw;
  }
}

// --- repair ------------------------------------------------------------------------------------

void core::refresh_tables() {
  forget_schema();
  refresh(true);
}

namespace {

// A migration that drops a table and creates it anew takes the triggers along. Rows that are in both count as
// the same, unchanged; what has come or gone meanwhile is noted as hints, for the stamping that follows.
void note_what_changed_uncaptured(core& c, const table& described) {
  tracked_table rows{c.db, described, c.has_tombstones};
  std::vector<std::string> columns{"t", "o", "w"};
  std::vector<std::string> parameters{std::to_string(described.id), "?1", "julianday('now')"};
  for (std::size_t i = 0; i < described.key.size(); ++i) {
    columns.push_back(pending_key_column(i));
    parameters.push_back("?" + std::to_string(i + 2));
  }
  statement note{c.db,
                 "INSERT INTO tandem_pending(" + joined(columns, ", ") + ") VALUES (" + joined(parameters, ", ") + ")"};
  const auto append = [&](hint_kind kind, std::string_view key) {
    note.bind_at(1, static_cast<int>(kind));
    rows.bind_app_key(note, 2, key);
    note.run();
  };
  statement present{c.db, "SELECT " + described.key_list() + " FROM " + described.app_table()};
  while (present.step()) {
    const auto key = rows.app_key(present, 0);
    if (!rows.record(key))
      append(hint_kind::inserted, key);
  }
  statement recorded{c.db, "SELECT slot FROM " + described.rows_table()};
  std::string key;
  while (recorded.step())
    if (const auto record = rows.record_at(recorded.integer(0), key); !record->is_quarantined && !rows.exists(key))
      append(hint_kind::deleted, key);
}

bool has_triggers(core& c, const table& described) {
  statement query{c.db,
                  "SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND name = ? AND tbl_name = ? COLLATE NOCASE"};
  const auto trigger = "tandem_insert_" + std::to_string(described.id);
  query.bind(trigger, described.stored_as);
  return query.step();
}

} // namespace

void core::repair_captures() {
  std::vector<std::pair<std::uint32_t, std::string>> gone;
  statement query{db, "SELECT id, name FROM tandem_tables"};
  while (query.step()) {
    const auto id = static_cast<std::uint32_t>(query.integer(0));
    const auto known = table_with_id(id);
    if (!known) {
      gone.emplace_back(id, query.text(1));
      continue;
    }
    auto described = *read_table(db, known->info.stored_as);
    described.id = id;
    const bool is_captured = has_triggers(*this, described);
    if (is_captured && described.fingerprint() == known->info.fingerprint() && known->info.stored_as == query.text(1) &&
        std::ranges::none_of(known->info.columns, [](const table_column& each) { return each.id == 0; }) &&
        db.integer("SELECT fingerprint = " + literal(described.fingerprint()) +
                   " FROM tandem_tables WHERE id = " + std::to_string(id)))
      continue;
    follow_renames(*this, described, std::string{query.text(1)});
    capture(*this, described);
    if (!is_captured) {
      std::erase_if(described.cells, [&](std::size_t index) { return described.columns[index].id == 0; });
      note_what_changed_uncaptured(*this, described);
    }
  }
  query.reset();
  for (const auto& [id, name] : gone) {
    forget_table(*this, id);
    remember_untracked(*this, name);
  }
  bump_schema(*this);
  refresh_tables();
}

} // namespace tandem::storage
