#include "actors/lobby.hpp"

#include <utility>

#include "messages/catalogue.hpp"
#include "messages/internal.hpp"

namespace tandem::actors {

using messages::frame;
using messages::role;

lobby::lobby(std::shared_ptr<switchboard> board) : board_{std::move(board)} {}

bridge::connection_events lobby::admit(bridge::shared_connection connection, std::uint64_t dialer) {
  std::uint64_t link = 0;
  {
    const std::lock_guard lock{mutex_};
    link = ++last_link_;
    guests_[link] = {std::move(connection), dialer};
  }
  const frame news{{role::endpoint, link}, messages::encode(messages::link_opened{link, dialer})};
  if (!board_->send({role::supervisor}, news)) { // This node just starts or stops; the peer will call again.
    close(link);
    forget(link);
  }
  bridge::connection_events events;
  events.on_frame = [self = shared_from_this(), link](bridge::shared_bytes bytes) {
    self->frame_came(link, std::move(bytes));
  };
  events.on_drained = [] {
  };
  events.on_closed = [self = shared_from_this(), link](bridge::close_reason reason, const std::string& text) {
    messages::link_closed news;
    news.link = link;
    news.is_refusal = reason == bridge::close_reason::refused || reason == bridge::close_reason::protocol_error;
    news.text = text.substr(0, limits::reason_bytes_max);
    self->board_->send({role::supervisor}, {{role::endpoint, link}, messages::encode(news)});
  };
  return events;
}

/// Nothing that comes from outside may pass for a message of our own.
void lobby::frame_came(std::uint64_t link, bridge::shared_bytes bytes) const {
  const messages::address endpoint{role::endpoint, link};
  if (messages::is_wire_message(*bytes)) {
    board_->send(endpoint, {endpoint, std::move(bytes)});
    return;
  }
  const messages::end_link order{true, messages::failure_code::protocol, "what came is no message of this protocol"};
  board_->send(endpoint, {{role::supervisor}, messages::encode(order)});
}

std::optional<lobby::guest> lobby::find(std::uint64_t link) const {
  const std::lock_guard lock{mutex_};
  const auto found = guests_.find(link);
  return found == guests_.end() ? std::nullopt : std::optional{found->second};
}

void lobby::close(std::uint64_t link) {
  if (const auto found = find(link))
    found->connection->close();
}

void lobby::forget(std::uint64_t link) {
  guest gone; // Destroyed outside of the lock.
  const std::lock_guard lock{mutex_};
  if (const auto found = guests_.find(link); found != guests_.end()) {
    gone = std::move(found->second);
    guests_.erase(found);
  }
}

void lobby::clear() {
  std::map<std::uint64_t, guest> gone;
  {
    const std::lock_guard lock{mutex_};
    gone.swap(guests_);
  }
  for (const auto& [link, guest] : gone)
    guest.connection->close();
}

} // namespace tandem::actors
