// How two replicas compare a table range by range. A range is a set of rows: those whose keys' hashes leave the same
// rest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::messages {

/// Bytes that are no text.
struct binary {
  std::string bytes;
};

/// What came of a comparison.
enum class comparison : std::uint8_t {
  equal,
  differs,
  later, ///< one of the two sides has changes that the other lacks: ask again
  never, ///< the two tables can't be compared
};

/// What one side has of a table, as a hash of each range.
struct table_ranges {
  std::string table;
  std::uint64_t columns = 0; ///< hash of the columns' names: tables that differ in them can't be compared
  binary digests;            ///< 16 bytes for each range
};

/// All rows that one side has in some ranges of a table.
struct range_rows {
  std::string table;
  std::uint64_t count = 0;           ///< of all ranges
  std::vector<std::uint64_t> ranges; ///< which of them; ascending
  std::uint64_t schema_version = 0;  ///< that the block's ids refer to
  binary block;                      ///< a row block, or nothing
};

} // namespace tandem::messages
