// Looks for conflicts among any number of them, for somebody who looks at a few: only those are read whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/conflict.hpp"

namespace tandem::storage {

class core;

std::string_view name_of(conflict_kind kind);

struct conflict_wish {
  bool open_only = false;
  bool newest_first = false; ///< by the later of both writes; else the oldest first
  /// Stands in a name, a value or a person's label of it, or begins its id; of ASCII letters the case does not count.
  /// Empty: any.
  std::string text = {};
  std::uint64_t shown_max = std::numeric_limits<std::int64_t>::max();
  std::optional<bool> is_set_aside = {}; ///< only rows in quarantine, or none of them
};

struct shown_conflict {
  conflict what;
  std::string waits_for; ///< of a row in quarantine: the constraint, and what stands in its way; else empty
};

struct found_conflicts {
  std::vector<shown_conflict> shown;
  std::uint64_t total = 0; ///< that fit the wish, shown or not
};

/// A connection of its own, which writes nothing. One thread at a time.
class conflict_reader {
public:
  explicit conflict_reader(const std::string& path);
  ~conflict_reader();
  conflict_reader(const conflict_reader&) = delete;
  conflict_reader& operator=(const conflict_reader&) = delete;

  found_conflicts find(const conflict_wish& wanted);

private:
  std::unique_ptr<core> core_;
};

} // namespace tandem::storage
