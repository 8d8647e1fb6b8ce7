// Conflicts and the audit trail, kept as rows of the tracked table tandem_conflicts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/conflict_reading.hpp"
#include "storage/core.hpp"

namespace tandem::storage {

/// One settled or open conflict as the merge sees it.
struct conflict_entry {
  conflict_kind kind = conflict_kind::cell;
  const tracked_table* table = nullptr;
  std::string_view key;
  std::uint32_t column = life_column; ///< life_column: the whole row
  value current;                      ///< what stands; a whole row as pack_named_cells
  local_stamp current_stamp;
  value other; ///< what lost
  local_stamp other_stamp;
  std::optional<value> base; ///< what both were made of, where it is known
  std::string rule;          ///< policy, or the constraint that was in the way
  bool is_open = false;
};

/// Writes a row of a tracked table as a local write would: with a stamp of its own (or `stamp`) and a log entry.
void write_here(core& c, tracked_table& table, std::string_view key, std::span<const std::uint32_t> columns,
                std::span<const value_view> values, std::optional<local_stamp> stamp = std::nullopt);

class conflict_store {
public:
  explicit conflict_store(core& owner) : c_{owner} {}

  /// Records a conflict unless it is known already. Returns its id, and in `is_new` whether it was not.
  std::string record(const conflict_entry& entry, bool* is_new = nullptr);
  /// Marks a conflict that people had to see as settled, by a write of its own or with the `given` stamp.
  void settle(std::string_view id, std::string_view state, std::string_view by, std::string_view choice,
              std::string_view who = {}, std::optional<local_stamp> given = std::nullopt);

  /// The settlement is a write of its own, with this stamp.
  void note_result(std::string_view id, const local_stamp& result);
  /// If the stamp is that of a settlement of the cell: the stamp of the write that it let stand.
  std::optional<local_stamp> settled_from(const tracked_table& of, std::string_view key, std::uint32_t column,
                                          const local_stamp& written);

  /// With what came of them since.
  std::vector<conflict> list(bool open_only);
  /// Throws failure (not_found, or usage where the prefix is not unique).
  conflict find(std::string_view id_or_prefix);

  /// The values of one conflict, unconverted.
  struct sides {
    std::string table, key, column;
    conflict_kind kind = conflict_kind::cell;
    value current, other;
    stamp current_stamp, other_stamp;
    std::string rule;
  };
  sides sides_of(std::string_view id);

private:
  tracked_table& table() { return c_.tracked(conflicts_table); }
  core& c_;
};

/// The key of a row of tandem_conflicts.
std::string conflict_key(std::string_view id);
/// 32 hex digits for some bytes.
std::string hash_id(std::string_view bytes);

} // namespace tandem::storage
