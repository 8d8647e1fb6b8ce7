// Which tables are tracked.
#pragma once

#include <span>
#include <string>

#include "messages/schema.hpp"
#include "storage/core.hpp"

namespace tandem::storage {

track_report track_tables(core& c, std::span<const std::string> names, std::span<const policy> policies);
void untrack_tables(core& c, std::span<const std::string> names);
/// Starts to track one table, within the caller's write transaction: its triggers, and records of the rows
/// that it has. Returns how many those are.
std::uint64_t begin_tracking_with_rows(core& c, const std::string& name);
/// Triggers and ids for a table whose description has just been read.
void capture(core& c, table& described);
/// Creates a table as a peer describes it, and nothing else. Throws failure (schema).
void create_as_told(database& db, const messages::table_schema& theirs);
/// Tells peers that the tracked set or a tracked table has changed.
void bump_schema(core& c);
/// Makes an empty file a replica that creates and tracks what its peers track.
void make_adopting_replica(core& c);
/// See replica::level_schema.
void level_with_peer(core& c, const messages::schema& theirs);

} // namespace tandem::storage
