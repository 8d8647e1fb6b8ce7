// What the commands about conflicts have in common.
#pragma once

#include <string>
#include <vector>

#include "storage/replica.hpp"

namespace tandem::node {

/// A table of conflicts, for people.
std::string as_text(const std::vector<storage::conflict>& conflicts);

} // namespace tandem::node
