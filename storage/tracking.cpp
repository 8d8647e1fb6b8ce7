// Which tables are tracked: track, untrack, repair after ALTER TABLE, and levelling with a peer.
#include "storage/tracking.hpp"

#include <algorithm>

#include <sqlite3.h>

#include "storage/capture.hpp"
#include "storage/layout.hpp"

namespace tandem::storage {
namespace {

/// Gives ids to columns that have none yet; returns those.
column_set remember_columns(core& c, table& tracked) {
  column_set late;
  statement known{c.db, "SELECT id, name FROM tandem_columns WHERE t = ?"};
  known.bind(tracked.id);
  std::uint32_t last = 0;
  while (known.step()) {
    last = std::max(last, static_cast<std::uint32_t>(known.integer(0)));
    for (auto& column : tracked.columns)
      if (sqlite3_stricmp(column.name.c_str(), std::string{known.text(1)}.c_str()) == 0)
        column.id = static_cast<std::uint32_t>(known.integer(0));
  }
  statement insert{c.db, "INSERT INTO tandem_columns(t, id, name) VALUES (?1, ?2, ?3)"};
  for (auto& column : tracked.columns) {
    if (column.id == 0) {
      column.id = ++last;
      insert.bind(tracked.id, column.id, column.name).run();
      if (!column.key_position)
        late.add(column.id);
    }
    if (!column.key_position)
      tracked.all_cells.add(column.id);
  }
  tracked.all_cells.add(life_column);
  return late;
}

void widen_pending(core& c, std::size_t key_columns) {
  const auto has =
      static_cast<std::size_t>(c.db.integer("SELECT count(*) FROM pragma_table_info('tandem_pending')")) - 4;
  for (auto i = has; i < key_columns; ++i)
    c.db.execute("ALTER TABLE tandem_pending ADD COLUMN " + pending_key_column(i));
}

// Triggers and ids for a table whose description has just been read.
void capture(core& c, table& described) {
  const auto late = remember_columns(c, described);
  if (!late.empty())
    c.late_columns[described.id].add(late);
  widen_pending(c, described.key.size());
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
      .bind(described.id, described.name, fingerprint)
      .run();
}

void bump_schema(core& c) {
  c.set_meta("schema", c.meta("schema") + 1);
}

// A table that was tracked once may come back: ids are never given twice, or old records would be misread.
std::uint32_t next_table_id(core& c) {
  const auto result = c.meta("table_ids") + 1;
  c.set_meta("table_ids", result);
  return static_cast<std::uint32_t>(result);
}

std::uint64_t record_existing_rows(core& c, tracked_table& fresh) {
  const auto origin = c.next_stamp();
  statement rows{c.db, "SELECT " + fresh.info.key_list() + " FROM main." + quoted(fresh.info.name)};
  std::uint64_t result = 0;
  while (rows.step()) {
    const auto key = fresh.app_key(rows, 0);
    const auto pos = c.append_log(fresh, key, via_here);
    fresh.put_record(key, row_record{{origin, pos, via_here}});
    ++result;
  }
  return result;
}

void begin_tracking(core& c, const std::string& name) {
  auto described = *read_table(c.db, name);
  described.id = next_table_id(c);
  c.cached("INSERT INTO tandem_tables(id, name, fingerprint) VALUES (?1, ?2, '')")
      .bind(described.id, described.name)
      .run();
  // Records live under a number, the row's slot: an integer key as it is, a hash of any other key. So they are
  // found by comparing integers, and the log needs no copies of keys.
  c.db.execute("CREATE TABLE " + described.rows_table() +
               (described.has_integer_key ? "(slot INTEGER PRIMARY KEY, rec BLOB)"
                                          : "(slot INTEGER PRIMARY KEY, k BLOB NOT NULL, rec BLOB)"));
  capture(c, described);
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

// --- track and untrack -------------------------------------------------------------------------

track_report track_tables(core& c, std::span<const std::string> names, std::span<const policy> policies) {
  for (const auto& each : policies)
    if (each.name != "lww")
      throw failure{failure_code::usage, "policy \"" + each.name + "\" of " + each.table +
                                             " is not known; the one policy so far is lww (the larger stamp wins)"};
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
    }
    c.refresh(true);
    for (const auto& name : names) {
      if (const auto known = c.table_named(name)) {
        auto described = *read_table(c.db, name);
        described.id = known->info.id;
        capture(c, described);
        continue;
      }
      begin_tracking(c, name);
      c.refresh(true);
      result.tables.emplace_back(c.tracked(name).info.name, record_existing_rows(c, c.tracked(name)));
      c.save();
    }
    bump_schema(c);
    c.refresh_tables();
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
  for (const char* own : {"tandem_pending", "tandem_log", "tandem_dead", "tandem_quarantine", "tandem_columns"})
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
    if (c.db.integer("SELECT count(*) FROM tandem_tables WHERE name <> 'tandem_conflicts'") == 0)
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
  statement present{c.db, "SELECT " + described.key_list() + " FROM main." + quoted(described.name)};
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
  query.bind(trigger, described.name);
  return query.step();
}

} // namespace

void core::repair_captures() {
  std::vector<std::uint32_t> gone;
  statement query{db, "SELECT id, name FROM tandem_tables"};
  while (query.step()) {
    const auto id = static_cast<std::uint32_t>(query.integer(0));
    const auto known = table_with_id(id);
    if (!known) {
      gone.push_back(id);
      continue;
    }
    auto described = *read_table(db, known->info.name);
    described.id = id;
    const bool is_captured = has_triggers(*this, described);
    if (is_captured && described.fingerprint() == known->info.fingerprint() && known->info.name == query.text(1) &&
        std::ranges::none_of(known->info.columns, [](const table_column& each) { return each.id == 0; }) &&
        db.integer("SELECT fingerprint = " + literal(described.fingerprint()) +
                   " FROM tandem_tables WHERE id = " + std::to_string(id)))
      continue;
    capture(*this, described);
    if (!is_captured) {
      std::erase_if(described.cells, [&](std::size_t index) { return described.columns[index].id == 0; });
      note_what_changed_uncaptured(*this, described);
    }
  }
  query.reset();
  for (const auto id : gone)
    forget_table(*this, id);
  bump_schema(*this);
  refresh_tables();
}

// --- triggers of the app -----------------------------------------------------------------------

namespace {

// SQLite keeps trigger SQL as CREATE TRIGGER name ...; returns what follows the name.
std::string_view after_trigger_name(std::string_view sql) {
  constexpr std::string_view prefix = "CREATE TRIGGER ";
  if (!sql.starts_with(prefix))
    return {};
  sql.remove_prefix(prefix.size());
  const auto open = sql.empty() ? ' ' : sql.front();
  const char close = open == '[' ? ']' : open;
  if (open != '"' && open != '\'' && open != '`' && open != '[') {
    const auto end = sql.find_first_of(" \t\r\n");
    return end == std::string_view::npos ? std::string_view{} : sql.substr(end);
  }
  for (std::size_t i = 1; i < sql.size(); ++i) {
    if (sql[i] != close)
      continue;
    if (i + 1 < sql.size() && sql[i + 1] == close && close != ']') {
      ++i;
      continue;
    }
    return sql.substr(i + 1);
  }
  return {};
}

struct written_tables {
  std::string trigger;
  std::vector<std::string> names;
};

int note_written_table(void* context, int action, const char* first, const char*, const char*, const char* trigger) {
  auto& written = *static_cast<written_tables*>(context);
  if ((action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE) && trigger &&
      written.trigger == trigger)
    written.names.emplace_back(first);
  return SQLITE_OK;
}

// Compiles statements that fire the trigger and sees what it would write. False if it can't be compiled.
bool see_what_it_writes(core& c, const tracked_table& on, written_tables& written) {
  const auto name = "main." + quoted(on.info.name);
  const auto column = quoted(on.info.columns.front().name);
  sqlite3_set_authorizer(c.db.handle(), note_written_table, &written);
  bool compiles = true;
  std::vector<std::string> firing{"DELETE FROM " + name, "INSERT INTO " + name + " DEFAULT VALUES"};
  for (const auto& each : on.info.columns)
    firing.push_back("UPDATE " + name + " SET " + quoted(each.name) + " = NULL");
  for (const auto& sql : firing) {
    sqlite3_stmt* handle = nullptr;
    compiles = sqlite3_prepare_v2(c.db.handle(), sql.c_str(), -1, &handle, nullptr) == SQLITE_OK && compiles;
    sqlite3_finalize(handle);
  }
  sqlite3_set_authorizer(c.db.handle(), nullptr, nullptr);
  return compiles;
}

} // namespace

// The effects of an app's trigger on tracked tables arrive with the rows themselves; effects on other
// tables (a full-text index, say) do not, so triggers that write only such tables run for received rows
// too. A trigger that writes both kinds does not: its tracked effects would happen twice.
void core::copy_feeding_triggers() {
  std::vector<std::string> old_copies;
  statement copies{
      db, "SELECT name FROM temp.sqlite_schema WHERE type = 'trigger' AND name LIKE 'tandem\\_feed\\_%' ESCAPE '\\'"};
  while (copies.step())
    old_copies.emplace_back(copies.text(0));
  copies.reset();
  for (const auto& name : old_copies)
    db.execute("DROP TRIGGER temp." + quoted(name));
  std::vector<std::pair<std::string, std::string>> triggers;
  statement query{
      db, "SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' AND name NOT LIKE 'tandem\\_%' ESCAPE '\\'"};
  while (query.step())
    triggers.emplace_back(query.text(0), query.text(1));
  query.reset();
  int count = 0;
  for (const auto& [on, sql] : triggers) {
    const auto table = table_named(on);
    const auto body = after_trigger_name(sql);
    if (!table || body.empty())
      continue;
    written_tables written{"tandem_feed_" + std::to_string(++count), {}};
    if (sqlite3_exec(db.handle(), ("CREATE TEMP TRIGGER " + written.trigger + std::string{body}).c_str(), nullptr,
                     nullptr, nullptr) != SQLITE_OK)
      continue;
    const bool compiles = see_what_it_writes(*this, *table, written);
    const bool writes_tracked =
        std::ranges::any_of(written.names, [&](const std::string& name) { return table_named(name) != nullptr; });
    if (!compiles || written.names.empty() || writes_tracked)
      db.execute("DROP TRIGGER temp." + written.trigger);
  }
}

// --- levelling with a peer ---------------------------------------------------------------------

namespace {

std::string difference(const table& ours, const messages::table_schema& theirs) {
  std::vector<std::string> lacking_here, lacking_there;
  for (const auto& column : theirs.columns) {
    const auto own = ours.column_named(column.name);
    if (!own)
      lacking_here.push_back(quoted(column.name));
    else if (own->key_position != column.key_position)
      return "table " + quoted(ours.name) + " has another primary key at the peer";
  }
  for (const auto& column : ours.columns)
    if (std::ranges::none_of(theirs.columns, [&](const messages::column_schema& each) {
          return sqlite3_stricmp(each.name.c_str(), column.name.c_str()) == 0;
        }))
      lacking_there.push_back(quoted(column.name));
  if (!lacking_here.empty())
    return "table " + quoted(ours.name) + " lacks column " + joined(lacking_here, ", ") + " here, which the peer has";
  if (!lacking_there.empty())
    return "table " + quoted(ours.name) + " lacks column " + joined(lacking_there, ", ") + " at the peer";
  return {};
}

// Only these may come from a peer: a CREATE TABLE and its CREATE INDEXes.
int allow_plain_ddl(void*, int action, const char* name, const char*, const char*, const char*) {
  switch (action) {
  case SQLITE_CREATE_TABLE:
  case SQLITE_CREATE_INDEX:
    return std::string_view{name}.starts_with("tandem_") ? SQLITE_DENY : SQLITE_OK;
  case SQLITE_INSERT:
  case SQLITE_UPDATE:
  case SQLITE_READ:
  case SQLITE_SELECT:
  case SQLITE_FUNCTION:
  case SQLITE_REINDEX:
  case SQLITE_TRANSACTION:
    return SQLITE_OK;
  default:
    return SQLITE_DENY;
  }
}

void create_as_told(core& c, const messages::table_schema& theirs) {
  sqlite3_set_authorizer(c.db.handle(), allow_plain_ddl, nullptr);
  for (const auto& sql : theirs.ddl) {
    sqlite3_stmt* handle = nullptr;
    const char* rest = nullptr;
    auto code = sqlite3_prepare_v2(c.db.handle(), sql.c_str(), static_cast<int>(sql.size()), &handle, &rest);
    if (code == SQLITE_OK)
      code = sqlite3_step(handle);
    const auto finalized = sqlite3_finalize(handle);
    const bool has_more = rest && *rest;
    if ((code != SQLITE_OK && code != SQLITE_DONE) || finalized != SQLITE_OK || has_more) {
      const std::string why = has_more ? "more than one statement" : sqlite3_errmsg(c.db.handle());
      sqlite3_set_authorizer(c.db.handle(), nullptr, nullptr);
      throw failure{failure_code::schema,
                    "can't create table " + quoted(theirs.name) + " as the peer describes it: " + why};
    }
  }
  sqlite3_set_authorizer(c.db.handle(), nullptr, nullptr);
}

} // namespace

void level_with_peer(core& c, const messages::schema& theirs) {
  transaction all{c.db, transaction::kind::write};
  try {
    c.refresh(true);
    const bool adopts = c.meta("adopting");
    std::vector<std::string> differences;
    std::vector<std::string> adopted;
    for (const auto& each : theirs.tables) {
      if (const auto own = c.table_named(each.name)) {
        if (auto text = difference(own->info, each); !text.empty())
          differences.push_back(std::move(text));
      } else if (!adopts) {
        differences.push_back("the peer tracks table " + quoted(each.name) +
                              ", which is not tracked here; run `tandem track " + c.db.path() + " " + each.name + "`");
      } else {
        if (!read_table(c.db, each.name))
          create_as_told(c, each);
        if (auto reason = reason_not_to_track(c.db, each.name); !reason.empty())
          differences.push_back(std::move(reason));
        else
          adopted.push_back(each.name);
      }
    }
    if (!differences.empty())
      throw failure{failure_code::schema, joined(differences, "; ")};
    for (const auto& name : adopted) {
      begin_tracking(c, name);
      c.refresh_tables();
      record_existing_rows(c, c.tracked(name));
      c.save();
    }
    if (!adopted.empty()) {
      bump_schema(c);
      c.save();
      all.commit();
      c.forget_schema();
    }
  } catch (...) {
    c.forget_schema();
    throw;
  }
}

} // namespace tandem::storage
