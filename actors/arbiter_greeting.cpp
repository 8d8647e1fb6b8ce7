// How the arbiter gets to know a peer: hello, resume, and what keeps two replicas from syncing.
#include <algorithm>
#include <cstdlib>

#include <spdlog/spdlog.h>

#include "actors/arbiter.hpp"
#include "actors/stamped.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"
#include "messages/plain_text.hpp"

namespace tandem::actors {

using messages::failure;
using messages::failure_code;

namespace {

std::string folder_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

} // namespace

void arbiter::open_link(std::uint64_t number, const messages::open_link& order, outbox& out) {
  auto& opened = links_.try_emplace(number, folder_of(replica_->path())).first->second;
  opened.dialer = order.dialer;
  opened.peer_name = order.peer_name;
  say_hello(number, opened, out);
}

void arbiter::say_hello(std::uint64_t number, link& to, outbox& out) {
  messages::hello hello;
  hello.site = self_.site;
  hello.epoch = self_.epoch;
  // Writes that are committed but not stamped yet belong to what the peer has to know of before it is level.
  hello.head = stamp(out);
  // If the clock was ahead once, then the time that it showed is the time that counts: what was stamped by it must
  // not be refused.
  hello.time_ms = std::max(options_.clock->now_ms(), replica_->latest_clock_ms());
  hello.log_start = replica_->log_start();
  hello.instance = options_.instance;
  hello.adopting = options_.adopts;
  hello.name = options_.name;
  hello.program = options_.program;
  hello.tables = replica_->schema();
  hello.runs = replica_->lineage();
  to.told_schema = hello.tables.version;
  to.told_run = hello.runs.empty() ? 0 : hello.runs.back().token;
  out.send({role::endpoint, number}, hello);
  out.send({role::queue, number}, messages::announced{to.told_schema, to.told_run});
}

/// Returns the log's end.
std::uint64_t arbiter::stamp(outbox& out) {
  const auto done = replica_->stamp_pending();
  if (done.rows > 0)
    head_ = done.head;
  tell_stamped(done, out);
  return done.head;
}

void arbiter::say_hello_to_all(outbox& out) {
  const auto version = replica_->schema_version();
  for (auto& [number, link] : links_)
    if (!link.is_ended && link.told_schema != version)
      say_hello(number, link, out);
}

void arbiter::take_hello(std::uint64_t number, link& from, messages::hello hello, outbox& out) {
  const bool is_first = !from.peer;
  if (!is_first && (hello.site != from.peer->site || hello.epoch != from.peer->epoch))
    throw failure{failure_code::protocol, "the peer has become another one within one link"};
  check_peer(from, hello, out);
  check_clock(from, hello);
  from.peer = std::move(hello);
  fit_tables(*from.peer);
  say_hello_to_all(out);
  const auto known = replica_->meet(from.peer->site, from.peer->epoch, from.peer->head, from.peer->runs);
  if (!is_first)
    return;
  messages::resume resume;
  resume.protocol = std::min(messages::protocol_version_max, from.peer->protocol_max);
  resume.epoch = known.epoch;
  resume.applied = known.applied;
  resume.run = known.run;
  out.send({role::endpoint, number}, resume);
}

void arbiter::check_peer(link& from, const messages::hello& hello, outbox& out) {
  if (hello.protocol_min > messages::protocol_version_max || hello.protocol_max < messages::protocol_version_min)
    throw failure{failure_code::protocol,
                  "this node speaks protocol versions " + std::to_string(messages::protocol_version_min) + " to " +
                      std::to_string(messages::protocol_version_max) + ", the other one " +
                      std::to_string(hello.protocol_min) + " to " + std::to_string(hello.protocol_max) +
                      "; install a newer tandem on the older side"};
  if (hello.site != self_.site)
    return;
  if (hello.instance == options_.instance)
    throw failure{failure_code::usage, "this node was told to link with itself; name another peer"};
  // One of two equal files has to become somebody else: the one that calls.
  if (from.is_dialed())
    renew_identity("the peer " + from.peer_name + " has the same site id: this file is a copy of it", out);
  throw failure{failure_code::protocol, "both sides have the same site id, for one file is a copy of the other; "
                                        "the calling side takes a new one"};
}

/// A device listens to its hub. The hub's own clock is nobody's business here.
void arbiter::check_clock(link& from, const messages::hello& hello) {
  const auto offset_ms = hello.time_ms - options_.clock->wall_ms();
  from.ahead_ms = -offset_ms;
  if (!from.is_dialed())
    return;
  const bool is_off = std::abs(offset_ms) > limits::clock_offset_ms_max;
  options_.clock->correct(is_off ? offset_ms : 0);
  if (!is_off)
    return;
  from.trouble = "this device's clock is " + std::to_string(std::abs(offset_ms) / 1'000) + " s " +
                 (offset_ms > 0 ? "behind" : "ahead of") + " that of " + from.peer_name +
                 "; it stamps with corrected time. Set the clock";
  spdlog::warn("the arbiter found that {}", messages::one_line(from.trouble));
}

/// What this device wrote by a clock that was ahead must neither be refused by its hub nor win over what others
/// wrote later.
void arbiter::mend_stamps(link& from, std::uint64_t acked) {
  const auto rows = replica_->correct_stamps(acked, from.peer->time_ms, from.ahead_ms);
  if (rows > 0)
    spdlog::warn("the arbiter gave {} rows that were written by a clock ahead of its time the stamps of a right one",
                 rows);
}

void arbiter::fit_tables(const messages::hello& hello) {
  // A side that adopts follows the other; only if neither or both do they have to fit as they are.
  if (options_.adopts || !hello.adopting)
    replica_->level_schema(hello.tables);
  replica_->bind_peer(hello.site, hello.tables);
}

void arbiter::take_resume(std::uint64_t number, link& from, const messages::resume& resume, outbox& out) {
  if (!from.peer || from.is_running)
    throw failure{failure_code::protocol, "the peer wants to resume what has not begun or goes on already"};
  head_ = replica_->head();
  const bool is_known = resume.epoch != 0;
  if (is_known && (resume.epoch != self_.epoch || !replica_->has_written(resume.run, resume.applied))) {
    renew_identity("the peer " + from.peer_name + " knows a later state of this site: the file was restored or copied",
                   out);
    throw failure{failure_code::protocol, "this replica was restored or copied and takes a new site id"};
  }
  from.is_running = true;
  const auto start = is_known ? resume.applied : 0;
  const auto remembered = replica_->peer(from.peer->site);
  const auto applied = remembered && remembered->epoch == from.peer->epoch ? remembered->applied : 0;
  replica_->note_peer(from.peer->site, from.peer->name.empty() ? from.peer_name : from.peer->name, from.trouble);
  if (from.is_dialed())
    mend_stamps(from, start);
  if (start > 0)
    replica_->note_acked(from.peer->site, self_.epoch, start);
  // Who is about to get a snapshot sends nothing before it: changes of rows that were deleted and forgotten at the
  // peer would mean nothing there. If both are, the side that called waits.
  const bool gets_snapshot = applied < from.peer->log_start;
  const bool gives_snapshot = start < replica_->log_start();
  from.start = start;
  from.awaits_snapshot = gets_snapshot && (from.is_dialed() || !gives_snapshot);
  introduce_to_monitor(number, from, applied, out); // Before the queue says anything of this link.
  if (!from.awaits_snapshot)
    start_queue(number, from, out);
  const messages::link_ready ready{from.peer->site, from.peer_name};
  out.send({role::endpoint, number}, ready);
  messages::link_phase news;
  news.now = messages::link_phase::phase::linked;
  news.link = number;
  news.dialer = from.dialer;
  news.site = from.peer->site;
  news.peer_name = from.peer_name;
  news.text = from.trouble;
  news.applied = applied;
  news.their_head = from.peer->head;
  out.send({role::host}, news);
  if (from.is_dialed()) {
    from.compare_us = out.now_us() + limits::compare_interval_ms * us_per_ms;
    plan_comparing(out);
  }
}

void arbiter::introduce_to_monitor(std::uint64_t number, const link& peer, std::uint64_t applied, outbox& out) {
  messages::link_phase news;
  news.now = messages::link_phase::phase::linked;
  news.link = number;
  news.dialer = peer.dialer;
  news.site = peer.peer->site;
  news.peer_name = peer.peer->name.empty() ? peer.peer_name : peer.peer->name;
  if (out.measures())
    out.send({role::monitor}, news);
  tell_monitor(out,
               {{metric::clock_offset, number, static_cast<std::uint64_t>(peer.ahead_ms + messages::clock_offset_zero)},
                {metric::applied_position, number, applied}});
}

void arbiter::start_queue(std::uint64_t number, link& to, outbox& out) {
  to.awaits_snapshot = false;
  out.send({role::queue, number},
           messages::start_link{to.peer->site, self_.epoch, to.start, to.told_schema, to.told_run});
}

void arbiter::renew_identity(const std::string& why, outbox& out) {
  spdlog::warn("the arbiter takes a new site id, because {}", messages::one_line(why));
  replica_->take_new_identity(why);
  self_ = replica_->self();
  head_ = replica_->head();
  if (options_.on_new_identity)
    options_.on_new_identity();
  out.send({role::supervisor}, messages::close_all_links{why});
}

} // namespace tandem::actors
