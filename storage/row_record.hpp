// What is remembered of one row: for each of its cells the stamp, the log's pos and the link it came by,
// packed into a few bytes. Cells that were written together share one group.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/column_set.hpp"

namespace tandem::storage {

/// Column id of the cell that says whether the row exists.
constexpr std::uint32_t life_column = 0;
/// `via` of writes made here. Others are indexes into tandem_sites.
constexpr std::uint32_t via_here = 0;

/// A stamp with its site as an index into tandem_sites.
struct local_stamp {
  std::uint64_t hlc = 0;
  std::uint32_t site = 0;
  bool operator==(const local_stamp&) const = default;
};

struct cell_origin {
  local_stamp written;
  std::uint64_t pos = 0;
  std::uint32_t via = via_here;
  bool operator==(const cell_origin&) const = default;
};

class row_record {
public:
  struct group {
    cell_origin origin;
    /// Unused in the first group: it holds all cells that no other group names, also those of columns
    /// that ALTER TABLE adds later. So it stays even when the other groups name every cell.
    column_set columns;
  };

  row_record() = default;
  explicit row_record(const cell_origin& all) : groups_{{all, {}}} {}
  static row_record unpack(std::string_view packed);
  [[nodiscard]] std::string pack() const;

  [[nodiscard]] const cell_origin& of(std::uint32_t column) const;
  /// Marks the cells as written anew. `all` is every cell of the table, its life included.
  void write(const column_set& cells, const cell_origin& origin, const column_set& all);
  [[nodiscard]] const std::vector<group>& groups() const { return groups_; }
  /// Gives group `index` another stamp; cells, pos and link stay.
  void restamp(std::size_t index, const local_stamp& written) { groups_[index].origin.written = written; }
  /// The cells of group `index`, given every cell of the table.
  [[nodiscard]] column_set cells_of(std::size_t index, const column_set& all) const;

  bool is_quarantined = false; ///< the row is alive, but set aside

private:
  std::vector<group> groups_;
};

} // namespace tandem::storage
