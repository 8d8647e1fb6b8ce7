// Which tables are tracked.
#pragma once

#include <span>
#include <string>

#include "messages/schema.hpp"
#include "storage/core.hpp"

namespace tandem::storage {

track_report track_tables(core& c, std::span<const std::string> names, std::span<const policy> policies);
void untrack_tables(core& c, std::span<const std::string> names);
/// Makes an empty file a replica that creates and tracks what its peers track.
void make_adopting_replica(core& c);
/// See replica::level_schema.
void level_with_peer(core& c, const messages::schema& theirs);

} // namespace tandem::storage
