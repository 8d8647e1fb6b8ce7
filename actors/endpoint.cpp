#include "actors/endpoint.hpp"

#include <algorithm>
#include <utility>

#include "messages/catalogue.hpp"
#include "messages/internal.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {

using messages::failure_code;
using messages::internal;
using messages::wire;

endpoint::endpoint(std::uint64_t link, bridge::shared_connection connection, std::uint64_t dialer)
    : link_{link}, connection_{std::move(connection)}, dialer_{dialer} {}

void endpoint::start(outbox& out) {
  const auto name = connection_->peer_name().substr(0, limits::url_bytes_max);
  out.send({role::arbiter}, messages::open_link{dialer_, name});
  connection_->grant(limits::transport_window_bytes);
  deadline_us_ = out.now_us() + limits::handshake_ms_max * us_per_ms;
  out.wake_at(deadline_us_);
}

void endpoint::receive(const frame& message, outbox& out) {
  if (is_ending_)
    return;
  try {
    if (!messages::is_wire_message(message.bytes()))
      from_inside(message, out);
    else if (message.from() == out.self())
      from_peer(message, out);
    else
      to_peer(message, out);
  } catch (const messages::failure& problem) {
    end(true, problem.code(), problem.what(), out);
  }
}

void endpoint::tick(outbox& out) {
  if (!is_ready_ && !is_ending_ && out.now_us() >= deadline_us_)
    end(false, failure_code::network,
        "no handshake within " + std::to_string(limits::handshake_ms_max / 1'000) + " s; closing", out);
}

void endpoint::stop(outbox& out) {
  if (!is_ending_)
    end({false, failure_code::network, "this node stops", true}, out);
}

void endpoint::from_peer(const frame& message, outbox& out) {
  switch (tag_as<wire>(message)) {
  case wire::hello:
  case wire::resume:
  case wire::bundle_part:
  case wire::compare:
  case wire::compared:
  case wire::mend:
    at_arbiter_.push_back({message.size(), tag_as<wire>(message) == wire::bundle_part});
    // The peer may overdraw the items of its demand by none, and say hello again now and then.
    if (at_arbiter_.size() > 2 * limits::link_window_items)
      throw messages::failure{failure_code::protocol, "the peer sends more than was asked for"};
    out.send({role::arbiter}, message.shared());
    return;
  case wire::ack:
  case wire::demand:
    at_queue_.push_back(message.size());
    if (at_queue_.size() > limits::control_items_max)
      throw messages::failure{failure_code::protocol, "the peer floods this side with control messages"};
    out.send_urgent({role::queue, link_}, message.shared());
    return;
  case wire::refuse:
    return take_farewell({true, failure_code::network, messages::decode<messages::refuse>(message.bytes()).text}, out);
  case wire::goodbye: {
    const auto farewell = messages::decode<messages::goodbye>(message.bytes());
    return take_farewell({false, failure_code::network, farewell.text, farewell.is_planned}, out);
  }
  default: // Of a later protocol version: not for us.
    connection_->grant(message.size());
  }
}

void endpoint::to_peer(const frame& message, outbox& out) {
  if (!connection_->send(message.shared()))
    end(false, failure_code::network, "the peer does not take what is sent to it; trying again", out);
}

void endpoint::from_inside(const frame& message, outbox& out) {
  switch (tag_as<internal>(message)) {
  case internal::link_ready:
    is_ready_ = true;
    out.send({role::supervisor}, message.shared());
    bytes_to_demand_ = limits::link_window_bytes;
    items_to_demand_ = limits::link_window_items;
    grant_demand(out);
    break;
  case internal::consumed:
    take_back(message, out);
    break;
  case internal::end_link:
    end(messages::decode<messages::end_link>(message.bytes()), out);
    break;
  default:
    break;
  }
}

/// Room in our mailboxes is the transport's to fill again, and in the arbiter's the peer's.
void endpoint::take_back(const frame& message, outbox& out) {
  auto items = messages::decode<messages::consumed>(message.bytes()).items;
  std::size_t bytes = 0;
  if (message.from().who == role::arbiter)
    for (; items > 0 && !at_arbiter_.empty(); --items, at_arbiter_.pop_front()) {
      const auto& done = at_arbiter_.front();
      bytes += done.bytes;
      bytes_to_demand_ += done.is_part ? done.bytes : 0;
      items_to_demand_ += done.is_part ? 1 : 0;
    }
  else
    for (; items > 0 && !at_queue_.empty(); --items, at_queue_.pop_front())
      bytes += at_queue_.front();
  connection_->grant(bytes);
  grant_demand(out);
}

void endpoint::grant_demand(outbox& out) {
  if (!is_ready_ || (bytes_to_demand_ < limits::link_window_bytes / limits::link_regrant_fraction &&
                     items_to_demand_ < limits::link_window_items / limits::link_regrant_fraction))
    return;
  const messages::demand more{std::exchange(bytes_to_demand_, 0), std::exchange(items_to_demand_, 0)};
  if (!connection_->send(messages::encode(more)))
    end(false, failure_code::network, "the peer does not take what is sent to it; trying again", out);
}

void endpoint::take_farewell(const messages::end_link& why, outbox& out) {
  is_ending_ = true;
  out.send({role::supervisor}, why);
  connection_->close();
}

void endpoint::end(bool is_refusal, failure_code code, std::string_view text, outbox& out) {
  end({is_refusal, code, std::string{text}}, out);
}

void endpoint::end(messages::end_link why, outbox& out) {
  is_ending_ = true;
  why.text.resize(std::min(why.text.size(), limits::reason_bytes_max));
  connection_->send(why.is_refusal ? messages::encode(messages::refuse{why.code, why.text})
                                   : messages::encode(messages::goodbye{why.text, why.is_planned}));
  out.send({role::supervisor}, why);
  connection_->close();
}

} // namespace tandem::actors
