#include "storage/inspecting.hpp"

#include <algorithm>

#include "messages/limits.hpp"
#include "storage/capture.hpp"
#include "storage/compacting.hpp"
#include "storage/conflict_store.hpp"
#include "storage/policies.hpp"
#include "storage/priorities.hpp"
#include "storage/refusing.hpp"

namespace tandem::storage {
namespace {

std::uint64_t count(core& c, const std::string& sql) {
  return static_cast<std::uint64_t>(c.db.integer(sql));
}

std::string row_name(const tracked_table& table, std::string_view key) {
  return "row " + key_to_json(key) + " of " + quoted(table.info.name);
}

// --- verify ------------------------------------------------------------------------------------

class verifier {
public:
  explicit verifier(core& c) : c_{c} {}

  findings run() {
    check_file();
    const bool is_stamped = !has_pending_hints(c_);
    for (const auto& [id, table] : c_.tables) {
      check_triggers(*table);
      check_records(*table, is_stamped);
      if (is_stamped)
        check_unrecorded(*table);
    }
    check_tombstones();
    check_quarantine();
    check_foreign_keys(is_stamped);
    check_log();
    check_policies();
    for (const auto& each : rules_of(c_))
      if (!each.fault.empty())
        report("rule " + quoted(each.name) + " is not in force: " + each.fault +
               "; mend it with `tandem rules`, or remove it");
    return std::move(result_);
  }

private:
  // Many rows with one fault are one finding with examples, not a flood.
  void report(std::string text) {
    if (result_.size() < limits::findings_max)
      result_.push_back(std::move(text));
  }

  void check_file() {
    const auto answer = c_.db.text("PRAGMA integrity_check(1)");
    if (answer != "ok")
      report("SQLite's own integrity check says: " + answer + "; restore the file or clone it anew from a peer");
  }

  void check_triggers(tracked_table& table) {
    for (const auto& sql : capture_statements(table.info)) {
      if (!sql.starts_with("CREATE TRIGGER "))
        continue;
      const auto begin = std::string_view{"CREATE TRIGGER "}.size();
      const auto name = sql.substr(begin, sql.find(' ', begin) - begin);
      statement query{c_.db, "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ?"};
      query.bind(name);
      if (!query.step() || query.text(0) != sql)
        report("trigger " + name + " of " + quoted(table.info.name) +
               " is missing or changed, so that writes go unnoticed; run `tandem track` for the table again");
    }
  }

  void check_policies() {
    for (const auto& each : policies_of(c_))
      if (!each.trouble.empty())
        report("policy " + each.table + (each.column.empty() ? "" : "." + each.column) + "=" + each.name +
               " does not hold: " + each.trouble + "; change or delete its row in tandem_policies");
  }

  void check_origin(const tracked_table& table, std::string_view key, const row_record& record) {
    for (const auto& group : record.groups()) {
      if (group.origin.pos > c_.head)
        report(row_name(table, key) + " claims pos " + std::to_string(group.origin.pos) + ", beyond the log's head " +
               std::to_string(c_.head));
      if (group.origin.written.hlc > c_.hlc)
        report(row_name(table, key) + " has a stamp later than the replica's clock");
      if (!(group.origin == cell_origin{})) // cells that nobody wrote have no site
        c_.site_at(group.origin.written.site);
    }
  }

  void check_records(tracked_table& table, bool is_stamped) {
    statement records{c_.db, "SELECT slot FROM " + table.info.rows_table()};
    std::string key;
    while (records.step()) {
      const auto record = *table.record_at(records.integer(0), key);
      if (table.slot_of(key) != records.integer(0))
        report(row_name(table, key) + " has its record in a place where it is not looked for");
      check_origin(table, key, record);
      if (!is_stamped)
        continue;
      const bool is_visible = table.exists(key);
      if (record.is_quarantined && is_visible)
        report(row_name(table, key) + " is marked as set aside, but is in its table");
      if (!record.is_quarantined && !is_visible)
        report(row_name(table, key) + " is recorded as alive, but is not in its table");
      if (record.is_quarantined && !is_in_quarantine(table, key))
        report(row_name(table, key) + " is marked as set aside, but its values are nowhere");
      if (c_.find_tombstone(table, key))
        report(row_name(table, key) + " is recorded as alive and as deleted");
    }
  }

  bool is_in_quarantine(tracked_table& table, std::string_view key) {
    auto& query = c_.cached("SELECT 1 FROM tandem_quarantine WHERE t = ?1 AND k = ?2");
    const statement_guard guard{query};
    query.bind_at(1, table.info.id);
    query.bind_blob(2, key);
    return query.step();
  }

  void check_unrecorded(tracked_table& table) {
    statement rows{c_.db, "SELECT " + table.info.key_list() + " FROM " + table.info.app_table()};
    while (rows.step()) {
      if (rows.is_null(0)) {
        report("a row of " + quoted(table.info.name) + " has NULL in its primary key and does not sync; give it a key");
        continue;
      }
      const auto key = table.app_key(rows, 0);
      if (!table.record(key))
        report(row_name(table, key) + " was written without its triggers and does not sync; write it again");
    }
  }

  void check_tombstones() {
    statement dead{c_.db, "SELECT t, k, rec FROM tandem_dead"};
    while (dead.step()) {
      const auto table = c_.table_with_id(static_cast<std::uint32_t>(dead.integer(0)));
      if (!table)
        continue;
      const std::string key{dead.blob(1)};
      check_origin(*table, key, row_record::unpack(dead.blob(2)));
      if (!has_pending_hints(c_) && table->exists(key))
        report(row_name(*table, key) + " is recorded as deleted, but is in its table");
    }
  }

  void check_quarantine() {
    statement aside{c_.db, "SELECT t, k, reason FROM tandem_quarantine"};
    while (aside.step()) {
      const auto table = c_.table_with_id(static_cast<std::uint32_t>(aside.integer(0)));
      if (!table)
        continue;
      const std::string key{aside.blob(1)};
      const auto record = table->record(key);
      if (!record || !record->is_quarantined)
        report(row_name(*table, key) + " is in quarantine, but its record does not say so");
      if (aside.text(2).empty())
        report(row_name(*table, key) + " is in quarantine for no reason");
    }
  }

  void check_foreign_keys(bool is_stamped) {
    if (!is_stamped)
      return;
    for (const auto& [id, table] : c_.tables) {
      statement check{c_.db, "SELECT count(*), \"parent\" FROM pragma_foreign_key_check(?)"};
      check.bind(table->info.stored_as);
      if (check.step() && check.integer(0))
        report(std::to_string(check.integer(0)) + " rows of " + quoted(table->info.name) + " refer to rows of " +
               quoted(check.text(1)) + " that do not exist");
    }
  }

  void check_log() {
    const auto last = count(c_, "SELECT coalesce(max(pos), 0) FROM tandem_log");
    if (last > c_.head)
      report("the log goes to pos " + std::to_string(last) + ", beyond its head " + std::to_string(c_.head));
    const auto first_kept = static_cast<std::uint64_t>(c_.meta("log_start")) + 1;
    const auto entries = count(c_, "SELECT count(*) FROM tandem_log");
    if (entries != c_.head + 1 - first_kept &&
        count(c_, "SELECT count(*) FROM tandem_tables") == static_cast<std::uint64_t>(c_.meta("table_ids")))
      report("the log has " + std::to_string(entries) + " entries where pos " + std::to_string(first_kept) + " to " +
             std::to_string(c_.head) + " belong");
    for (const auto& peer : peers_of(c_))
      if (peer.acked > c_.head)
        report("peer " + peer.site.to_short() + " has acknowledged pos " + std::to_string(peer.acked) +
               ", beyond the head: this file is a restored copy; serve it, so that it takes a new identity");
  }

  core& c_;
  findings result_;
};

} // namespace

findings verify_replica(core& c) {
  return verifier{c}.run();
}

// --- why ---------------------------------------------------------------------------------------

namespace {

bool is_pending(core& c, tracked_table& table, std::string_view key) {
  std::vector<std::string> same;
  for (std::size_t i = 0; i < table.info.key.size(); ++i)
    same.push_back(pending_key_column(i) + " IS ?" + std::to_string(i + 2));
  statement query{c.db, "SELECT 1 FROM tandem_pending WHERE t = ?1 AND " + joined(same, " AND ")};
  query.bind_at(1, table.info.id);
  table.bind_app_key(query, 2, key);
  return query.step();
}

std::string key_as_stored(core& c, tracked_table& table, std::string_view key_json) {
  auto key = key_from_json(key_json);
  const auto values = unpacked_values(key);
  if (values.size() != table.info.key.size())
    throw failure{failure_code::usage, "a key of " + quoted(table.info.name) + " has " +
                                           std::to_string(table.info.key.size()) + " values (" + table.info.key_list() +
                                           "); give a JSON array where there are several"};
  // A text key that looks like a number may have been typed without quotes.
  if (values.size() == 1 && values.front().type == value_type::integer && !table.info.has_integer_key &&
      !table.record(key) && !c.find_tombstone(table, key) && !is_pending(c, table, key)) {
    const auto text = value_view::of_text(key_json);
    return packed_values({&text, 1});
  }
  if (table.info.has_integer_key && values.front().type != value_type::integer)
    throw failure{failure_code::usage, "a key of " + quoted(table.info.name) + " is an integer"};
  return key;
}

void explain_peers(core& c, const row_record& record, row_report& result) {
  std::uint64_t latest = 0;
  for (const auto& group : record.groups())
    latest = std::max(latest, group.origin.pos);
  for (const auto& peer : peers_of(c)) {
    std::uint64_t needed = 0;
    for (const auto& group : record.groups())
      if (group.origin.via == via_here || !(c.site_at(group.origin.via) == peer.site))
        needed = std::max(needed, group.origin.pos);
    row_report::peer state{peer.site, peer.name, {}};
    const auto shown = peer.site.to_short() + (peer.name.empty() ? "" : " (" + peer.name + ")");
    if (needed == 0) {
      state.state = "came from there";
      result.sentences.push_back("It came from " + shown + ".");
    } else if (needed <= peer.acked) {
      state.state = "acknowledged";
      result.sentences.push_back("Peer " + shown + " has acknowledged it.");
    } else {
      state.state = "waiting";
      result.sentences.push_back(
          "Peer " + shown + " has acknowledged the log up to pos " + std::to_string(peer.acked) +
          "; this row waits at pos " + std::to_string(needed) +
          (peer.trouble.empty() ? " until the link carries it." : ", because: " + peer.trouble + "."));
    }
    result.peers.push_back(std::move(state));
  }
  if (result.peers.empty())
    result.sentences.emplace_back("No peer is known yet: it waits for the first link.");
}

void explain_refusals(core& c, const std::string& table, std::string_view key, row_report& result) {
  statement query{c.db,
                  "SELECT rule, settled_by, id FROM tandem_conflicts WHERE kind = 'refused' AND tbl = ?1 AND k = ?2 "
                  "ORDER BY other_hlc"};
  query.bind_at(1, table);
  query.bind_blob(2, key);
  while (query.step())
    result.sentences.push_back("A change of it was refused by " + std::string{query.text(1)} + ", because of rule " +
                               std::string{query.text(0)} + " (what was refused: `tandem conflicts " + c.db.path() +
                               " show " + std::string{query.text(2).substr(0, 8)} + "`).");
}

} // namespace

row_report explain_row(core& c, std::string_view table_name, std::string_view key_json) {
  auto& table = c.tracked(table_name);
  const auto key = key_as_stored(c, table, key_json);
  row_report result;
  result.table = table.info.name;
  result.key_json = key_to_json(key);
  auto record = table.record(key);
  const auto remains = record ? std::nullopt : c.find_tombstone(table, key);
  if (is_pending(c, table, key)) {
    result.state = "pending";
    result.sentences.emplace_back("Its last write is not stamped yet; that happens as soon as `tandem serve` or "
                                  "`tandem sync` runs on this file.");
  } else if (record && record->is_quarantined) {
    result.state = "quarantined";
    auto& query = c.cached("SELECT reason FROM tandem_quarantine WHERE t = ?1 AND k = ?2");
    const statement_guard guard{query};
    query.bind_at(1, table.info.id);
    query.bind_blob(2, key);
    query.step();
    result.sentences.push_back("It is set aside, because of " + std::string{query.text(0)} +
                               ". It comes back by itself as soon as it fits.");
  } else if (record) {
    result.state = "live";
  } else if (remains) {
    result.state = "deleted";
    result.sentences.emplace_back("It was deleted; its last values are kept.");
  } else {
    result.state = "unknown";
    result.sentences.emplace_back("No such row was ever seen here.");
  }
  if (!record && remains)
    record = remains->record;
  if (!record)
    return result;
  for (std::size_t i = 0; i < record->groups().size(); ++i) {
    const auto& origin = record->groups()[i].origin;
    auto cells = record->cells_of(i, table.info.all_cells);
    cells.keep(table.info.all_cells);
    cells.each([&](std::uint32_t id) {
      if (table.info.is_unwritten(id, origin.pos))
        return;
      const auto column = table.info.column_with_id(id);
      result.cells.push_back({column ? column->name : std::string{}, c.stamp_of(origin.written), origin.pos,
                              origin.via == via_here ? "here" : c.site_at(origin.via).to_short()});
    });
  }
  explain_peers(c, *record, result);
  explain_refusals(c, table.info.name, key, result);
  return result;
}

// --- status ------------------------------------------------------------------------------------

std::vector<peer_status> peers_of(core& c) {
  std::vector<peer_status> result;
  statement query{
      c.db, "SELECT site, epoch, applied, acked_epoch, acked, seen_ms, name, trouble FROM tandem_peers ORDER BY site"};
  while (query.step()) {
    peer_status each;
    each.site = site_id::from_bytes(query.blob(0));
    each.epoch = query.unsigned_integer(1);
    each.applied = query.unsigned_integer(2);
    each.acked = query.unsigned_integer(3) == c.self.epoch ? query.unsigned_integer(4) : 0;
    each.seen_ms = query.integer(5);
    each.name = query.text(6);
    each.trouble = query.text(7);
    result.push_back(std::move(each));
  }
  return result;
}

std::vector<quarantined_row> quarantine_of(core& c) {
  std::vector<quarantined_row> result;
  statement query{c.db, "SELECT t, k, vals, reason FROM tandem_quarantine"};
  while (query.step()) {
    const auto table = c.table_with_id(static_cast<std::uint32_t>(query.integer(0)));
    if (!table)
      continue;
    const std::string key{query.blob(1)};
    result.push_back({table->info.name, key_to_json(key),
                      row_to_json(table->info, key, unpack_cells(table->info, query.blob(2))),
                      std::string{query.text(3)}});
  }
  return result;
}

replica_status status_of(core& c) {
  replica_status result;
  result.self = c.self;
  result.head = c.head;
  result.log_entries = count(c, "SELECT count(*) FROM tandem_log");
  if (const auto need = need_of_log(c); need.holder) {
    result.log_holder = need.holder->site;
    result.log_holder_until_ms = need.holder_until_ms;
  }
  result.pending = count(c, "SELECT count(*) FROM tandem_pending");
  result.conflicts_open = count(c, "SELECT count(*) FROM tandem_conflicts WHERE state = 'open'");
  result.conflicts_total = count(c, "SELECT count(*) FROM tandem_conflicts WHERE about IS NULL");
  result.quarantined = count(c, "SELECT count(*) FROM tandem_quarantine");
  result.refused = count(c, "SELECT count(*) FROM tandem_conflicts WHERE kind = 'refused'");
  result.file_bytes = count(c, "PRAGMA page_count") * count(c, "PRAGMA page_size");
  result.adopting = c.meta("adopting");
  result.compared_text = c.meta_text("compared_text");
  result.compared_ms = c.meta("compared_ms");
  result.renewed_why = c.meta_text("renewed_why");
  result.renewed_ms = c.meta("renewed_ms");
  for (const auto& [id, table] : c.tables)
    if (!is_own_table(table->info.name))
      (table->info.is_kept() ? result.kept_tables : result.tables)
          .push_back({table->info.name, count(c, "SELECT count(*) FROM " + table->info.app_table())});
  result.policies = policies_of(c);
  result.priorities = priorities_of(c);
  result.peers = peers_of(c);
  return result;
}

replica_figures figures_of(core& c) {
  replica_figures result;
  result.head = c.head;
  // Neither has gaps to speak of, and the ends of a tree are found at once.
  result.log_entries =
      count(c, "SELECT coalesce((SELECT max(pos) FROM tandem_log) - (SELECT min(pos) FROM tandem_log) + 1, 0)");
  result.pending =
      count(c, "SELECT coalesce((SELECT max(id) FROM tandem_pending) - (SELECT min(id) FROM tandem_pending) + 1, 0)");
  result.file_bytes = count(c, "PRAGMA page_count") * count(c, "PRAGMA page_size");
  auto& open = c.cached("SELECT tbl, kind, count(*) FROM tandem_conflicts WHERE state = 'open' GROUP BY tbl, kind");
  {
    const statement_guard guard{open};
    while (open.step())
      result.waiting.push_back({std::string{open.text(0)}, std::string{open.text(1)}, open.unsigned_integer(2)});
  }
  auto& aside = c.cached("SELECT t, count(*) FROM tandem_quarantine GROUP BY t");
  const statement_guard guard{aside};
  while (aside.step()) {
    const auto table = c.table_with_id(static_cast<std::uint32_t>(aside.integer(0)));
    result.waiting.push_back({table ? table->info.name : std::string{}, "quarantine", aside.unsigned_integer(1)});
  }
  return result;
}

} // namespace tandem::storage
