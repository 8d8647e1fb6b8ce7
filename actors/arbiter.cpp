#include "actors/arbiter.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <spdlog/spdlog.h>

#include "messages/failure.hpp"
#include "messages/limits.hpp"
#include "messages/plain_text.hpp"

namespace tandem::actors {

using messages::failure;
using messages::failure_code;
using messages::internal;
using messages::wire;

namespace {

storage::resolution resolution_of(const messages::choice& choice) {
  using kind = storage::resolution::kind;
  constexpr kind kinds[] = {kind::take_current, kind::take_other,  kind::take_value,
                            kind::undo,         kind::take_fields, kind::reinsert};
  if (choice.take >= std::size(kinds))
    throw failure{failure_code::usage, "there is no such way to settle a conflict"};
  return {choice.conflict, kinds[choice.take], choice.value_json, choice.who, choice.is_forced};
}

} // namespace

arbiter::arbiter(arbiter_options options) : options_{std::move(options)} {}

void arbiter::start(outbox& /*out*/) {
  replica_ = options_.open();
  self_ = replica_->self();
  head_ = replica_->head();
}

void arbiter::receive(const frame& message, outbox& out) {
  if (!receive_from_peer(message, out))
    receive_inside(message, out);
}

/// What goes wrong here is the peer's or the disk's doing: it ends the link, not the arbiter.
bool arbiter::receive_from_peer(const frame& message, outbox& out) {
  if (!messages::is_wire_message(message.bytes()))
    return false;
  const auto number = message.from().number;
  const auto found = links_.find(number);
  if (found != links_.end() && !found->second.is_ended)
    try {
      auto& from = found->second;
      switch (tag_as<wire>(message)) {
      case wire::hello:
        take_hello(number, from, messages::decode<messages::hello>(message.bytes()), out);
        break;
      case wire::resume:
        take_resume(number, from, messages::decode<messages::resume>(message.bytes()), out);
        break;
      case wire::bundle_part:
        from.bytes += message.size();
        take_part(number, from, messages::decode<messages::bundle_part>(message.bytes()), out);
        break;
      case wire::compare:
        take_compare(number, from, messages::decode<messages::compare>(message.bytes()), out);
        break;
      case wire::compared:
        take_compared(number, from, messages::decode<messages::compared>(message.bytes()), out);
        break;
      case wire::mend:
        take_mend(from, messages::decode<messages::mend>(message.bytes()), out);
        break;
      default:
        break;
      }
    } catch (const failure& problem) {
      end_link(number, problem, out);
    }
  out.send(message.from(), messages::consumed{1});
  return true;
}

void arbiter::receive_inside(const frame& message, outbox& out) {
  const auto number = message.from().number;
  switch (tag_as<internal>(message)) {
  case internal::open_link:
    open_link(number, messages::decode<messages::open_link>(message.bytes()), out);
    break;
  case internal::link_closed:
    forget_link(messages::decode<messages::link_closed>(message.bytes()).link, out);
    break;
  case internal::compare_now:
    compare_now(messages::decode<messages::compare_now>(message.bytes()), out);
    break;
  case internal::announce:
    if (const auto found = links_.find(number); found != links_.end())
      say_hello(number, found->second, out);
    break;
  case internal::tables_changed:
    say_hello_to_all(out);
    break;
  case internal::choice:
    choose(messages::decode<messages::choice>(message.bytes()), out);
    break;
  default:
    break;
  }
}

void arbiter::forget_link(std::uint64_t number, outbox& out) {
  const auto found = links_.find(number);
  if (found == links_.end())
    return;
  if (const auto& asked = found->second.comparing; asked && asked->request != 0)
    out.send({role::host}, messages::compare_done{asked->request, false, asked->ranges, asked->rows,
                                                  "the link broke before all was compared; try again"});
  links_.erase(found);
}

void arbiter::take_part(std::uint64_t number, link& from, const messages::bundle_part& part, outbox& out) {
  if (!from.is_running)
    throw failure{failure_code::protocol, "a bundle came before both sides had said who they are"};
  if (part.index == 0 && part.is_last) {
    from.parts.clear();
    auto block = part.block.empty() ? std::nullopt : std::optional{part.block};
    merge(
        number, from, part.header, [&block] { return std::exchange(block, std::nullopt); }, {part.trail, 0, part.trace},
        out);
    return;
  }
  if (!from.parts.add(part))
    return;
  merge(
      number, from, from.parts.header(), [&from] { return from.parts.next_block(); }, {part.trail, 0, part.trace}, out);
  from.parts.clear();
}

void arbiter::merge(std::uint64_t number, link& from, const messages::bundle_header& header,
                    const storage::block_source& blocks, passage way, outbox& out) {
  auto whole = header;
  whole.epoch = from.peer->epoch;
  whole.ack_epoch = self_.epoch;
  way.at_us = out.now_us() - out.waited_us();
  const auto report = replica_->merge(from.peer->site, whole, blocks);
  const auto held_us = pass(way, out.now_us());
  if (way.trail_us.size() == 1) // The peer does not measure: then nobody knows when this was written.
    way.trail_us.clear();
  out.send({role::endpoint, number}, messages::ack{report.cursor, held_us});
  tell_merged(number, report, way, out);
  from.bytes = 0;
  if (from.awaits_snapshot)
    start_queue(number, from, out);
}

void arbiter::tell_merged(std::uint64_t number, const storage::merge_report& report, const passage& way, outbox& out) {
  const auto grown = report.head - std::min(head_, report.head);
  head_ = report.head;
  // More entries than rows came in: some are ours, stamped on the way or won against what came.
  const bool is_all_theirs = grown <= report.rows && report.conflicts == 0 && report.readmitted == 0;
  // The way is that of the peer's changes. What goes back to it are others, which have come no way yet.
  const auto theirs = is_all_theirs || number == 0 ? grown : std::min(grown, report.rows);
  if (theirs > 0)
    out.send({role::batcher}, messages::grown{report.head, theirs, number, way, report.urgency});
  if (grown > 0 && number != 0 && !is_all_theirs)
    out.send({role::batcher},
             messages::grown{report.head, std::max<std::uint64_t>(grown - theirs, 1), 0, {}, report.urgency});
  if (number != 0)
    out.send({role::host}, messages::link_applied{number, report.cursor});
  if (report.applied > 0 || report.conflicts > 0 || report.quarantined > 0 || report.readmitted > 0)
    out.send({role::host}, messages::data_changed{true, report.applied, report.head, report.conflicts, {}});
  const auto of_kind = [&report](storage::conflict_kind kind) {
    return report.conflicts_by_kind.at(static_cast<std::size_t>(kind));
  };
  if (!report.is_repeat && number != 0 && report.rows > 0)
    tell_monitor(out,
                 {{metric::rows_merged, number, report.rows},
                  {metric::rows_applied, number, report.applied},
                  {metric::bundles_merged, number, 1},
                  {metric::bytes_received, number, links_.at(number).bytes},
                  {metric::conflicts_cell, number, of_kind(storage::conflict_kind::cell)},
                  {metric::conflicts_insert, number, of_kind(storage::conflict_kind::insert)},
                  {metric::conflicts_deletion, number, of_kind(storage::conflict_kind::deletion)},
                  {metric::conflicts_row, number, of_kind(storage::conflict_kind::row)},
                  {metric::conflicts_constraint, number, report.quarantined},
                  {metric::conflicts_refused, number, of_kind(storage::conflict_kind::refused)},
                  {metric::rows_quarantined, number, report.quarantined},
                  {metric::rows_readmitted, number, report.readmitted},
                  {metric::rows_refused, number, report.refused},
                  {metric::applied_position, number, report.cursor},
                  {metric::head_position, 0, report.head},
                  {metric::lock_wait_merge, 0, span_us(report.cost.wait_us)},
                  {metric::lock_hold_merge, 0, span_us(report.cost.hold_us)}},
                 way);
}

void arbiter::end_link(std::uint64_t number, const failure& why, outbox& out) {
  auto& link = links_.at(number);
  link.is_ended = true;
  link.parts.clear();
  const bool is_passing = why.code() == failure_code::busy;
  const auto who = link.peer_name;
  spdlog::warn("the arbiter ends link {} with {}: {}", number, messages::one_line(who), messages::one_line(why.what()));
  out.send({role::endpoint, number}, messages::end_link{!is_passing, why.code(), why.what()});
  if (!link.peer)
    return;
  try {
    replica_->note_peer(link.peer->site, who, why.what());
  } catch (const failure& problem) {
    note_swallowed(out);
    spdlog::debug("the arbiter could not note that trouble: {}", problem.what());
  }
}

void arbiter::choose(const messages::choice& choice, outbox& out) {
  messages::choice_done done;
  done.request = choice.request;
  try {
    const auto settled = replica_->resolve(resolution_of(choice));
    done.is_done = true;
    done.text = settled.id;
    head_ = replica_->head();
    out.send({role::batcher}, messages::grown{head_, 1, 0});
    out.send({role::host}, messages::data_changed{false, 1, head_, 0, {settled.table}});
  } catch (const failure& problem) {
    done.code = problem.code();
    done.text = std::string{problem.what()}.substr(0, limits::reason_bytes_max);
  }
  out.send({role::host}, done);
}

} // namespace tandem::actors
