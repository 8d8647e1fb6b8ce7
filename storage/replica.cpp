#include "storage/replica.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <map>

#include "messages/limits.hpp"
#include "storage/compacting.hpp"
#include "storage/core.hpp"
#include "storage/drifting.hpp"
#include "storage/extracting.hpp"
#include "storage/inspecting.hpp"
#include "storage/lineage.hpp"
#include "storage/merging.hpp"
#include "storage/migrating.hpp"
#include "storage/priorities.hpp"
#include "storage/pruning.hpp"
#include "storage/refusing.hpp"
#include "storage/renaming.hpp"
#include "storage/repairing.hpp"
#include "storage/resolving.hpp"
#include "storage/restamping.hpp"
#include "storage/tracking.hpp"

namespace tandem::storage {

std::int64_t system_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct replica::implementation {
  implementation(const std::string& path, replica_options options) : c{path, std::move(options)} {}

  core c;
  /// What a peer last told of its schema, and what that means here.
  struct known_peer {
    messages::schema schema;
    peer_binding binding;
  };
  std::map<site_id, known_peer> bindings;
  std::int64_t data_version = 0;
};

replica::replica(std::unique_ptr<implementation> given) : implementation_{std::move(given)} {}
replica::~replica() = default;
replica::replica(replica&&) noexcept = default;
replica& replica::operator=(replica&&) noexcept = default;

replica replica::open(const std::string& path, replica_options options) {
  const auto mode = options.mode;
  auto result = std::make_unique<implementation>(path, std::move(options));
  auto& c = result->c;
  // Reads the header, and so finds files that are no databases.
  const auto user_tables = c.db.integer("SELECT count(*) FROM sqlite_schema");
  if (mode == open_mode::create && user_tables == 0)
    make_adopting_replica(c);
  return replica{std::move(result)};
}

const std::string& replica::path() const {
  return implementation_->c.db.path();
}

identity replica::self() {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return implementation_->c.self;
}

// --- what is tracked ---------------------------------------------------------------------------

track_report replica::track(std::span<const std::string> tables, std::span<const policy> policies) {
  return track_tables(implementation_->c, tables, policies);
}

void replica::untrack(std::span<const std::string> tables) {
  untrack_tables(implementation_->c, tables);
}

void replica::add_alias(const alias& given) {
  auto& c = implementation_->c;
  core_transaction writing{c, transaction::kind::write};
  storage::add_alias(c, given);
  bump_schema(c);
  writing.commit();
  c.forget_schema();
}

void replica::migrate(const std::string& sql) {
  storage::migrate(implementation_->c, sql);
}

std::vector<std::string> replica::untracked_tables() {
  auto& c = implementation_->c;
  auto result = trackable_tables(c.db);
  if (!c.is_replica())
    return result;
  core_transaction reading{c, transaction::kind::read};
  std::erase_if(result,
                [&](const std::string& name) { return c.table_named(name) && !c.table_named(name)->info.is_kept(); });
  return result;
}

namespace {

messages::schema schema_of(core& c) {
  messages::schema result;
  result.version = static_cast<std::uint64_t>(c.meta("schema"));
  for (const auto& [id, table] : c.tables)
    result.tables.push_back(table->info.schema());
  return result;
}

} // namespace

messages::schema replica::schema() {
  auto& c = implementation_->c;
  {
    core_transaction reading{c, transaction::kind::read};
    if (!c.needs_repair)
      return schema_of(c);
  }
  // A migration has come since anybody looked. Until it is taken up, a renamed column is nobody's: peers would keep
  // its name as one more column, next to the one that it is.
  core_transaction writing{c, transaction::kind::write};
  settle_pending(c);
  c.save();
  auto result = schema_of(c);
  writing.commit();
  return result;
}

std::uint64_t replica::schema_version() {
  return static_cast<std::uint64_t>(implementation_->c.meta("schema"));
}

void replica::level_schema(const messages::schema& theirs) {
  level_with_peer(implementation_->c, theirs);
}

// --- from the app's writes to the log ----------------------------------------------------------

bool replica::changed_elsewhere() {
  auto& query = implementation_->c.cached("PRAGMA data_version");
  const statement_guard guard{query};
  query.step();
  const auto last = std::exchange(implementation_->data_version, query.integer(0));
  return last != implementation_->data_version;
}

bool replica::has_pending() {
  auto& c = implementation_->c;
  if (has_pending_hints(c) || c.needs_repair)
    return true;
  if (!c.has_schema_changed())
    return false;
  core_transaction reading{c, transaction::kind::read};
  return c.needs_repair;
}

stamp_report replica::stamp_pending() {
  auto& c = implementation_->c;
  {
    core_transaction reading{c, transaction::kind::read};
    if (!c.needs_repair && !has_pending_hints(c)) {
      stamp_report nothing;
      nothing.head = c.head;
      return nothing;
    }
  }
  core_transaction writing{c, transaction::kind::write};
  auto result = settle_pending(c);
  result.head = c.head;
  result.cost = writing.commit();
  return result;
}

std::uint64_t replica::head() {
  return static_cast<std::uint64_t>(implementation_->c.meta("head"));
}

std::int64_t replica::latest_clock_ms() {
  return implementation_->c.meta("clock_ms");
}

std::uint64_t replica::log_start() {
  return static_cast<std::uint64_t>(implementation_->c.meta("log_start"));
}

std::uint64_t replica::correct_stamps(std::uint64_t acked, std::int64_t true_now_ms, std::int64_t ahead_ms) {
  return correct_own_stamps(implementation_->c, acked, true_now_ms, ahead_ms);
}

compact_report replica::compact(std::uint64_t entries_max) {
  return compact_step(implementation_->c, entries_max);
}

void replica::set_retention(std::int64_t ms) {
  auto& c = implementation_->c;
  core_transaction writing{c, transaction::kind::write};
  c.set_meta("retention_ms", std::max(ms, limits::retention_ms_min));
  writing.commit();
}

void replica::set_priority(std::string_view table, messages::priority level) {
  storage::set_priority(implementation_->c, table, level);
}

std::vector<table_priority> replica::priorities() {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return priorities_of(implementation_->c);
}

// --- links -------------------------------------------------------------------------------------

std::vector<peer_status> replica::peers() {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return peers_of(implementation_->c);
}

std::optional<peer_status> replica::peer(const site_id& site) {
  for (auto& each : peers())
    if (each.site == site)
      return std::move(each);
  return std::nullopt;
}

messages::lineage replica::lineage() {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return lineage_of(implementation_->c);
}

peer_memory replica::meet(const site_id& peer, std::uint64_t epoch, std::uint64_t head, const messages::lineage& runs) {
  return meet_peer(implementation_->c, peer, epoch, head, runs);
}

bool replica::has_written(std::uint64_t run, std::uint64_t pos) {
  return storage::has_written(implementation_->c, run, pos);
}

void replica::note_peer(const site_id& site, std::string_view name, std::string_view trouble) {
  auto& c = implementation_->c;
  core_transaction writing{c, transaction::kind::write};
  c.site_index(site);
  auto& put = c.cached("INSERT INTO tandem_peers(site, name, trouble, seen_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO "
                       "UPDATE SET name = excluded.name, trouble = excluded.trouble, seen_ms = excluded.seen_ms");
  put.bind_blob(1, site.view());
  put.bind_at(2, name);
  put.bind_at(3, trouble);
  put.bind_at(4, c.now_ms());
  put.run();
  writing.commit();
}

void replica::note_acked(const site_id& site, std::uint64_t epoch, std::uint64_t pos) {
  auto& c = implementation_->c;
  core_transaction writing{c, transaction::kind::write};
  if (epoch != c.self.epoch || pos > c.head)
    return; // it speaks of a log that this replica no longer has, or never had
  c.site_index(site);
  storage::note_acked(c, site, epoch, pos);
  writing.commit();
}

void replica::take_new_identity(std::string_view why) {
  auto& c = implementation_->c;
  core_transaction writing{c, transaction::kind::write};
  c.take_identity();
  c.set_meta_text("renewed_why", why);
  c.set_meta("renewed_ms", c.now_ms());
  writing.commit();
}

std::optional<extraction> replica::extract(const site_id& peer, std::uint64_t start) {
  auto reading = std::make_unique<extraction::implementation>(implementation_->c, peer, start);
  if (!reading->is_clean())
    return std::nullopt;
  return extraction{std::move(reading)};
}

void replica::bind_peer(const site_id& peer, const messages::schema& schema) {
  auto& c = implementation_->c;
  {
    core_transaction reading{c, transaction::kind::read};
    auto binding = c.needs_repair ? std::nullopt : bind_schema(c, schema, false);
    if (binding) {
      implementation_->bindings[peer] = {schema, std::move(*binding)};
      return;
    }
  }
  core_transaction writing{c, transaction::kind::write};
  settle_pending(c);
  c.save();
  auto binding = bind_schema(c, schema, true);
  writing.commit();
  implementation_->bindings[peer] = {schema, std::move(*binding)};
}

merge_report replica::merge(const site_id& peer, const messages::bundle_header& header, const block_source& next) {
  auto& c = implementation_->c;
  const auto known_peer = implementation_->bindings.find(peer);
  if (known_peer == implementation_->bindings.end() ||
      known_peer->second.binding.schema_version != header.schema_version)
    throw failure{failure_code::schema, "the peer's schema changed since it was described; the link starts anew"};
  core_transaction writing{c, transaction::kind::write};
  conflict_store conflicts{c};
  admission admitted{c, conflicts};
  if (!(c.options.faults & fault_merge_unstamped))
    take_up(c, admitted, conflicts);
  auto& binding = known_peer->second.binding;
  if (binding.own_version != c.meta("schema")) {
    auto anew = bind_schema(c, known_peer->second.schema, false);
    if (!anew)
      throw failure{failure_code::busy,
                    "this side's tables changed while a bundle was under way; the link starts anew"};
    binding = std::move(*anew);
  }
  c.site_index(peer);
  const auto known = [&] {
    for (const auto& each : peers_of(c))
      if (each.site == peer && each.epoch == header.epoch)
        return each.applied;
    return std::uint64_t{0};
  }();
  if (header.start > known)
    throw failure{failure_code::protocol, "a bundle builds on pos " + std::to_string(header.start) +
                                              " of its sender's log, but only " + std::to_string(known) +
                                              " is applied here; the link starts again from there"};
  if (header.ack_epoch == c.self.epoch && header.ack > c.head)
    throw failure{failure_code::protocol, "the peer says that it has applied pos " + std::to_string(header.ack) +
                                              " of this replica's log, which ends at " + std::to_string(c.head) +
                                              ": this file is an older copy of itself; it needs a new identity"};
  merger work{c, admitted, conflicts, binding, peer, header, known};
  auto& report = work.report;
  report.is_repeat = header.to <= known;
  if (!report.is_repeat) {
    if (header.is_snapshot)
      work.begin_snapshot();
    while (const auto block = next())
      messages::read_row_block(
          *block, [&](const messages::row_change& change) { work.take(change); },
          [&](std::uint32_t table, std::span<const value_view> keys, std::size_t columns) {
            work.look_ahead(table, keys, columns);
          });
    work.remove_absent();
    work.add_up();
    admitted.settle();
    note_applied(c, peer, header.epoch, header.to);
  } else {
    admitted.settle();
  }
  if (header.ack_epoch == c.self.epoch)
    storage::note_acked(c, peer, header.ack_epoch, header.ack);
  report.head = c.head;
  report.cursor = std::max(known, header.to);
  report.quarantined = admitted.set_aside_count();
  report.readmitted = admitted.readmitted_count();
  report.urgency = priority_of(c, work.touched());
  report.cost = writing.commit();
  return report;
}

// --- repair ------------------------------------------------------------------------------------

messages::table_ranges replica::ranges(std::string_view table) {
  auto& c = implementation_->c;
  core_transaction reading{c, transaction::kind::read};
  auto& found = c.tracked(table);
  const auto rows = static_cast<std::uint64_t>(c.db.integer("SELECT count(*) FROM " + found.info.rows_table()));
  return ranges_of(c, found,
                   std::clamp<std::uint64_t>(std::bit_ceil(rows / limits::rows_each_range + 1), 1, limits::ranges_max));
}

range_comparison replica::compare(const site_id& peer, std::uint64_t head, std::uint64_t applied,
                                  const messages::table_ranges& theirs) {
  return compare_ranges(implementation_->c, peer, head, applied, theirs);
}

messages::range_rows replica::rows_of(const messages::range_rows& theirs) {
  auto& c = implementation_->c;
  core_transaction reading{c, transaction::kind::read};
  return rows_in(c, c.tracked(theirs.table), std::max<std::uint64_t>(theirs.count, 1), theirs.ranges);
}

merge_report replica::mend(const site_id& peer, const messages::range_rows& theirs, bool yields) {
  const auto binding = implementation_->bindings.find(peer);
  if (binding == implementation_->bindings.end())
    throw failure{failure_code::schema, "the peer's tables were never described; nothing was mended"};
  return mend_ranges(implementation_->c, binding->second.binding, peer, theirs, yields);
}

void replica::note_comparison(const site_id& peer, std::string_view text) {
  auto& c = implementation_->c;
  core_transaction writing{c, transaction::kind::write};
  c.set_meta_text("compared_text", "with " + peer.to_short() + ": " + std::string{text});
  c.set_meta("compared_ms", c.now_ms());
  writing.commit();
}

// --- people ------------------------------------------------------------------------------------

std::vector<conflict> replica::conflicts(bool open_only) {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return conflict_store{implementation_->c}.list(open_only);
}

conflict replica::find_conflict(std::string_view id_or_prefix) {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return conflict_store{implementation_->c}.find(id_or_prefix);
}

conflict replica::resolve(const resolution& choice) {
  auto& c = implementation_->c;
  core_transaction writing{c, transaction::kind::write};
  conflict_store conflicts{c};
  admission admitted{c, conflicts};
  take_up(c, admitted, conflicts);
  const auto id = carry_out(c, admitted, conflicts, choice);
  admitted.settle();
  auto result = conflicts.find(id);
  writing.commit();
  return result;
}

void replica::set_audit_limits(const audit_limits& given) {
  core_transaction writing{implementation_->c, transaction::kind::write};
  put_audit_limits(implementation_->c, given);
  writing.commit();
}

audit_limits replica::current_audit_limits() {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return audit_limits_of(implementation_->c);
}

prune_report replica::prune_audit(std::uint64_t entries_max) {
  return prune_step(implementation_->c, entries_max);
}

std::vector<rule> replica::rules() {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return rules_of(implementation_->c);
}

void replica::put_rule(const rule& given) {
  core_transaction writing{implementation_->c, transaction::kind::write};
  storage::put_rule(implementation_->c, given);
  writing.commit();
}

void replica::remove_rule(std::string_view name) {
  core_transaction writing{implementation_->c, transaction::kind::write};
  storage::remove_rule(implementation_->c, name);
  writing.commit();
}

std::vector<quarantined_row> replica::quarantine() {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return quarantine_of(implementation_->c);
}

replica_status replica::status() {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return status_of(implementation_->c);
}

replica_figures replica::figures() {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return figures_of(implementation_->c);
}

std::string replica::digest() {
  return digest_of(table_digests());
}

std::vector<std::pair<std::string, std::string>> replica::table_digests() {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return digests_of(implementation_->c);
}

findings replica::verify() {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return verify_replica(implementation_->c);
}

row_report replica::why(std::string_view table, std::string_view key_json) {
  core_transaction reading{implementation_->c, transaction::kind::read};
  return explain_row(implementation_->c, table, key_json);
}

findings compare(replica& left, replica& right, std::size_t findings_max) {
  auto& first = left.implementation_->c;
  auto& second = right.implementation_->c;
  core_transaction reading_first{first, transaction::kind::read};
  core_transaction reading_second{second, transaction::kind::read};
  return compare_rows(first, second, findings_max);
}

} // namespace tandem::storage
