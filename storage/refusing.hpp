// Rejection: rules of this replica say which row changes of others it takes. A refused change is not applied; the row
// at its author goes back to what it is here, by a write that dominates the refused one, and the refused values stay in
// the audit trail, where the author's user reads why.
//
// Rules are rows of tandem_rules, which does not sync: each hub has its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/core.hpp"

namespace tandem::storage {

/// A row change as rules see it. Null values: there is no such row before, or after.
struct judged_change {
  const row_values* before = nullptr;
  const row_values* after = nullptr;
  std::string_view key;
  site_id author;
};

/// The rules of one table, ready to be asked. For one transaction.
class table_rules {
public:
  /// Rules that do not compile are left out: verify and status tell of them.
  table_rules(core& c, const tracked_table& table);

  [[nodiscard]] bool is_empty() const { return rules_.empty(); }
  /// "name: message" of the first rule that refuses the change; empty: all admit it. A rule that cannot be
  /// evaluated for this row, or takes longer than limits::rule_steps_max, refuses it.
  std::string refusal(const judged_change& change);

private:
  struct ready_rule {
    std::string name, site, message;
    statement query;
  };
  core& c_;
  const table& of_;
  std::vector<ready_rule> rules_;
};

/// Adds or replaces a rule. Throws failure (usage) if its expression does not compile, (not_found) for the table.
void put_rule(core& c, const rule& given);
/// Throws failure (not_found).
void remove_rule(core& c, std::string_view name);
/// All rules, with what is wrong with each.
std::vector<rule> rules_of(core& c);

} // namespace tandem::storage
