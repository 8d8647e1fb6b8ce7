// Hashes of rows, the same at every replica: what digests of tables and of ranges are made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/core.hpp"

namespace tandem::storage {

struct row_hash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const row_hash&) const = default;
  /// Sums do not depend on the order of rows.
  void add(const row_hash& other) {
    low += other.low;
    high += other.high;
  }
};

/// Hashes rows of one table: their key, and their cells in the order of the columns' names.
class row_hasher {
public:
  explicit row_hasher(const table& of);
  row_hash operator()(std::string_view key, const std::vector<value_view>& cells);
  /// The stamps of the cells besides: two replicas have the same values by the same writes.
  row_hash with_stamps(core& c, std::string_view key, const std::vector<value_view>& cells, const row_record& record);

private:
  void pack(std::string_view key, const std::vector<value_view>& cells);
  [[nodiscard]] row_hash hash() const;

  const table& of_;
  std::vector<std::size_t> order_;
  std::string bytes_;
};

/// A number that a packed key has at every replica.
std::uint64_t hash_of_key(std::string_view key);

/// Visits every row of the merged state: the visible ones and those set aside.
template <class Visit>
void each_row(core& c, tracked_table& table, Visit visit) {
  std::vector<std::string> names;
  for (const auto index : table.info.cells)
    names.push_back(quoted(table.info.columns[index].name));
  names.push_back(table.info.key_list());
  statement rows{c.db, "SELECT " + joined(names, ", ") + " FROM " + table.info.app_table()};
  std::vector<value_view> cells(table.info.cells.size());
  const auto key_column = static_cast<int>(cells.size());
  while (rows.step()) {
    if (rows.is_null(key_column))
      continue; // a row without a key can't be named, and does not sync
    for (std::size_t i = 0; i < cells.size(); ++i)
      cells[i] = rows.value(static_cast<int>(i));
    visit(table.app_key(rows, key_column), cells);
  }
  statement aside{c.db, "SELECT k, vals FROM tandem_quarantine WHERE t = ?"};
  aside.bind(table.info.id);
  while (aside.step()) {
    const auto values = unpack_cells(table.info, aside.blob(1));
    visit(aside.blob(0), views_of(values));
  }
}

} // namespace tandem::storage
