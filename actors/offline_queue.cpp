#include "actors/offline_queue.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/measuring.hpp"
#include "actors/stamped.hpp"
#include "messages/catalogue.hpp"
#include "messages/failure.hpp"
#include "messages/internal.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {

using messages::internal;
using messages::wire;

namespace {

std::int64_t added(std::int64_t credit, std::uint64_t more) {
  // A peer that grants without end gets no more than it could ever use.
  constexpr std::int64_t endless_credit = std::int64_t{1} << 40;
  return std::min(credit + static_cast<std::int64_t>(std::min<std::uint64_t>(more, endless_credit)), endless_credit);
}

} // namespace

offline_queue::offline_queue(std::uint64_t link, replica_opener open) : link_{link}, open_{std::move(open)} {}

void offline_queue::start(outbox& out) {
  replica_ = open_();
  tell_state(out, false);
}

void offline_queue::receive(const frame& message, outbox& out) {
  try {
    if (!receive_from_peer(message, out))
      receive_inside(message, out);
  } catch (const messages::failure& problem) {
    out.send({role::endpoint, link_}, messages::end_link{true, problem.code(), problem.what()});
  }
  pump(out);
  plan_next(out);
}

bool offline_queue::receive_from_peer(const frame& message, outbox& out) {
  switch (tag_as<wire>(message)) {
  case wire::ack:
    take_ack(messages::decode<messages::ack>(message.bytes()), out);
    break;
  case wire::demand: {
    const auto more = messages::decode<messages::demand>(message.bytes());
    credit_bytes_ = added(credit_bytes_, more.bytes);
    credit_items_ = added(credit_items_, more.items);
    tell_monitor(out, credit());
    break;
  }
  default:
    return false;
  }
  if (++control_items_ >= limits::control_items_told)
    out.send(message.from(), messages::consumed{std::exchange(control_items_, 0)});
  return true;
}

void offline_queue::receive_inside(const frame& message, outbox& out) {
  switch (tag_as<internal>(message)) {
  case internal::start_link: {
    const auto order = messages::decode<messages::start_link>(message.bytes());
    is_started_ = true;
    site_ = order.site;
    epoch_ = order.epoch;
    sent_ = acked_ = order.start;
    told_schema_ = order.schema_version;
    told_run_ = order.run;
    is_dirty_ = true;
    advance_us_ = 0; // The first bundle goes even if it is empty: it tells the peer how far we are.
    out.send({role::host}, messages::link_sent{link_, sent_, acked_});
    tell_monitor(out, {{metric::sent_position, link_, sent_}, {metric::acked_position, link_, acked_}});
    tell_monitor(out, credit());
    break;
  }
  case internal::announced: {
    const auto news = messages::decode<messages::announced>(message.bytes());
    told_schema_ = news.schema_version;
    told_run_ = news.run;
    awaits_announce_ = false;
    break;
  }
  case internal::flush:
    if (waiting_.trail_us.empty())
      waiting_ = messages::decode<messages::flush>(message.bytes()).way;
    is_dirty_ = true;
    pump(out);
    tell_state(out, true);
    break;
  case internal::grown:
    awaits_stamp_ = false;
    break;
  default:
    break;
  }
}

void offline_queue::take_ack(const messages::ack& news, outbox& out) {
  const auto pos = news.pos;
  if (pos > sent_)
    throw messages::failure{messages::failure_code::protocol,
                            "the peer acknowledges what was never sent to it; its link begins anew"};
  if (pos <= acked_)
    return;
  acked_ = pos;
  while (!unacked_.empty() && unacked_.front().to <= pos) {
    if (unacked_.front().to == pos && unacked_.front().has_rows)
      note_round_trip(unacked_.front(), news, out);
    unacked_.pop_front();
  }
  note_ack_us_ = note_ack_us_.value_or(out.now_us() + limits::ack_note_window_ms * us_per_ms);
  if (unacked_.empty()) {
    tell_state(out, false);
    out.send({role::host}, messages::link_sent{link_, sent_, acked_});
    tell_monitor(out, {{metric::acked_position, link_, acked_}});
  }
}

/// The peer says how long it had the bundle: what is left of the round trip is the way there and back.
void offline_queue::note_round_trip(const sent_bundle& done, const messages::ack& news, outbox& out) {
  const auto round_us = out.now_us() - done.sent_us;
  const auto held_us = std::min<std::uint64_t>(news.held_us, span_us(round_us));
  round_us_ = span_us(round_us);
  held_us_ = held_us;
  transit_us_ = (span_us(round_us) - held_us) / 2;
  tell_monitor(out, {{metric::station_received, link_, transit_us_},
                     {metric::station_merged, link_, held_us},
                     {metric::station_acknowledged, link_, span_us(round_us)},
                     {metric::acked_position, link_, acked_}});
}

void offline_queue::note_ack(outbox& out) {
  note_ack_us_.reset();
  try {
    replica_->note_acked(site_, epoch_, acked_);
  } catch (const messages::failure& problem) {
    note_swallowed(out);
    spdlog::debug("the queue of link {} could not note an acknowledgement now: {}", link_, problem.what());
    note_ack_us_ = out.now_us() + limits::storage_retry_ms * us_per_ms;
  }
}

void offline_queue::tick(outbox& out) {
  const auto now = out.now_us();
  if (bundle_ && now >= part_sent_us_ + limits::extraction_stall_ms_max * us_per_ms) {
    note_swallowed(out);
    spdlog::debug("the queue of link {} gives up a bundle that the peer does not take", link_);
    bundle_.reset();
    block_.reset();
    is_dirty_ = true;
    part_sent_us_ = now;
  }
  // A read snapshot is open while a bundle is: the note has to wait for its end.
  if (note_ack_us_ && now >= *note_ack_us_ && !bundle_)
    note_ack(out);
  if (advance_us_ && now >= *advance_us_)
    is_dirty_ = true;
  pump(out);
  plan_next(out);
}

void offline_queue::stop(outbox& out) {
  bundle_.reset();
  if (note_ack_us_)
    note_ack(out);
  out.send({role::batcher}, messages::queue_state{0, false, false});
}

void offline_queue::pump(outbox& out) {
  while (is_started_ && credit_bytes_ > 0 && credit_items_ > 0) {
    if (!bundle_ && !begin_bundle(out))
      return;
    send_part(out);
  }
}

/// False if there is nothing to send now.
bool offline_queue::begin_bundle(outbox& out) {
  if (!is_dirty_ || awaits_stamp_ || awaits_announce_ || unacked_.size() >= limits::bundles_unacked_max ||
      (retry_us_ && out.now_us() < *retry_us_))
    return false;
  retry_us_.reset();
  try {
    return read_bundle(out);
  } catch (const messages::failure& problem) {
    note_swallowed(out);
    spdlog::debug("the queue of link {} can't read the log now: {}", link_, problem.what());
    retry_us_ = out.now_us() + limits::storage_retry_ms * us_per_ms;
    return false;
  }
}

bool offline_queue::read_bundle(outbox& out) {
  auto found = replica_->extract(site_, sent_);
  if (!found) {
    await_stamp(out);
    return false;
  }
  stamp_tries_ = 0;
  const auto& header = found->header();
  if (header.schema_version != told_schema_ || header.run != told_run_) {
    awaits_announce_ = true;
    out.send({role::arbiter}, messages::announce{});
    return false;
  }
  is_dirty_ = false;
  block_ = found->next_block(limits::block_bytes_target);
  if (!block_ && (header.to <= sent_ || !advance_us_ || out.now_us() < *advance_us_) &&
      header.to - sent_ < limits::advance_entries_max) {
    skip_empty(header, out);
    return false;
  }
  bundle_.emplace(std::move(*found));
  ++number_;
  part_ = 0;
  bytes_ = 0;
  way_ = block_ ? std::exchange(waiting_, {}) : messages::passage{};
  if (!way_.trail_us.empty())
    pass(way_, out.now_us());
  return true;
}

void offline_queue::skip_empty(const messages::bundle_header& header, outbox& out) {
  if (header.to > sent_)
    advance_us_ = advance_us_.value_or(out.now_us() + limits::advance_window_ms * us_per_ms);
  else
    advance_us_.reset();
}

void offline_queue::send_part(outbox& out) {
  auto next = block_ ? bundle_->next_block(limits::block_bytes_target) : std::nullopt;
  messages::bundle_part part;
  part.number = number_;
  part.index = part_++;
  part.is_last = !next;
  part.header = bundle_->header();
  if (block_)
    part.block = *block_;
  if (part.is_last && !way_.trail_us.empty()) {
    pass(way_, out.now_us());
    // A peer takes no bundle with a longer one, and the bundle is worth more than its way.
    if (way_.trail_us.size() < limits::trail_items_max) {
      part.trail = way_.trail_us;
      part.trail.push_back(transit_us_);
      part.trace = way_.trace;
    }
  }
  auto bytes = messages::encode(part);
  bytes_ += bytes->size();
  credit_bytes_ -= static_cast<std::int64_t>(bytes->size());
  --credit_items_;
  part_sent_us_ = out.now_us();
  out.send({role::endpoint, link_}, std::move(bytes));
  block_ = std::move(next);
  if (part.is_last)
    close_bundle(out);
  else if (credit_bytes_ <= 0 || credit_items_ <= 0) // Now a bundle waits for the peer.
    tell_monitor(out, credit());
}

std::vector<sample> offline_queue::credit() const {
  return {{metric::credit_bytes, link_, static_cast<std::uint64_t>(std::max<std::int64_t>(credit_bytes_, 0))},
          {metric::credit_items, link_, static_cast<std::uint64_t>(std::max<std::int64_t>(credit_items_, 0))}};
}

void offline_queue::close_bundle(outbox& out) {
  sent_ = bundle_->header().to;
  const auto rows = bundle_->rows();
  std::vector<sample> samples{{metric::rows_sent, link_, rows},
                              {metric::bundles_sent, link_, 1},
                              {metric::bytes_sent, link_, bytes_},
                              {metric::sent_position, link_, sent_},
                              {metric::bundles_unacked, link_, unacked_.size() + 1}};
  if (const auto& trail = way_.trail_us; trail.size() >= 2) {
    samples.push_back({metric::station_bundled, link_, trail[trail.size() - 2]});
    samples.push_back({metric::station_sent, link_, trail.back()});
  }
  for (const auto& each : credit())
    samples.push_back(each);
  tell_monitor(out, std::move(samples));
  bundle_.reset();
  block_.reset();
  advance_us_.reset();
  unacked_.push_back({sent_, out.now_us(), rows > 0});
}

/// The snapshot holds writes that are not stamped yet. A busy writer may get between the observer's
/// stamping and our reading again and again; then the queue does both itself.
void offline_queue::await_stamp(outbox& out) {
  if (++stamp_tries_ < limits::stamp_tries_max) {
    awaits_stamp_ = true;
    out.send({role::observer}, messages::wake{true});
    return;
  }
  tell_stamped(replica_->stamp_pending(), out);
  retry_us_ = out.now_us() + limits::stamp_window_ms * us_per_ms;
}

void offline_queue::tell_state(outbox& out, bool answers_flush) {
  out.send({role::batcher},
           messages::queue_state{unacked_.size() + (bundle_ ? 1 : 0), answers_flush, true, round_us_, held_us_});
}

void offline_queue::plan_next(outbox& out) const {
  std::optional<std::int64_t> next;
  const auto consider = [&next](std::optional<std::int64_t> us) {
    if (us)
      next = next ? std::min(*next, *us) : *us;
  };
  if (bundle_)
    consider(part_sent_us_ + limits::extraction_stall_ms_max * us_per_ms);
  else
    consider(note_ack_us_);
  consider(retry_us_);
  if (is_started_ && advance_us_ && *advance_us_ > 0)
    consider(advance_us_);
  if (next)
    out.wake_at(*next);
}

} // namespace tandem::actors
