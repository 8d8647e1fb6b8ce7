#include "storage/compacting.hpp"

#include <algorithm>

#include "messages/limits.hpp"
#include "storage/bases.hpp"
#include "storage/inspecting.hpp"

namespace tandem::storage {
namespace {

/// Nobody will ask for more of a dead row once all have acknowledged its death: whoever comes from further back gets
/// a snapshot, and sees from what is missing there what was deleted.
std::uint64_t remove_tombstones(core& c, std::uint64_t after, std::uint64_t up_to) {
  std::vector<std::pair<std::int64_t, std::int64_t>> done;
  auto& dead = c.cached("SELECT d.t, d.slot, d.rec FROM tandem_log l JOIN tandem_dead d ON d.t = l.t AND d.slot = "
                        "l.slot WHERE l.pos > ?1 AND l.pos <= ?2");
  {
    const statement_guard guard{dead};
    dead.bind(after, up_to);
    while (dead.step()) {
      std::uint64_t latest = 0;
      const auto record = row_record::unpack(dead.blob(2));
      for (const auto& group : record.groups())
        latest = std::max(latest, group.origin.pos);
      if (latest <= up_to)
        done.emplace_back(dead.integer(0), dead.integer(1));
    }
  }
  auto& remove = c.cached("DELETE FROM tandem_dead WHERE t = ?1 AND slot = ?2");
  auto& remove_aside = c.cached("DELETE FROM tandem_aside WHERE t = ?1 AND slot = ?2");
  for (const auto& [table, slot] : done) {
    remove.bind(table, slot).run();
    remove_aside.bind(table, slot).run();
  }
  return done.size();
}

} // namespace

std::int64_t retention_of(core& c) {
  return c.meta("retention_ms", limits::retention_ms_default);
}

log_need need_of_log(core& c) {
  log_need result;
  result.free_to = c.head;
  const auto retention_ms = retention_of(c);
  for (const auto& peer : peers_of(c)) {
    if (peer.seen_ms + retention_ms < c.now_ms() || peer.acked >= result.free_to)
      continue;
    result.free_to = peer.acked;
    result.holder = peer;
    result.holder_until_ms = peer.seen_ms + retention_ms;
  }
  // However many there are: disk is not for ever either.
  if (c.head > limits::log_entries_max)
    result.free_to = std::max(result.free_to, c.head - limits::log_entries_max);
  return result;
}

compact_report compact_step(core& c, std::uint64_t entries_max) {
  compact_report result;
  const auto kept_after = [&c] {
    return static_cast<std::uint64_t>(c.meta("log_start"));
  };
  {
    core_transaction reading{c, transaction::kind::read};
    if (need_of_log(c).free_to <= kept_after())
      return result; // most often; needs no lock
  }
  core_transaction writing{c, transaction::kind::write};
  const auto after = kept_after();
  const auto free_to = need_of_log(c).free_to;
  const auto up_to = std::min(free_to, after + entries_max);
  if (up_to <= after)
    return result;
  result.tombstones = remove_tombstones(c, after, up_to);
  c.cached("DELETE FROM tandem_log WHERE pos <= ?1").bind(up_to).run();
  base_book{c}.forget_until(up_to);
  c.set_meta("log_start", static_cast<std::int64_t>(up_to));
  result.entries = up_to - after;
  result.is_done = up_to == free_to;
  result.cost = writing.commit();
  return result;
}

} // namespace tandem::storage
