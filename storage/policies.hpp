// Policies: how the conflicts of a table or column are settled. They are rows of the tracked table
// tandem_policies, so they sync, and stock SQL may write them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/core.hpp"

namespace tandem::storage {

enum class cell_policy {
  lww,        ///< the larger stamp stands
  ask,        ///< the larger stamp stands until a person chooses
  keep_first, ///< the smaller stamp stands
  max,        ///< the larger value, by SQLite's order of values
  min,        ///< the smaller value
  counter,    ///< increments of all sites add up
  text,       ///< texts merge by line and word; where they can't, the larger stamp stands
  text_ask,   ///< where they can't, as with `ask`
  callback,   ///< what the host says
};

std::string_view name_of(cell_policy policy);
inline bool merges_text(cell_policy policy) {
  return policy == cell_policy::text || policy == cell_policy::text_ask;
}

/// What holds in one table.
struct table_policy {
  cell_policy all = cell_policy::lww; ///< of columns that have none of their own
  std::map<std::uint32_t, cell_policy> columns;
  bool is_row = false; ///< the row merges as a whole
  bool delete_wins = false;

  [[nodiscard]] cell_policy of(std::uint32_t column) const {
    const auto found = columns.find(column);
    return found == columns.end() ? all : found->second;
  }
};

/// The policies of all tracked tables. Tables where the larger stamp always stands are not in it.
class policy_book {
public:
  /// Reads tandem_policies. Rows that do not fit are passed over: the larger stamp stands there.
  explicit policy_book(core& c);
  /// Null: the larger stamp stands.
  [[nodiscard]] const table_policy* of(std::uint32_t table) const {
    const auto found = tables_.find(table);
    return found == tables_.end() ? nullptr : &found->second;
  }

private:
  std::map<std::uint32_t, table_policy> tables_;
};

/// Checks and writes policies, within the caller's write transaction. Throws failure (usage) that says what
/// does not fit.
void write_policies(core& c, std::span<const policy> policies);
/// All policies, with what is wrong with those that are passed over.
std::vector<policy> policies_of(core& c);

/// SQLite's order of values: NULL, numbers, texts, blobs; texts byte by byte. Negative: left comes first.
int compare_values(const value_view& left, const value_view& right);

} // namespace tandem::storage
