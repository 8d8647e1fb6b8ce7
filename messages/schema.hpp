// What a replica tells its peers about its tracked tables.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::messages {

/// Column ids are the sender's own, stable for a table's life, and start at 1: id 0 is the row's
/// life cell. Key columns have ids too, but never travel as cells.
struct column_schema {
  std::uint32_t id = 0;
  std::string name;
  std::string declared_type;
  std::uint32_t key_position = 0;             ///< 1-based place in the primary key; 0: not part of it
  std::vector<std::string> former_names = {}; ///< what earlier versions of the app call it
};

struct table_schema {
  std::uint32_t id = 0; ///< the sender's own number for the table
  std::string name;
  /// Stored columns only; generated ones are computed anew everywhere. Also those that the sender keeps for others
  /// while its own app's table lacks them.
  std::vector<column_schema> columns;
  std::vector<std::string> ddl;               ///< CREATE TABLE, then its CREATE INDEX statements
  std::vector<std::string> former_names = {}; ///< what earlier versions of the app call it
};

/// Everything tracked, our own `tandem_conflicts` included.
struct schema {
  std::uint64_t version = 0; ///< grows with each change of the tracked set or of a tracked table
  std::vector<table_schema> tables;
};

} // namespace tandem::messages
