// A user table as the core sees it: its key, its columns, and the constraints that merges can break.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/schema.hpp"
#include "messages/value.hpp"
#include "storage/column_set.hpp"
#include "storage/database.hpp"

namespace tandem::storage {

struct table_column {
  std::uint32_t id = 0; ///< ours, stable for the table's life; see tandem_columns
  std::string name;
  std::string declared_type;
  std::uint32_t key_position = 0; ///< 1-based; 0: not part of the primary key
  bool is_typeless = false;       ///< keeps 1 and 1.0 apart (no or BLOB affinity)
  bool is_collated = false;       ///< as part of the key, takes different texts for the same (NOCASE, say)
  bool is_gone = false;           ///< known from peers or earlier versions, but not in the app's table now
  std::uint64_t since = 0;        ///< cells last written at or before this pos were never written
  messages::value fallback;       ///< the column's default, where that is a constant
  std::vector<std::string> former_names;
};

struct foreign_key {
  std::string parent;
  std::vector<std::string> from; ///< columns here
  std::vector<std::string> to;   ///< columns of the parent
};

/// A UNIQUE constraint or index over plain columns, other than the primary key.
struct unique_key {
  std::string name;
  std::vector<std::string> columns;   ///< empty name: an expression
  std::string condition;              ///< of a partial index, as SQL
  std::vector<std::string> mentioned; ///< columns whose values decide whether a row holds the key, and which
};

/// What names of tables begin with that have the rows of tables kept for others (keeping.hpp).
inline constexpr std::string_view kept_prefix = "tandem_kept_";

struct table {
  std::uint32_t id = 0;
  std::string name;
  std::string stored_as;        ///< the table that has its rows: the app's, or one of ours that keeps it for others
  bool has_integer_key = false; ///< INTEGER PRIMARY KEY: the key is the rowid
  std::vector<table_column> columns; ///< stored ones only, in order of declaration; then those that are gone
  std::vector<std::size_t> key;      ///< indexes into columns, in key order
  std::vector<std::size_t> cells;    ///< indexes into columns: those that are not in the key
  std::vector<foreign_key> foreign_keys;
  std::vector<unique_key> unique_keys;
  column_set own_cells;    ///< ids of the cells that the app's table has, the life cell included
  column_set all_cells;    ///< the same and those of columns that are gone
  column_set based;        ///< ids of cells whose values from before are kept; see bases.hpp
  std::uint64_t since = 0; ///< the latest of the columns' `since`
  std::vector<std::string> former_names;
  std::vector<std::string> ddl;

  [[nodiscard]] const table_column* column_named(std::string_view name) const;
  [[nodiscard]] const table_column* column_with_id(std::uint32_t id) const;
  [[nodiscard]] messages::table_schema schema() const;
  /// True if the cell has no value that anybody wrote: its column is younger than the row's last write to it.
  [[nodiscard]] bool is_unwritten(std::uint32_t column, std::uint64_t pos) const;
  /// Everything that capture and peers depend on, as text; when it changes, triggers are made anew.
  [[nodiscard]] std::string fingerprint() const;

  /// The app does not have the table: see keeping.hpp.
  [[nodiscard]] bool is_kept() const { return stored_as.starts_with(kept_prefix); }

  // --- SQL fragments --------------------------------------------------------------------------
  /// "a" = ?1 AND "b" = ?2 ..., true of the row with exactly this key.
  [[nodiscard]] std::string key_condition(int first_parameter = 1) const;
  /// The same for the table as `app`, against the columns c0, c1, ... of tandem_feed as `given`.
  [[nodiscard]] std::string fed_key_condition() const;
  [[nodiscard]] std::string key_list(std::string_view prefix = {}) const;
  [[nodiscard]] std::string app_table() const { return "main." + storage::quoted(stored_as); }
  [[nodiscard]] std::string rows_table() const { return "tandem_rows_" + std::to_string(id); }
  [[nodiscard]] std::string deleted_table() const { return "tandem_deleted_" + std::to_string(id); }

private:
  [[nodiscard]] std::string key_condition_with(std::string_view row, std::string_view given_prefix, int first) const;
};

/// Reads what SQLite knows of `name`; ids are left 0. Empty if there is no such table.
std::optional<table> read_table(database& db, std::string_view name);
/// Why the table can't be tracked and the way out; empty if it can.
std::string reason_not_to_track(database& db, std::string_view name);
/// User tables that can be tracked, in order of their names.
std::vector<std::string> trackable_tables(database& db);

std::string joined(const std::vector<std::string>& parts, std::string_view separator);

} // namespace tandem::storage
