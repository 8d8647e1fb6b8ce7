// Which tables' changes are in a hurry. Not synced: each replica has its own. Kept by the table's id in tandem_meta, so
// that a renamed table keeps its priority.
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "messages/priority.hpp"
#include "storage/core.hpp"
#include "storage/replica.hpp"

namespace tandem::storage {

/// In a transaction of its own.
void set_priority(core& c, std::string_view table, messages::priority level);
/// Those that are not normal. This and all below within a transaction.
std::vector<table_priority> priorities_of(core& c);
/// Of changes of all these tables together: the highest. What Tandem keeps for itself does not count.
messages::priority priority_of(core& c, const std::set<std::uint32_t>& tables);

} // namespace tandem::storage
