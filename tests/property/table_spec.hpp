// Random schemas, described well enough to write random statements against them.
#pragma once

#include <string>
#include <vector>

#include "tests/property/random_source.hpp"

namespace tandem::property {

enum class column_kind { integer, real, text, blob, numeric, any };

struct column_spec {
  std::string name;
  column_kind kind = column_kind::any;
  bool is_key = false;
  bool is_generated = false;
  bool has_few_values = false; ///< its values collide often: UNIQUE columns and such
  std::string constraint;      ///< NOT NULL, UNIQUE, CHECK, DEFAULT, COLLATE, GENERATED ...
  int references = -1;         ///< index of the table whose key it points to
  std::string on_delete;       ///< SET NULL, CASCADE ...
};

struct table_spec {
  std::string name;
  std::vector<column_spec> columns;
  bool is_without_rowid = false;
  bool has_key_at_end = true;        ///< PRIMARY KEY as a table constraint
  std::vector<std::string> more_sql; ///< indexes, triggers

  [[nodiscard]] std::vector<std::size_t> key() const;
  /// Columns that a statement may set and that are not in the key.
  [[nodiscard]] std::vector<std::size_t> cells() const;
};

struct schema_spec {
  std::vector<table_spec> tables;
  [[nodiscard]] std::vector<std::string> sql() const;
  [[nodiscard]] std::vector<std::string> names() const;
};

/// Tables whose rows never stand in each other's way: what must come out of a merge is a matter of stamps alone.
schema_spec free_schema(random_source& random);
/// Tables with all that SQL allows: UNIQUE, CHECK, NOT NULL, foreign keys (self references too), collations, defaults.
schema_spec constrained_schema(random_source& random);

std::string create_table(const table_spec& table, const schema_spec& schema);
/// "a" = ? AND "b" = ? for the key.
std::string key_condition(const table_spec& table);

} // namespace tandem::property
