// What must come out, known independently: for every write to a cell, which other writes its replica had
// seen. (The rules are those of a tree of replicas; nothing here looks at how the core decides.)
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/property/harness.hpp"
#include "tests/property/table_spec.hpp"

namespace tandem::property {

/// Table and packed primary key.
using row_id = std::pair<std::string, std::string>;
using write_index = std::size_t;

/// One write to one cell. The column's name is empty for the row's life, whose value is 1 or 0.
struct cell_write {
  row_id row;
  std::string column;
  stamp written;
  std::string bytes; ///< the value, encoded
  value plain;
  std::set<write_index> past; ///< writes to the same row that its writer had seen
  bool is_hidden = false;     ///< written and deleted in one group: its value shows when it travels
};

class ground_truth {
public:
  ground_truth(world& all, const schema_spec& schema);

  /// After stamp_pending at a device: what changed in its tables must be stamped anew, and is remembered.
  void stamped(std::size_t at, std::uint64_t head_before);
  /// After a delivery.
  void delivered(std::size_t at, const packet& message, const delivery& result, std::uint64_t head_before);
  /// After healing: every cell holds the largest stamp's value, and no write is missing without a trace.
  void check();

private:
  using row_cells = std::map<std::string, value>;
  using image = std::map<row_id, row_cells>;
  struct device_state {
    image visible;
    std::map<row_id, std::set<write_index>> seen;
  };

  image read(std::size_t at);
  void note_writes(std::size_t at, const row_id& row, std::uint64_t head_before, const image& now);
  write_index add(cell_write write);
  void note_seen(device_state& state, const row_id& row, write_index write);
  void must_be_stamped(std::size_t at, const row_id& row, const image& before, const image& now,
                       std::uint64_t head_before);
  void check_cells(std::size_t at);
  void check_losses();
  void check_audit(const storage::conflict& each);
  bool is_in_audit(const cell_write& write, const std::vector<storage::conflict>& audit) const;
  [[nodiscard]] std::string described(const cell_write& write) const;

  world& all_;
  const schema_spec& schema_;
  std::vector<device_state> states_;
  std::vector<cell_write> writes_;
  std::map<std::tuple<row_id, std::string, stamp>, write_index> index_;
  std::set<row_id> known_rows_;
};

} // namespace tandem::property
