// Running an app's migration for it, where SQLite alone would refuse: DROP COLUMN, which our triggers stand in the way
// of.
#pragma once

#include <string>

#include "storage/core.hpp"

namespace tandem::storage {

/// See replica::migrate.
void migrate(core& c, const std::string& sql);

} // namespace tandem::storage
