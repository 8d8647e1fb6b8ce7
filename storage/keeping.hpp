// Whole tables that a peer tracks and this file does not: kept for others, and put in place once this file tracks the
// table too.
//
// Such a table is tracked like any other, under its own name, so that it merges, is relayed and is compared as
// everywhere. Only its rows stand in a table of ours (table::stored_as), which has its key and columns and none of its
// constraints. tandem_kept tells what the table is called, and how the peer creates it.
#pragma once

#include <span>
#include <string>

#include "messages/schema.hpp"
#include "storage/core.hpp"

namespace tandem::storage {

/// Begins to keep a table as a peer describes it, within a write transaction; nothing is known of it here. Throws
/// failure (schema) if the description makes no such table, or if the table was tracked here before: then rows that the
/// peer will not send again would be missing.
void begin_keeping(core& c, const messages::table_schema& theirs);
/// The app's own tables have come: what was kept is put into them, within a write transaction. Rows that a table has
/// already are writes of now; where another row was kept under the same key, that one goes to the audit trail. Throws
/// failure (schema) if a table has another primary key.
void put_kept_in_place(core& c, std::span<const std::string> names, track_report& report);
/// The table is tracked no more, though rows of it were received: see begin_keeping.
void remember_untracked(core& c, const std::string& name);
void forget_untracked(core& c, const std::string& name);

} // namespace tandem::storage
