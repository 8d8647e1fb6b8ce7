// The tables that Tandem keeps in the app's file. docs/storage.md explains them; here is what they are.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tandem::storage::layout {

/// Grows when a table below changes in a way that older programs would misread.
constexpr std::int64_t format = 2;

constexpr auto statements = std::to_array<std::string_view>({
    // One row a fact: format, site, epoch, head, hlc, schema, adopting.
    "CREATE TABLE tandem_meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    // Every site that ever wrote something known here. Records name sites by their small ids.
    "CREATE TABLE tandem_sites(id INTEGER PRIMARY KEY, site BLOB NOT NULL UNIQUE)",
    "CREATE TABLE tandem_tables(id INTEGER PRIMARY KEY, name TEXT NOT NULL, fingerprint TEXT NOT NULL)",
    // Column ids outlive renames and drops: an id is never given twice. since: cells of the column that were last
    // written at or before this pos were never written at all. gone: the app's table does not have the column (yet,
    // or any more), so that its values stand in tandem_aside.
    "CREATE TABLE tandem_columns(t INTEGER, id INTEGER, name TEXT NOT NULL, type TEXT NOT NULL DEFAULT '', "
    "since INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(t, id)) WITHOUT ROWID",
    // Former names of columns, for peers of older versions; column 0 stands for the table itself.
    "CREATE TABLE tandem_aliases(t INTEGER, col INTEGER, name TEXT, PRIMARY KEY(t, col, name)) WITHOUT ROWID",
    // Values of columns that peers have and the app's table here lacks. Their stamps are in the row's record.
    "CREATE TABLE tandem_aside(t INTEGER, slot INTEGER, col INTEGER, val, PRIMARY KEY(t, slot, col)) WITHOUT ROWID",
    // Tables that peers have and the app here lacks: n = 0 tells the name, the others how it is created. Their rows
    // stand in tandem_kept_T. t = 0: names of tables that were tracked once and are no more.
    "CREATE TABLE tandem_kept(t INTEGER, n INTEGER, sql TEXT, PRIMARY KEY(t, n)) WITHOUT ROWID",
    // Hints that triggers wrote: table, what (see capture.cpp), wall time, key. Wider keys add k2, k3, ...
    "CREATE TABLE tandem_pending(id INTEGER PRIMARY KEY, t, o, w, k)",
    // Row changes in the order in which they came to be known here. slot: where tandem_rows_T or tandem_dead
    // has the row's record. via: 0 for our own, else a site's id.
    "CREATE TABLE tandem_log(pos INTEGER PRIMARY KEY, t INTEGER, slot INTEGER, via INTEGER)",
    // Of which runs the log is made (lineage.hpp): a copy or a restored file goes on with a run of its own.
    "CREATE TABLE tandem_runs(id INTEGER PRIMARY KEY, token INTEGER NOT NULL UNIQUE, start INTEGER NOT NULL)",
    // Where the clock leapt: up to pos, no stamp of the log is later than hlc (see restamping.cpp).
    "CREATE TABLE tandem_leaps(id INTEGER PRIMARY KEY, pos INTEGER NOT NULL, hlc INTEGER NOT NULL)",
    // Records and last values of deleted rows.
    "CREATE TABLE tandem_dead(t INTEGER, slot INTEGER, k BLOB, rec BLOB, vals BLOB, PRIMARY KEY(t, slot)) "
    "WITHOUT ROWID",
    // Rows that are alive in the merged state, but that a constraint keeps out of their table. waits: the
    // table whose rows stand in the way.
    "CREATE TABLE tandem_quarantine(t INTEGER, k BLOB, vals BLOB, reason TEXT, waits INTEGER, conflict TEXT, "
    "PRIMARY KEY(t, k)) WITHOUT ROWID",
    // What is remembered of each peer between links. runs: the lineage of its log, packed.
    "CREATE TABLE tandem_peers(site BLOB PRIMARY KEY, epoch INTEGER DEFAULT 0, applied INTEGER DEFAULT 0, "
    "acked_epoch INTEGER DEFAULT 0, acked INTEGER DEFAULT 0, seen_ms INTEGER DEFAULT 0, name TEXT DEFAULT '', "
    "trouble TEXT DEFAULT '', runs BLOB) WITHOUT ROWID",
    // Which row changes of others this replica takes (see refusing.hpp); its own, not synced.
    "CREATE TABLE tandem_rules(name TEXT PRIMARY KEY, tbl TEXT, applies_to_site TEXT, expression TEXT, message TEXT)",
    // Conflicts and the audit trail: a tracked table like any other, so that all replicas see one inbox.
    "CREATE TABLE tandem_conflicts(id TEXT PRIMARY KEY, kind TEXT, tbl TEXT, k BLOB, col TEXT, current, "
    "current_hlc INTEGER, current_site BLOB, other, other_hlc INTEGER, other_site BLOB, rule TEXT, state TEXT, "
    "settled_by TEXT, settled_ms INTEGER, choice TEXT, result_hlc INTEGER, result_site BLOB, "
    "settled_who TEXT, about TEXT, follows TEXT, detail TEXT, base)",
    // Where a settlement is a write of its own, its stamp leads back to the conflict.
    "CREATE INDEX tandem_conflict_results ON tandem_conflicts(result_hlc) WHERE result_hlc IS NOT NULL",
    // People's choices stand there as rows of their own: about the conflict with that id, found by it or by the stamp
    // of
    // the write that carries them out.
    "CREATE INDEX tandem_conflict_choices ON tandem_conflicts(about) WHERE about IS NOT NULL",
    "CREATE INDEX tandem_conflict_writes ON tandem_conflicts(current_hlc) WHERE about IS NOT NULL",
    // How conflicts are settled, by table (col is empty) or column: tracked too, and open to stock SQL.
    "CREATE TABLE tandem_policies(tbl TEXT NOT NULL, col TEXT NOT NULL DEFAULT '', policy TEXT NOT NULL, "
    "options TEXT NOT NULL DEFAULT '', PRIMARY KEY(tbl, col))",
    // What cells with the policy `text` were before, from pos on (-1: as a peer had it) until another write took their
    // place; see bases.hpp.
    "CREATE TABLE tandem_bases(t INTEGER, k BLOB, col INTEGER, until INTEGER, pos INTEGER, via INTEGER, val BLOB, "
    "UNIQUE(t, k, col, until, pos, via))",
    "CREATE INDEX tandem_base_ends ON tandem_bases(until)",
    // What each site has counted in a cell with the policy `counter`; the empty site: what the cell was before. Tracked
    // too.
    "CREATE TABLE tandem_counts(tbl TEXT NOT NULL, k BLOB NOT NULL, col TEXT NOT NULL, site BLOB NOT NULL, total, "
    "PRIMARY KEY(tbl, k, col, site)) WITHOUT ROWID",
});

} // namespace tandem::storage::layout
