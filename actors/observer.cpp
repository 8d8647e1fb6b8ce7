#include "actors/observer.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/measuring.hpp"
#include "actors/stamped.hpp"
#include "messages/failure.hpp"
#include "messages/internal.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {

using messages::internal;

namespace {

/// As many as are measured apart.
std::vector<messages::known_peer> latest_peers(storage::replica& replica) {
  auto found = replica.peers();
  std::ranges::sort(found, std::ranges::greater{}, &storage::peer_status::seen_ms);
  found.resize(std::min(found.size(), limits::measured_peers_max));
  std::vector<messages::known_peer> result;
  for (const auto& each : found)
    result.push_back({each.site, each.name.substr(0, limits::url_bytes_max), each.seen_ms});
  return result;
}

} // namespace

observer::observer(replica_opener open, std::shared_ptr<doorbell> bell, bool can_watch, storage::clock_ms wall_ms,
                   std::uint64_t seed)
    : open_{std::move(open)}, bell_{std::move(bell)}, poll_us_{(can_watch ? limits::safety_poll_ms
                                                                          : limits::watch_poll_ms) *
                                                               us_per_ms},
      wall_ms_{std::move(wall_ms)}, random_{seed} {}

void observer::start(outbox& out) {
  replica_ = open_();
  bell_->answer(); // What rang before anybody was here to answer.
  schema_version_ = replica_->schema_version();
  compact_again_us_ = out.now_us() + limits::compact_interval_ms * us_per_ms;
  look(out);
  plan_next(out);
}

void observer::receive(const frame& message, outbox& out) {
  if (tag_as<internal>(message) != internal::wake)
    return;
  const auto order = messages::decode<messages::wake>(message.bytes());
  if (order.must_answer) {
    stamp(out);
    out.send(message.from(), messages::grown{replica_->head(), 0, 0});
  } else {
    bell_->answer();
    echo_ = 0;
    if (out.now_us() >= stamp_again_us_)
      look(out);
    echo_later(std::max(out.now_us(), stamp_again_us_));
  }
  plan_next(out);
}

void observer::tick(outbox& out) {
  const auto now = out.now_us();
  const bool is_echo = look_again_us_ && now >= *look_again_us_;
  if (is_echo)
    look_again_us_.reset();
  look(out);
  if (is_echo)
    echo_later(std::max(now, stamp_again_us_));
  if (!look_again_us_)
    tell_head(out);
  if (out.now_us() >= compact_again_us_)
    compact(out);
  // Also while the app's lock can't be had: then most of all somebody wants to know what waits.
  if (out.measures() && (is_troubled_ || !look_again_us_) && out.now_us() >= figures_again_us_)
    tell_figures(out);
  plan_next(out);
}

/// A writer's bytes reach the file a little before its commit counts, by the length of an fsync at worst.
void observer::echo_later(std::int64_t from_us) {
  if (echo_ < std::size(limits::echo_waits_us) && !look_again_us_)
    look_again_us_ = from_us + limits::echo_waits_us[echo_++];
}

void observer::look(outbox& out) {
  stamp(out);
  note_tables(out);
}

void observer::stamp(outbox& out) {
  try {
    if (!replica_->has_pending())
      return;
    const auto began_us = out.now_us();
    const auto wall_ms = wall_ms_ ? wall_ms_() : 0;
    const auto done = replica_->stamp_pending();
    const auto hold_us = std::max<std::int64_t>(done.cost.hold_us, 0);
    stamp_again_us_ =
        out.now_us() + std::clamp(hold_us * limits::stamp_rest_factor, limits::stamp_window_ms * us_per_ms,
                                  limits::stamp_window_ms_max * us_per_ms);
    is_troubled_ = false;
    if (done.rows == 0)
      return;
    tell_news(done, began_us, wall_ms, out);
  } catch (const messages::failure& problem) {
    note_swallowed(out);
    if (!is_troubled_)
      spdlog::warn("the observer can't take up the app's writes now and goes on trying: {}", problem.what());
    is_troubled_ = true;
    look_again_us_ = out.now_us() + limits::storage_retry_ms * us_per_ms;
  }
}

void observer::tell_news(const storage::stamp_report& done, std::int64_t began_us, std::int64_t wall_ms, outbox& out) {
  passage way;
  const auto seen_us = done.oldest_hint_ms == 0 || wall_ms == 0 ? 0 : (wall_ms - done.oldest_hint_ms) * us_per_ms;
  // What was written while no node ran has waited, not travelled: it says nothing of how quick anything is.
  if (out.measures() && seen_us < limits::station_ms_max * us_per_ms) {
    way = {{span_us(seen_us)}, began_us, new_trace(out)};
    tell_monitor(
        out, {{metric::station_seen, 0, way.trail_us.front()}, {metric::station_stamped, 0, pass(way, out.now_us())}});
  }
  tell_stamped(done, out, std::move(way));
}

/// Of some changes only; empty for the others.
std::string observer::new_trace(outbox& out) {
  if (out.now_us() < trace_again_us_)
    return {};
  trace_again_us_ = out.now_us() + limits::trace_interval_ms * us_per_ms;
  std::string result;
  while (result.size() < limits::trace_id_bytes)
    result += static_cast<char>(random_() & 0xffU);
  return result;
}

/// Reads little, and the less often the longer it takes: nobody's change shall wait for it.
void observer::tell_figures(outbox& out) {
  const auto began_us = out.now_us();
  try {
    const auto found = replica_->figures();
    messages::database_figures news;
    news.head = found.head;
    news.log_entries = found.log_entries;
    news.pending = found.pending;
    news.file_bytes = found.file_bytes;
    for (const auto& each : found.waiting)
      if (news.waiting.size() < limits::waiting_kinds_max)
        news.waiting.push_back({each.table, each.kind, each.count});
    news.peers = latest_peers(*replica_);
    news.cost_us = out.now_us() - began_us;
    out.send({role::monitor}, news);
  } catch (const messages::failure& problem) {
    note_swallowed(out);
    spdlog::debug("the observer can't read the figures now: {}", problem.what());
  }
  const auto now_us = out.now_us();
  figures_again_us_ =
      now_us + std::clamp((now_us - began_us) * limits::figures_cost_factor, limits::figures_interval_ms * us_per_ms,
                          limits::figures_interval_ms_max * us_per_ms);
}

/// Another process may have settled a conflict, or stamped: then the log has grown with no hint pending.
/// Told when all is quiet again, so that what the arbiter merged has been told by itself before.
void observer::tell_head(outbox& out) {
  try {
    const auto head = replica_->head();
    if (head != std::exchange(told_head_, head))
      out.send({role::batcher}, messages::grown{head, 0, 0});
  } catch (const messages::failure& problem) {
    note_swallowed(out);
    spdlog::debug("the observer can't read the log now: {}", problem.what());
  }
}

void observer::note_tables(outbox& out) {
  try {
    const auto version = replica_->schema_version();
    if (version == schema_version_)
      return;
    schema_version_ = version;
    out.send({role::arbiter}, messages::tables_changed{version});
  } catch (const messages::failure& problem) {
    note_swallowed(out);
    spdlog::debug("the observer can't read the tables now: {}", problem.what());
  }
}

void observer::compact(outbox& out) {
  compact_again_us_ = out.now_us() + limits::compact_interval_ms * us_per_ms;
  try {
    const auto step = replica_->compact(compacting_.entries());
    if (step.entries > 0)
      tell_monitor(out, {{metric::log_entries_compacted, 0, step.entries},
                         {metric::lock_wait_compact, 0, span_us(step.cost.wait_us)},
                         {metric::lock_hold_compact, 0, span_us(step.cost.hold_us)}});
    if (step.is_done) {
      prune_audit(out);
      return;
    }
    compacting_.learn(step);
    compact_again_us_ = out.now_us() + limits::compact_pause_ms * us_per_ms;
  } catch (const messages::failure& problem) {
    note_swallowed(out);
    spdlog::debug("the observer could not compact the log now: {}", problem.what());
  }
}

void observer::prune_audit(outbox& out) {
  const auto pruned = replica_->prune_audit(limits::audit_prune_max);
  if (pruned.removed > 0)
    out.send({role::batcher}, messages::grown{pruned.head, pruned.removed, 0});
  if (!pruned.is_done)
    compact_again_us_ = out.now_us() + limits::compact_pause_ms * us_per_ms;
}

void observer::plan_next(outbox& out) {
  const auto poll = std::min(out.now_us() + poll_us_, std::max(compact_again_us_, out.now_us() + us_per_ms));
  out.wake_at(look_again_us_ ? std::min(*look_again_us_, poll) : poll);
}

} // namespace tandem::actors
