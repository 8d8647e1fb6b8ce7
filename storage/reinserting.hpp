// The row that lost when two were inserted under one key comes back under another one, and its children follow.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "storage/admission.hpp"
#include "storage/core.hpp"

namespace tandem::storage {

/// The packed key from JSON. Throws failure (usage) where it does not fit the table or is taken.
std::string key_for_reinsertion(core& c, tracked_table& of, std::string_view json);

class reinserter {
public:
  /// All writes get the `given` stamp. Within the caller's write transaction, ahead of admission::settle.
  reinserter(core& c, admission& admitted, tracked_table& table, const local_stamp& given)
      : c_{c}, admitted_{admitted}, table_{table}, stamp_{given} {}

  /// Children that refer to `old_key` follow to `new_key` where the site that wrote the lost row wrote the reference,
  /// not before that row (`lost`).
  void insert(std::string_view old_key, std::string_view new_key, const std::map<std::uint32_t, value>& cells,
              const stamp& lost);
  /// Takes the row away again that `insert` wrote with the stamp `done`, and brings its children back. Throws failure
  /// (usage) if it was changed since, unless `is_forced`.
  void take_back(std::string_view old_key, std::string_view new_key, const local_stamp& done, bool is_forced);

private:
  template <class Follows>
  void move_children(std::string_view from, std::string_view to, const Follows& follows);

  core& c_;
  admission& admitted_;
  tracked_table& table_;
  local_stamp stamp_;
};

} // namespace tandem::storage
