// Renamed columns and tables: which name was which, so that a column keeps its identity and peers of older versions
// are understood.
#pragma once

#include <string>

#include "storage/core.hpp"

namespace tandem::storage {

/// ALTER TABLE RENAME COLUMN rewrites our triggers, and so tells what is called what now: columns get their new names
/// under their old ids, and the former names are told to peers. Within a write transaction, before ids are given.
void follow_renames(core& c, const table& described, const std::string& known_name);
/// What the app developer says of a migration that made a table anew under other names, or of what peers call
/// things. Throws failure (usage, not_found) if there is no such column or table here.
void add_alias(core& c, const alias& given);

} // namespace tandem::storage
