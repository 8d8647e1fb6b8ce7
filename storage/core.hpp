// What all parts of the storage core share: the connection, the tracked tables with their prepared
// statements, the sites, and the log's head and clock within a transaction.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "messages/failure.hpp"
#include "messages/site.hpp"
#include "storage/database.hpp"
#include "storage/packing.hpp"
#include "storage/record_store.hpp"
#include "storage/replica.hpp"
#include "storage/row_feed.hpp"
#include "storage/row_record.hpp"
#include "storage/table.hpp"

namespace tandem::storage {

using messages::failure;
using messages::failure_code;
using messages::value;

/// Name of the tracked table that holds conflicts and the audit trail.
inline constexpr std::string_view conflicts_table = "tandem_conflicts";
/// Name of the tracked table that holds the policies.
inline constexpr std::string_view policies_table = "tandem_policies";
/// Name of the tracked table that holds what each site has counted in cells with the policy `counter`.
inline constexpr std::string_view counts_table = "tandem_counts";
/// Tables of ours that are tracked like those of the app.
inline bool is_own_table(std::string_view name) {
  return name == conflicts_table || name == policies_table || name == counts_table;
}

/// Values of one row's cells, in the order of table::cells.
using row_values = std::vector<value>;

/// A tracked table with what it takes to work on it.
class tracked_table {
public:
  /// `has_tombstones` tells whether any row is dead, and must outlive the table.
  tracked_table(database& db, table description, const bool& has_tombstones);

  const table info;
  /// Place of a column id in row_values; -1 if it is no cell of the table.
  [[nodiscard]] int cell_index(std::uint32_t column_id) const;

  // --- the app's rows, by packed key ----------------------------------------------------------
  bool exists(std::string_view key);
  std::optional<row_values> read(std::string_view key);
  /// The row's cells within the statement that found it; valid until the next call. Null: no such row.
  statement* find(std::string_view key);
  /// Starts to read the rows with the keys that `keys` holds, column by column, in that order. Its first column is
  /// the number of the key, the cells follow. Only for keys of at most limits::feed_columns_max columns.
  statement& find_fed(const row_feed& keys);
  /// Returns the code of a constraint that was hit; 0: the row is in.
  int insert(std::string_view key, std::span<const value_view> values);
  /// Inserts, or finds the row that a uniqueness constraint puts in the way: `key_in_place` is then not
  /// `key`. Returns the code of any other constraint that was hit.
  int insert_or_find(std::string_view key, std::span<const value_view> values, std::string& key_in_place);
  /// The key of a row that holds what the primary key or a UNIQUE constraint allows once; empty if there is
  /// none, or if only an index over an expression could tell.
  std::optional<std::string> rival_of(std::string_view key, std::span<const value_view> values);
  /// Changes some cells, given by column id. Returns the code of a constraint that was hit.
  int update(std::string_view key, std::span<const std::uint32_t> columns, std::span<const value_view> values);
  void remove(std::string_view key);

  // --- our record of them ---------------------------------------------------------------------
  std::optional<row_record> record(std::string_view key) { return records.record(key); }
  void put_record(std::string_view key, const row_record& record) { records.put(key, record); }
  void remove_record(std::string_view key) { records.remove(key); }
  std::int64_t slot_of(std::string_view key) { return records.slot_of(key); }
  std::optional<row_record> record_at(std::int64_t slot, std::string& key) { return records.record_at(slot, key); }
  record_store records;

  /// Values that the delete trigger kept under a pending id.
  std::optional<row_values> deleted_values(std::int64_t pending_id);

  /// The packed key from key columns of the app's table.
  [[nodiscard]] std::string app_key(const statement& from, int first_column) const;
  void bind_app_key(statement& to, int first_index, std::string_view key);

private:
  database& db_;
  /// Finds the row with given values of one unique key; `columns` tells where they stand: in the key or in the
  /// cells, and at which place.
  struct rival_query {
    statement find;
    std::vector<std::pair<bool, std::size_t>> columns;
  };
  void prepare_rivals();
  std::vector<rival_query> rivals_;

  statement exists_, find_, find_fed_, insert_, insert_or_find_, stored_key_, remove_, deleted_get_;
  std::map<std::string, statement> updates_;
  std::unordered_map<std::uint32_t, int> cell_index_;
  std::vector<value_view> key_values_;
};

class core;
/// True if triggers have written hints that are not stamped yet.
bool has_pending_hints(core& c);
std::vector<value_view> views_of(const row_values& values);

/// A deleted row's remains.
struct tombstone {
  row_record record;
  row_values values;
  std::string key = {}; ///< set when it was found by slot
};

class core {
public:
  core(const std::string& path, replica_options given);

  database db;
  replica_options options;

  // --- what is tracked; valid within a transaction -------------------------------------------
  std::map<std::uint32_t, std::unique_ptr<tracked_table>> tables;
  tracked_table* table_with_id(std::uint32_t id);
  tracked_table* table_named(std::string_view name);
  /// Throws failure (not_found) with what is tracked.
  tracked_table& tracked(std::string_view name);
  bool is_replica();

  // --- state; read at the beginning of a transaction, written at its end -----------------------
  identity self;
  std::uint32_t self_site = 0;
  std::uint64_t head = 0;
  std::uint64_t hlc = 0;
  std::uint64_t received_hlc = 0; ///< the latest stamp that ever came from a peer
  bool has_tombstones = false;
  bool has_quarantine = false;
  /// Columns with the policy `counter`, by table; see counting.hpp. Reaches the file at once.
  std::map<std::uint32_t, std::vector<std::uint32_t>> counters;
  void set_counters(const std::string& text);

  /// Columns of a table whose values from before are kept, as the file says now; see bases.hpp.
  column_set based_columns(std::uint32_t table);

  /// Reads the state anew; call first in every transaction.
  void refresh(bool may_write);
  /// Reads table descriptions anew, within a write transaction that changed them.
  void refresh_tables();
  /// True if this transaction has appended to the log.
  [[nodiscard]] bool has_grown() const { return head != head_at_begin_; }
  /// Writes records, log entries, head and hlc; call last in every transaction that stamped or merged.
  void save();
  [[nodiscard]] std::int64_t now_ms() const { return options.now_ms(); }
  /// A stamp of our own, larger than any that was seen here.
  local_stamp next_stamp();

  // --- sites ----------------------------------------------------------------------------------
  std::uint32_t site_index(const site_id& site);
  const site_id& site_at(std::uint32_t index);
  stamp stamp_of(const local_stamp& local) { return {local.hlc, site_at(local.site)}; }
  /// Total order of stamps.
  bool is_later(const local_stamp& left, const local_stamp& right);

  // --- the log --------------------------------------------------------------------------------
  /// Appends an entry, which reaches the file by `save` at the latest, and returns its pos.
  std::uint64_t append_log(tracked_table& of, std::string_view key, std::uint32_t via);

  // --- tombstones -----------------------------------------------------------------------------
  std::optional<tombstone> find_tombstone(tracked_table& of, std::string_view key);
  std::optional<tombstone> tombstone_at(const tracked_table& of, std::int64_t slot);
  void put_tombstone(tracked_table& of, std::string_view key, const tombstone& remains);
  void remove_tombstone(tracked_table& of, std::string_view key);

  // --- meta -----------------------------------------------------------------------------------
  std::int64_t meta(std::string_view name, std::int64_t otherwise = 0);
  std::string meta_text(std::string_view name);
  void set_meta(std::string_view name, std::int64_t number);
  void set_meta_text(std::string_view name, std::string_view text);

  /// A statement that lives as long as the core; `sql` must be a literal.
  statement& cached(const char* sql);
  /// Forgets table descriptions and temporary triggers, so that the next refresh makes them anew: a
  /// rollback takes temporary triggers with it.
  void forget_schema();
  /// Takes a new site id and epoch.
  void take_identity();
  /// Notes that what this connection has just appended to the log begins a run of its own, unless it did before.
  void note_run();
  /// Keeps the clock's latest reading: what was stamped by it must not count as the future if it is set back.
  void note_clock();
  void note_leap();
  bool is_run_noted = false; ///< for good, by a commit
  /// Puts our tables in place in a file that has none yet.
  void make_replica(bool adopting);
  /// Makes triggers anew for tables whose columns have changed. Within a write transaction that stamps afterwards
  /// (see take_up in drifting.hpp): hints of the old triggers do not tell of new columns.
  void repair_captures();
  bool needs_repair = false;
  /// The next transaction that writes makes the copies of the app's feeding triggers anew.
  void drop_feeding_triggers();
  /// True if anybody has changed any table's definition since `refresh` last read them.
  bool has_schema_changed();
  /// Columns that the triggers which wrote the pending hints did not know yet, by table.
  std::map<std::uint32_t, column_set> late_columns;
  /// Columns that the pending hints tell of and whose values are kept aside since, by table.
  std::map<std::uint32_t, column_set> left_columns;

private:
  void flush_log();
  void load_tables();
  void load_columns(table& into);
  std::int64_t schema_cookie();
  void read_counters(std::string_view text);
  void load_sites();
  void copy_feeding_triggers();

  std::int64_t schema_cookie_ = -1;
  std::int64_t tables_version_ = -1; ///< of the tracked set, when `tables` were read
  row_feed log_entries_{4};          // not written yet: pos, t, slot, via
  std::int64_t feeding_cookie_ = -1;
  std::string counters_text_; ///< pairs of table and column id, as in the file
  std::uint64_t run_token_ = 0;
  std::uint64_t head_at_begin_ = 0; ///< of the transaction
  std::uint64_t hlc_at_begin_ = 0;
  std::uint64_t received_at_begin_ = 0;
  std::int64_t noted_clock_ms_ = 0; ///< the clock's latest reading in the file, as last seen here
  std::unordered_map<const char*, statement> cached_;
  std::map<site_id, std::uint32_t> site_indexes_;
  std::vector<site_id> sites_;
};

/// A transaction of the core: reads the state at its beginning, and after a rollback makes sure that
/// the next one starts from what is on disk.
class core_transaction {
public:
  core_transaction(core& owner, transaction::kind kind);
  ~core_transaction();
  core_transaction(const core_transaction&) = delete;
  core_transaction& operator=(const core_transaction&) = delete;
  /// Saves head and clock (in a write transaction), then commits.
  commit_cost commit();

private:
  core& owner_;
  transaction inner_;
  transaction::kind kind_;
  bool is_committed_ = false;
};

/// Cell values with their column ids, as tombstones and the quarantine keep them.
std::string pack_cells(const table& of, const row_values& values);
row_values unpack_cells(const table& of, std::string_view packed);
/// The same by column name, for what travels to replicas that number their columns otherwise.
std::string pack_named_cells(const table& of, const row_values& values);
row_values unpack_named_cells(const table& of, std::string_view packed);
/// A row as a JSON object, its key included.
std::string row_to_json(const table& of, std::string_view key, const row_values& values);

} // namespace tandem::storage
