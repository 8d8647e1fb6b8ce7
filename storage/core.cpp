#include "storage/core.hpp"

#include <algorithm>
#include <array>
#include <random>

#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include "messages/limits.hpp"
#include "storage/capture.hpp"
#include "storage/layout.hpp"

namespace tandem::storage {
namespace {

std::uint64_t random_bits(const replica_options& options) {
  if (options.random_bits)
    return options.random_bits();
  std::random_device entropy;
  return (static_cast<std::uint64_t>(entropy()) << 32) | entropy();
}

site_id random_site(const replica_options& options) {
  site_id result;
  for (auto& byte : result.bytes)
    byte = static_cast<std::uint8_t>(random_bits(options));
  return result;
}

std::uint64_t random_epoch(const replica_options& options) {
  return random_bits(options) >> 1;
}

} // namespace

core::core(const std::string& path, replica_options given) : db{path, given}, options{std::move(given)} {
  // Received rows must not be captured, and an app's trigger has already run where the row was written: so
  // no trigger of the file runs on this connection. Those that feed untracked tables run as temporary
  // copies. Foreign keys are checked by the merge itself, which sets rows aside instead of failing.
  sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  row_feed::install(db);
  db.execute("PRAGMA foreign_keys = OFF; PRAGMA secure_delete = OFF; PRAGMA cache_size = " +
             std::to_string(-limits::sqlite_cache_kib) +
             (options.durable ? "; PRAGMA synchronous = FULL" : "; PRAGMA synchronous = OFF"));
}

// --- tables ------------------------------------------------------------------------------------

bool core::is_replica() {
  return db.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'tandem_meta' AND type = 'table'") > 0;
}

tracked_table* core::table_with_id(std::uint32_t id) {
  const auto found = tables.find(id);
  return found == tables.end() ? nullptr : found->second.get();
}

tracked_table* core::table_named(std::string_view name) {
  for (const auto& [id, each] : tables)
    if (sqlite3_strnicmp(each->info.name.c_str(), name.data(), static_cast<int>(name.size())) == 0 &&
        each->info.name.size() == name.size())
      return each.get();
  return nullptr;
}

tracked_table& core::tracked(std::string_view name) {
  if (const auto found = table_named(name))
    return *found;
  std::vector<std::string> names;
  for (const auto& [id, each] : tables)
    if (!is_own_table(each->info.name))
      names.push_back(each->info.name);
  throw failure{failure_code::not_found, "table " + quoted(name) + " is not tracked in " + db.path() +
                                             "; tracked are: " + (names.empty() ? "none" : joined(names, ", "))};
}

void core::forget_schema() {
  tables.clear();
  schema_cookie_ = -1;
  feeding_cookie_ = -1;
}

std::int64_t core::schema_cookie() {
  auto& query = cached("PRAGMA schema_version");
  const statement_guard guard{query};
  query.step();
  return query.integer(0);
}

bool core::has_schema_changed() {
  return schema_cookie() != schema_cookie_;
}

void core::refresh(bool may_write) {
  const auto now = schema_cookie();
  if (now != schema_cookie_) {
    if (!is_replica())
      throw failure{failure_code::not_found,
                    db.path() + " is not a replica yet; run `tandem track " + db.path() + " TABLE...` to make it one"};
    if (meta("format") != layout::format)
      throw failure{failure_code::schema, db.path() +
                                              " was written by another version of Tandem (its tables have format " +
                                              std::to_string(meta("format")) + ", this program knows " +
                                              std::to_string(layout::format) + "); use the program that fits"};
    load_sites();
    load_tables();
    schema_cookie_ = now;
    tables_version_ = meta("schema");
  }
  // Columns of peers and former names come by another connection without any change of SQLite's own schema.
  if (const auto known = meta("schema"); known != tables_version_) {
    load_tables();
    tables_version_ = known;
  }
  if (may_write && feeding_cookie_ != now) {
    copy_feeding_triggers();
    feeding_cookie_ = now;
  }
  for (const auto& [id, table] : tables)
    table->records.forget();
  log_entries_.clear();
  auto& state = cached("SELECT (SELECT value FROM tandem_meta WHERE name = 'head'), "
                       "(SELECT value FROM tandem_meta WHERE name = 'hlc'), "
                       "(SELECT value FROM tandem_meta WHERE name = 'epoch'), "
                       "(SELECT value FROM tandem_meta WHERE name = 'site'), "
                       "EXISTS (SELECT 1 FROM tandem_dead), EXISTS (SELECT 1 FROM tandem_quarantine), "
                       "(SELECT value FROM tandem_meta WHERE name = 'counters'), "
                       "(SELECT value FROM tandem_meta WHERE name = 'received')");
  const statement_guard guard{state};
  state.step();
  head = state.unsigned_integer(0);
  if (head < head_at_begin_) { // The file was replaced under us, by SQLite's backup interface say.
    run_token_ = 0;
    is_run_noted = false;
  }
  head_at_begin_ = head;
  hlc = hlc_at_begin_ = state.unsigned_integer(1);
  self.epoch = state.unsigned_integer(2);
  self_site = static_cast<std::uint32_t>(state.integer(3));
  self.site = site_at(self_site);
  has_tombstones = state.integer(4);
  has_quarantine = state.integer(5);
  if (state.text(6) != counters_text_)
    read_counters(state.text(6));
  received_hlc = received_at_begin_ = state.unsigned_integer(7);
}

void core::save() {
  for (const auto& [id, table] : tables)
    table->records.flush();
  flush_log();
  if (has_grown() && !is_run_noted)
    note_run();
  if (has_grown() && now_ms() > noted_clock_ms_ + limits::clock_note_ms)
    note_clock();
  if (has_grown() &&
      messages::ms_of_hlc(hlc) > messages::ms_of_hlc(std::max(hlc_at_begin_, received_hlc)) + limits::leap_ms_min)
    note_leap();
  if (received_hlc != received_at_begin_)
    cached("UPDATE tandem_meta SET value = ?1 WHERE name = 'received'").bind(received_hlc).run();
  cached("UPDATE tandem_meta SET value = ?1 WHERE name = 'head'").bind(head).run();
  cached("UPDATE tandem_meta SET value = ?1 WHERE name = 'hlc'").bind(hlc).run();
}

local_stamp core::next_stamp() {
  hlc = std::max(hlc + 1, messages::hlc_of_ms(now_ms()));
  return {hlc, self_site};
}

bool has_pending_hints(core& c) {
  auto& query = c.cached("SELECT EXISTS (SELECT 1 FROM tandem_pending)");
  const statement_guard guard{query};
  query.step();
  return query.integer(0) != 0;
}

// --- sites -------------------------------------------------------------------------------------

void core::load_sites() {
  sites_.assign(1, {});
  site_indexes_.clear();
  statement query{db, "SELECT id, site FROM tandem_sites"};
  while (query.step()) {
    const auto id = static_cast<std::uint32_t>(query.integer(0));
    if (sites_.size() <= id)
      sites_.resize(id + 1);
    sites_[id] = site_id::from_bytes(query.blob(1));
    site_indexes_[sites_[id]] = id;
  }
}

std::uint32_t core::site_index(const site_id& site) {
  const auto known = site_indexes_.find(site);
  if (known != site_indexes_.end())
    return known->second;
  load_sites();
  if (const auto added = site_indexes_.find(site); added != site_indexes_.end())
    return added->second;
  statement insert{db, "INSERT INTO tandem_sites(site) VALUES (?1)"};
  insert.bind_blob(1, site.view());
  insert.run();
  load_sites();
  return site_indexes_.at(site);
}

const site_id& core::site_at(std::uint32_t index) {
  if (index >= sites_.size())
    load_sites();
  if (index >= sites_.size() || index == 0)
    throw failure{failure_code::corrupt, db.path() + ": a row's record names site " + std::to_string(index) +
                                             ", which tandem_sites does not have; clone the file anew from a peer"};
  return sites_[index];
}

bool core::is_later(const local_stamp& left, const local_stamp& right) {
  if (left.hlc != right.hlc)
    return left.hlc > right.hlc;
  return left.site != right.site && site_at(left.site) > site_at(right.site);
}

// --- the log and tombstones --------------------------------------------------------------------

std::uint64_t core::append_log(tracked_table& of, std::string_view key, std::uint32_t via) {
  ++head;
  for (const auto number :
       {static_cast<std::int64_t>(head), std::int64_t{of.info.id}, of.slot_of(key), std::int64_t{via}})
    log_entries_.add(value_view::of_integer(number));
  if (log_entries_.rows() >= limits::rows_at_once)
    flush_log();
  return head;
}

void core::flush_log() {
  if (log_entries_.rows() == 0)
    return;
  auto& append = cached("INSERT INTO tandem_log(pos, t, slot, via) SELECT c0, c1, c2, c3 FROM tandem_feed(?1)");
  append.bind_feed(1, log_entries_);
  append.run();
  log_entries_.clear();
}

std::optional<tombstone> core::find_tombstone(tracked_table& of, std::string_view key) {
  if (!of.records.may_be_dead(key))
    return std::nullopt;
  return tombstone_at(of, of.slot_of(key));
}

std::optional<tombstone> core::tombstone_at(const tracked_table& of, std::int64_t slot) {
  auto& find = cached("SELECT k, rec, vals FROM tandem_dead WHERE t = ?1 AND slot = ?2");
  const statement_guard guard{find};
  find.bind(of.info.id, slot);
  if (!find.step())
    return std::nullopt;
  return tombstone{row_record::unpack(find.blob(1)), unpack_cells(of.info, find.blob(2)), std::string{find.blob(0)}};
}

void core::put_tombstone(tracked_table& of, std::string_view key, const tombstone& remains) {
  auto& put = cached("INSERT INTO tandem_dead(t, slot, k, rec, vals) VALUES (?1, ?2, ?3, ?4, ?5) "
                     "ON CONFLICT DO UPDATE SET rec = excluded.rec, vals = excluded.vals");
  const auto packed = remains.record.pack();
  const auto cells = pack_cells(of.info, remains.values);
  put.bind(of.info.id, of.slot_of(key));
  put.bind_blob(3, key);
  put.bind_blob(4, packed);
  put.bind_blob(5, cells);
  put.run();
  has_tombstones = true;
  of.records.forget_dead(key);
}

void core::remove_tombstone(tracked_table& of, std::string_view key) {
  cached("DELETE FROM tandem_dead WHERE t = ?1 AND slot = ?2").bind(of.info.id, of.slot_of(key)).run();
  of.records.forget_dead(key);
}

// --- meta --------------------------------------------------------------------------------------

std::int64_t core::meta(std::string_view name, std::int64_t otherwise) {
  auto& query = cached("SELECT value FROM tandem_meta WHERE name = ?1");
  const statement_guard guard{query};
  query.bind(name);
  return query.step() ? query.integer(0) : otherwise;
}

std::string core::meta_text(std::string_view name) {
  auto& query = cached("SELECT value FROM tandem_meta WHERE name = ?1");
  const statement_guard guard{query};
  query.bind(name);
  return query.step() ? std::string{query.text(0)} : std::string{};
}

void core::set_meta(std::string_view name, std::int64_t number) {
  cached("INSERT INTO tandem_meta(name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value")
      .bind(name, number)
      .run();
}

void core::set_meta_text(std::string_view name, std::string_view text) {
  cached("INSERT INTO tandem_meta(name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value")
      .bind(name, text)
      .run();
}

statement& core::cached(const char* sql) {
  auto found = cached_.find(sql);
  if (found == cached_.end())
    found = cached_.emplace(sql, statement{db, sql}).first;
  return found->second;
}

// --- becoming a replica ------------------------------------------------------------------------

void core::make_replica(bool adopting) {
  for (const auto sql : layout::statements)
    db.execute(std::string{sql});
  load_sites();
  set_meta("format", layout::format);
  set_meta("head", 0);
  set_meta("hlc", 0);
  set_meta("received", 0);
  set_meta("schema", 1);
  set_meta("adopting", adopting);
  set_meta("epoch", static_cast<std::int64_t>(random_epoch(options)));
  set_meta("site", site_index(random_site(options)));
}

void core::take_identity() {
  set_meta("epoch", static_cast<std::int64_t>(random_epoch(options)));
  set_meta("site", site_index(random_site(options)));
}

void core::note_clock() {
  noted_clock_ms_ = meta("clock_ms");
  if (now_ms() > noted_clock_ms_ + limits::clock_note_ms)
    set_meta("clock_ms", noted_clock_ms_ = now_ms());
}

void core::note_run() {
  if (run_token_ == 0)
    run_token_ = random_epoch(options);
  cached("INSERT OR IGNORE INTO tandem_runs(token, start) VALUES (?1, ?2)").bind(run_token_, head_at_begin_).run();
  cached("DELETE FROM tandem_runs WHERE id <= (SELECT max(id) FROM tandem_runs) - ?1")
      .bind(static_cast<std::int64_t>(limits::runs_max))
      .run();
}

void core::note_leap() {
  cached("INSERT INTO tandem_leaps(pos, hlc) VALUES (?1, ?2)").bind(head_at_begin_, hlc_at_begin_).run();
  cached("DELETE FROM tandem_leaps WHERE id <= (SELECT max(id) FROM tandem_leaps) - ?1 OR pos < "
         "(SELECT max(acked) FROM tandem_peers WHERE acked_epoch = ?2)")
      .bind(static_cast<std::int64_t>(limits::leaps_max), self.epoch)
      .run();
}

core_transaction::core_transaction(core& owner, transaction::kind kind)
    : owner_{owner}, inner_{owner.db, kind}, kind_{kind} {
  try {
    owner_.refresh(kind == transaction::kind::write);
    owner_.late_columns.clear();
    owner_.left_columns.clear();
  } catch (...) {
    owner_.forget_schema();
    throw;
  }
}

core_transaction::~core_transaction() {
  if (!is_committed_ && kind_ == transaction::kind::write)
    owner_.forget_schema();
}

commit_cost core_transaction::commit() {
  if (kind_ == transaction::kind::write)
    owner_.save();
  inner_.commit();
  is_committed_ = true;
  if (kind_ == transaction::kind::write && owner_.has_grown())
    owner_.is_run_noted = true;
  return inner_.cost();
}

// --- values ------------------------------------------------------------------------------------

std::string pack_cells(const table& of, const row_values& values) {
  std::string result;
  for (std::size_t i = 0; i < values.size(); ++i) {
    append_value(result, value_view::of_integer(of.columns[of.cells[i]].id));
    append_value(result, values[i].view());
  }
  return result;
}

row_values unpack_cells(const table& of, std::string_view packed) {
  const auto flat = unpacked_values(packed);
  row_values result(of.cells.size());
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2)
    for (std::size_t cell = 0; cell < of.cells.size(); ++cell)
      if (of.columns[of.cells[cell]].id == flat[i].integer)
        result[cell] = value{flat[i + 1]};
  return result;
}

std::string pack_named_cells(const table& of, const row_values& values) {
  std::string result;
  for (std::size_t i = 0; i < values.size(); ++i) {
    append_value(result, value_view::of_text(of.columns[of.cells[i]].name));
    append_value(result, values[i].view());
  }
  return result;
}

row_values unpack_named_cells(const table& of, std::string_view packed) {
  const auto flat = unpacked_values(packed);
  row_values result(of.cells.size());
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2)
    for (std::size_t cell = 0; cell < of.cells.size(); ++cell)
      if (flat[i].type == value_type::text && of.columns[of.cells[cell]].name == flat[i].bytes)
        result[cell] = value{flat[i + 1]};
  return result;
}

std::string row_to_json(const table& of, std::string_view key, const row_values& values) {
  auto result = nlohmann::ordered_json::object();
  const auto put = [&](const table_column& column, const value_view& each) {
    result[column.name] = nlohmann::ordered_json::parse(value_to_json(each));
  };
  const auto key_values = unpacked_values(key);
  for (std::size_t i = 0; i < of.key.size() && i < key_values.size(); ++i)
    put(of.columns[of.key[i]], key_values[i]);
  for (std::size_t i = 0; i < values.size(); ++i)
    put(of.columns[of.cells[i]], values[i].view());
  return result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace tandem::storage
