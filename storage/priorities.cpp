#include "storage/priorities.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>

namespace tandem::storage {
namespace {

using messages::priority;

constexpr std::string_view prefix = "priority:";

std::map<std::uint32_t, priority> read_priorities(core& c) {
  std::map<std::uint32_t, priority> result;
  auto& query = c.cached("SELECT name, value FROM tandem_meta WHERE name > 'priority:' AND name < 'priority;'");
  const statement_guard guard{query};
  while (query.step()) {
    const std::string name{query.text(0)};
    std::uint32_t table = 0;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), table);
    // A later version may know more of them.
    result[table] =
        static_cast<priority>(std::clamp<std::int64_t>(query.integer(1), 0, messages::priority_names.size() - 1));
  }
  return result;
}

} // namespace

void set_priority(core& c, std::string_view table, priority level) {
  core_transaction writing{c, transaction::kind::write};
  c.set_meta(std::string{prefix} + std::to_string(c.tracked(table).info.id), static_cast<std::int64_t>(level));
  writing.commit();
}

std::vector<table_priority> priorities_of(core& c) {
  std::vector<table_priority> result;
  for (const auto& [id, level] : read_priorities(c))
    if (const auto found = c.table_with_id(id); found && level != priority::normal)
      result.push_back({found->info.name, level});
  return result;
}

priority priority_of(core& c, const std::set<std::uint32_t>& tables) {
  const auto known = read_priorities(c);
  if (known.empty())
    return priority::normal;
  std::optional<priority> highest;
  for (const auto id : tables) {
    const auto table = c.table_with_id(id);
    if (!table || is_own_table(table->info.name))
      continue;
    const auto found = known.find(id);
    const auto level = found == known.end() ? priority::normal : found->second;
    highest = std::max(highest.value_or(level), level);
  }
  return highest.value_or(priority::normal);
}

} // namespace tandem::storage
