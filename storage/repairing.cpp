#include "storage/repairing.hpp"

#include <algorithm>

#include <xxhash.h>

#include "messages/limits.hpp"
#include "storage/capture.hpp"
#include "storage/drifting.hpp"
#include "storage/inspecting.hpp"
#include "storage/row_hashing.hpp"

namespace tandem::storage {
namespace {

constexpr auto digest_bytes = limits::range_digest_bytes;

std::uint64_t hash_of_columns(const table& of) {
  std::vector<std::string> names;
  for (const auto& column : of.columns)
    names.push_back(column.name);
  std::ranges::sort(names);
  const auto all = joined(names, "\n");
  return XXH3_64bits(all.data(), all.size());
}

std::string packed(const std::vector<row_hash>& sums) {
  std::string result;
  for (const auto& each : sums) {
    append_fixed64(result, each.low);
    append_fixed64(result, each.high);
  }
  return result;
}

/// Packs rows whole: all cells with their stamps.
class row_packer {
public:
  row_packer(core& c, tracked_table& table) : c_{c}, table_{table} {}

  void add(std::int64_t slot, bool is_dead) {
    std::optional<tombstone> remains;
    std::optional<row_record> record;
    if (is_dead)
      remains = c_.tombstone_at(table_, slot);
    else
      record = table_.record_at(slot, key_);
    if (remains) {
      key_ = remains->key;
      pack(remains->record, remains->values, false);
    } else if (record && record->is_quarantined) {
      auto& aside = c_.cached("SELECT vals FROM tandem_quarantine WHERE t = ?1 AND k = ?2");
      const statement_guard guard{aside};
      aside.bind_at(1, table_.info.id);
      aside.bind_blob(2, key_);
      if (aside.step())
        pack(*record, unpack_cells(table_.info, aside.blob(0)), true);
    } else if (record) {
      if (const auto values = table_.read(key_))
        pack(*record, *values, true);
    }
  }

  messages::row_block_writer writer;

private:
  void pack(const row_record& record, const row_values& values, bool is_alive) {
    std::vector<std::vector<std::uint32_t>> columns;
    std::vector<messages::cell_group> groups;
    std::vector<value_view> cells;
    for (std::size_t i = 0; i < record.groups().size(); ++i) {
      auto ids = record.cells_of(i, table_.info.all_cells);
      ids.keep(table_.info.own_cells);
      if (ids.empty() || record.groups()[i].origin.written.site == 0)
        continue; // nobody ever wrote these
      auto& list = columns.emplace_back();
      ids.each([&](std::uint32_t id) {
        if (table_.info.is_unwritten(id, record.groups()[i].origin.pos))
          return;
        list.push_back(id);
        cells.push_back(id == life_column ? value_view::of_integer(is_alive)
                                          : values[static_cast<std::size_t>(table_.cell_index(id))].view());
      });
      if (list.empty()) {
        columns.pop_back();
        continue;
      }
      const auto& written = record.groups()[i].origin.written;
      groups.push_back({{written.hlc, c_.site_at(written.site)}, 1, {}}); // any pos: cursors do not count here
    }
    for (std::size_t i = 0; i < groups.size(); ++i)
      groups[i].columns = columns[i];
    std::vector<value_view> key;
    unpack_values(key_, key);
    writer.add({table_.info.id, key, groups, cells});
  }

  core& c_;
  tracked_table& table_;
  std::string key_;
};

/// The slots of rows, alive and dead, by range: of the wanted ranges only.
struct slot_in_range {
  std::uint64_t range;
  std::int64_t slot;
  bool is_dead;
};

std::vector<slot_in_range> slots_in(core& c, tracked_table& table, std::uint64_t count,
                                    const std::vector<std::uint64_t>& wanted) {
  std::vector<slot_in_range> result;
  const auto take = [&](std::string_view key, std::int64_t slot, bool is_dead) {
    const auto range = hash_of_key(key) % count;
    if (std::ranges::binary_search(wanted, range))
      result.push_back({range, slot, is_dead});
  };
  statement live{c.db, "SELECT slot FROM " + table.info.rows_table()};
  std::string key;
  while (live.step())
    if (table.record_at(live.integer(0), key))
      take(key, live.integer(0), false);
  statement dead{c.db, "SELECT slot, k FROM tandem_dead WHERE t = ?1"};
  dead.bind(table.info.id);
  while (dead.step())
    take(dead.blob(1), dead.integer(0), true);
  std::ranges::sort(result, {}, [](const slot_in_range& each) { return std::pair{each.range, each.slot}; });
  return result;
}

} // namespace

messages::table_ranges ranges_of(core& c, tracked_table& table, std::uint64_t count) {
  std::vector<row_hash> sums(count);
  row_hasher hasher{table.info};
  each_row(c, table, [&](std::string_view key, const std::vector<value_view>& cells) {
    const auto record = table.record(key);
    sums[hash_of_key(key) % count].add(record ? hasher.with_stamps(c, key, cells, *record) : hasher(key, cells));
  });
  return {table.info.name, hash_of_columns(table.info), {packed(sums)}};
}

std::vector<std::uint64_t> differing_ranges(std::string_view left, std::string_view right) {
  std::vector<std::uint64_t> result;
  for (std::size_t at = 0; at + digest_bytes <= left.size() && at + digest_bytes <= right.size(); at += digest_bytes)
    if (left.substr(at, digest_bytes) != right.substr(at, digest_bytes))
      result.push_back(at / digest_bytes);
  return result;
}

messages::range_rows rows_in(core& c, tracked_table& table, std::uint64_t count,
                             const std::vector<std::uint64_t>& wanted) {
  messages::range_rows result{table.info.name, count, {}, static_cast<std::uint64_t>(c.meta("schema")), {}};
  row_packer packer{c, table};
  const auto slots = slots_in(c, table, count, wanted);
  auto next = slots.begin();
  for (const auto range : wanted) {
    if (!result.ranges.empty() && packer.writer.bytes() >= limits::repair_bytes_target)
      break;
    for (; next != slots.end() && next->range == range; ++next) {
      packer.add(next->slot, next->is_dead);
      if (packer.writer.bytes() > limits::block_bytes_max)
        throw failure{failure_code::limit, "a range of " + quoted(table.info.name) +
                                               " is too large to be mended over the link; clone the file anew"};
    }
    result.ranges.push_back(range);
  }
  if (packer.writer.rows() > 0)
    result.block.bytes = packer.writer.finish();
  return result;
}

range_comparison compare_ranges(core& c, const site_id& peer, std::uint64_t head, std::uint64_t applied,
                                const messages::table_ranges& theirs) {
  const auto count = theirs.digests.bytes.size() / digest_bytes;
  if (count == 0 || theirs.digests.bytes.size() % digest_bytes != 0)
    throw failure{failure_code::protocol, "a comparison came without digests"};
  core_transaction reading{c, transaction::kind::read};
  const auto peers = peers_of(c);
  const auto known = std::ranges::find(peers, peer, &peer_status::site);
  if (has_pending_hints(c) || c.needs_repair || known == peers.end() || known->applied != head || applied != c.head)
    return {messages::comparison::later, {}, {}};
  auto& table = c.tracked(theirs.table);
  const auto ours = ranges_of(c, table, count);
  if (ours.columns != theirs.columns)
    return {messages::comparison::never, "the two sides have different columns", {}};
  const auto differing = differing_ranges(ours.digests.bytes, theirs.digests.bytes);
  if (differing.empty())
    return {messages::comparison::equal, {}, {}};
  return {messages::comparison::differs, {}, rows_in(c, table, count, differing)};
}

merge_report mend_ranges(core& c, const peer_binding& binding, const site_id& peer, const messages::range_rows& theirs,
                         bool yields) {
  if (theirs.count == 0 || theirs.count > limits::ranges_max || !std::ranges::is_sorted(theirs.ranges))
    throw failure{failure_code::protocol, "rows to mend came for ranges that there are not; nothing was mended"};
  if (binding.schema_version != theirs.schema_version)
    throw failure{failure_code::schema, "the peer's schema changed since it was described; nothing was mended"};
  core_transaction writing{c, transaction::kind::write};
  conflict_store conflicts{c};
  admission admitted{c, conflicts};
  take_up(c, admitted, conflicts);
  c.site_index(peer);
  auto& table = c.tracked(theirs.table);
  merger work{c, admitted, conflicts, binding, peer, {}, 0};
  if (!theirs.block.bytes.empty())
    messages::read_row_block(theirs.block.bytes, [&](const messages::row_change& change) {
      const auto bound = binding.tables.find(change.table);
      const auto range = hash_of_key(packed_values(change.key)) % theirs.count;
      if (bound == binding.tables.end() || bound->second.id != table.info.id ||
          !std::ranges::binary_search(theirs.ranges, range))
        throw failure{failure_code::protocol, "rows to mend came that were not asked for; nothing was mended"};
      work.mend(change, yields);
    });
  // What the peer does not have either was written with its triggers off: a write like any other, late.
  const auto hints = note_unrecorded(c, table, theirs);
  const auto stamped = take_up(c, admitted, conflicts);
  admitted.settle();
  auto& report = work.report;
  report.applied += hints > 0 ? stamped.rows : 0;
  report.head = c.head;
  report.quarantined = admitted.set_aside_count();
  report.readmitted = admitted.readmitted_count();
  report.cost = writing.commit();
  return report;
}

std::uint64_t note_unrecorded(core& c, tracked_table& table, const messages::range_rows& where) {
  std::vector<std::string> columns{"t", "o", "w"};
  std::vector<std::string> parameters{std::to_string(table.info.id),
                                      std::to_string(static_cast<int>(hint_kind::inserted)), "julianday('now')"};
  for (std::size_t i = 0; i < table.info.key.size(); ++i) {
    columns.push_back(pending_key_column(i));
    parameters.push_back("?" + std::to_string(i + 1));
  }
  statement note{c.db,
                 "INSERT INTO tandem_pending(" + joined(columns, ", ") + ") VALUES (" + joined(parameters, ", ") + ")"};
  std::uint64_t result = 0;
  statement rows{c.db, "SELECT " + table.info.key_list() + " FROM " + table.info.app_table()};
  while (rows.step()) {
    if (rows.is_null(0))
      continue;
    const auto key = table.app_key(rows, 0);
    if (!std::ranges::binary_search(where.ranges, hash_of_key(key) % where.count) || table.record(key))
      continue;
    table.bind_app_key(note, 1, key);
    note.run();
    ++result;
  }
  return result;
}

} // namespace tandem::storage
