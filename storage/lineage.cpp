#include "storage/lineage.hpp"

#include <algorithm>

namespace tandem::storage {
namespace {

std::string pack_lineage(const lineage& runs) {
  std::string result;
  for (const auto& each : runs) {
    append_varint(result, each.token);
    append_varint(result, each.start);
  }
  return result;
}

lineage unpack_lineage(std::string_view packed) {
  lineage result;
  while (!packed.empty()) {
    const auto token = take_varint(packed);
    result.push_back({token, take_varint(packed)});
  }
  return result;
}

std::uint64_t end_of(const lineage& runs, std::size_t index, std::uint64_t head) {
  return index + 1 < runs.size() ? runs[index + 1].start : head;
}

/// What is remembered of the logs of all peers.
struct remembered_log {
  site_id site;
  std::uint64_t epoch = 0;
  std::uint64_t applied = 0;
  lineage runs;
};

std::vector<remembered_log> remembered_logs(core& c) {
  std::vector<remembered_log> result;
  statement query{c.db, "SELECT site, epoch, applied, runs FROM tandem_peers"};
  while (query.step())
    result.push_back({site_id::from_bytes(query.blob(0)), query.unsigned_integer(1), query.unsigned_integer(2),
                      unpack_lineage(query.blob(3))});
  return result;
}

void remember(core& c, const remembered_log& log) {
  core_transaction writing{c, transaction::kind::write};
  c.site_index(log.site);
  const auto runs = pack_lineage(log.runs);
  auto& put = c.cached("INSERT INTO tandem_peers(site, epoch, applied, runs, seen_ms) VALUES (?1, ?2, ?3, ?4, ?5) ON "
                       "CONFLICT DO UPDATE SET epoch = excluded.epoch, applied = excluded.applied, runs = "
                       "excluded.runs, seen_ms = excluded.seen_ms");
  put.bind_blob(1, log.site.view());
  put.bind_at(2, log.epoch);
  put.bind_at(3, log.applied);
  put.bind_blob(4, runs);
  put.bind_at(5, c.now_ms());
  put.run();
  writing.commit();
}

} // namespace

lineage lineage_of(core& c) {
  lineage result;
  auto& query = c.cached("SELECT token, start FROM tandem_runs ORDER BY id");
  const statement_guard guard{query};
  while (query.step())
    result.push_back({query.unsigned_integer(0), query.unsigned_integer(1)});
  return result;
}

std::uint64_t latest_run(core& c) {
  auto& query = c.cached("SELECT token FROM tandem_runs ORDER BY id DESC LIMIT 1");
  const statement_guard guard{query};
  return query.step() ? query.unsigned_integer(0) : 0;
}

std::uint64_t common_pos(const lineage& left, std::uint64_t left_head, const lineage& right, std::uint64_t right_head) {
  for (std::size_t i = left.size(); i-- > 0;) {
    const auto same = std::ranges::find(right, left[i]);
    if (same == right.end())
      continue;
    const auto j = static_cast<std::size_t>(same - right.begin());
    // Of a log that is remembered, more runs may have been heard of than were applied.
    return std::min({end_of(left, i, left_head), end_of(right, j, right_head), left_head, right_head});
  }
  return 0;
}

peer_memory meet_peer(core& c, const site_id& site, std::uint64_t epoch, std::uint64_t head, const lineage& theirs) {
  std::vector<remembered_log> known;
  std::uint64_t shared = 0; // with any log that is known here, our own included
  {
    core_transaction reading{c, transaction::kind::read};
    known = remembered_logs(c);
    shared = common_pos(lineage_of(c), c.head, theirs, head);
  }
  for (const auto& each : known)
    if (each.site == site && each.epoch == epoch) {
      const auto run = each.runs.empty() ? 0 : each.runs.back().token;
      const bool went_back = common_pos(each.runs, each.applied, theirs, head) < each.applied;
      if (went_back && !each.runs.empty())
        return {epoch, each.applied, run}; // they will see from this that their file is not what it was
      if (each.runs != theirs)
        remember(c, {site, epoch, each.applied, theirs});
      return {epoch, each.applied, theirs.empty() ? 0 : theirs.back().token};
    }
  // A copy, a restored file under its new name, or our own twin: what was applied of the log that it was is applied
  // of the log that it is.
  for (const auto& each : known)
    shared = std::max(shared, common_pos(each.runs, each.applied, theirs, head));
  remember(c, {site, epoch, shared, theirs});
  return {epoch, shared, theirs.empty() ? 0 : theirs.back().token};
}

bool has_written(core& c, std::uint64_t token, std::uint64_t pos) {
  core_transaction reading{c, transaction::kind::read};
  if (pos == 0)
    return true;
  const auto runs = lineage_of(c);
  const auto run = std::ranges::find(runs, token, &messages::log_run::token);
  return run != runs.end() && pos <= end_of(runs, static_cast<std::size_t>(run - runs.begin()), c.head);
}

void note_acked(core& c, const site_id& peer, std::uint64_t epoch, std::uint64_t pos) {
  auto& put =
      c.cached("INSERT INTO tandem_peers(site, acked_epoch, acked, seen_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO "
               "UPDATE SET acked = CASE WHEN acked_epoch = excluded.acked_epoch THEN max(acked, excluded.acked) "
               "ELSE excluded.acked END, acked_epoch = excluded.acked_epoch, seen_ms = excluded.seen_ms");
  put.bind_blob(1, peer.view());
  put.bind_at(2, epoch);
  put.bind_at(3, pos);
  put.bind_at(4, c.now_ms());
  put.run();
}

void note_applied(core& c, const site_id& peer, std::uint64_t epoch, std::uint64_t pos) {
  auto& put = c.cached("INSERT INTO tandem_peers(site, epoch, applied, seen_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO "
                       "UPDATE SET epoch = excluded.epoch, applied = excluded.applied, seen_ms = excluded.seen_ms");
  put.bind_blob(1, peer.view());
  put.bind_at(2, epoch);
  put.bind_at(3, pos);
  put.bind_at(4, c.now_ms());
  put.run();
}

} // namespace tandem::storage
