#include "actors/lobby.hpp"

#include <algorithm>
#include <utility>

#include "messages/catalogue.hpp"
#include "messages/internal.hpp"
#include "messages/page.hpp"

namespace tandem::actors {

using messages::role;

namespace {

/// What a peer says last. Its endpoint hears it too, but the end of the connection may overtake that: the peer would
/// seem to be cut off.
void note_farewell(std::string_view bytes, messages::end_link& last) {
  try {
    if (messages::tag_of(bytes) == static_cast<std::uint64_t>(messages::wire::goodbye)) {
      const auto said = messages::decode<messages::goodbye>(bytes);
      last = {false, messages::failure_code::network, said.text, said.is_planned};
    } else if (messages::tag_of(bytes) == static_cast<std::uint64_t>(messages::wire::refuse)) {
      last = {true, messages::failure_code::network, messages::decode<messages::refuse>(bytes).text};
    }
  } catch (const messages::failure&) { // The endpoint will say so.
  }
}

} // namespace

lobby::lobby(std::shared_ptr<switchboard> board) : board_{std::move(board)} {}

std::uint64_t lobby::enter(guest who) {
  messages::link_opened news;
  news.dialer = who.dialer;
  news.is_page = who.page != nullptr;
  {
    const std::lock_guard lock{mutex_};
    news.link = ++last_link_;
    guests_[news.link] = std::move(who);
  }
  // This node just starts or stops: the peer will call again.
  if (!board_->send({role::supervisor}, {{role::endpoint, news.link}, messages::encode(news)})) {
    close(news.link);
    forget(news.link);
  }
  return news.link;
}

bridge::connection_events lobby::admit(bridge::shared_connection connection, std::uint64_t dialer) {
  const auto link = enter({std::move(connection), dialer});
  const auto farewell = std::make_shared<messages::end_link>(); // A connection's events come one after the other.
  bridge::connection_events events;
  events.on_frame = [self = shared_from_this(), link, farewell](bridge::shared_bytes bytes) {
    note_farewell(*bytes, *farewell);
    self->frame_came(link, std::move(bytes));
  };
  events.on_drained = [] {
  };
  events.on_closed = [self = shared_from_this(), link, farewell](bridge::close_reason reason, const std::string& text) {
    self->connection_closed(link, reason, text, *farewell);
  };
  return events;
}

bridge::connection_events lobby::admit_page(bridge::shared_connection connection, std::string token) {
  if (count_pages() >= limits::pages_max) {
    const messages::page::failed why{0, "limit", "this node serves as many pages as it can; close one of them"};
    connection->send(messages::encode(why));
    connection->close();
    return {};
  }
  const auto signals = std::make_shared<page_signals>();
  const auto link = enter({std::move(connection), 0, signals, std::move(token)});
  bridge::connection_events events;
  events.on_frame = [self = shared_from_this(), signals, link](bridge::shared_bytes bytes) {
    self->page_said(link, *signals, std::move(bytes));
  };
  events.on_drained = [self = shared_from_this(), signals, link] {
    const messages::address endpoint{role::endpoint, link};
    if (signals->wants_drained.exchange(false))
      self->board_->send(endpoint, {{role::supervisor}, messages::encode(messages::drained{})});
  };
  events.on_closed = [self = shared_from_this(), signals, link](bridge::close_reason reason, const std::string& text) {
    signals->end();
    self->connection_closed(link, reason, text, {});
  };
  return events;
}

std::size_t lobby::count_pages() const {
  const std::lock_guard lock{mutex_};
  return static_cast<std::size_t>(
      std::count_if(guests_.begin(), guests_.end(), [](const auto& each) { return each.second.page != nullptr; }));
}

void lobby::connection_closed(std::uint64_t link, bridge::close_reason reason, const std::string& text,
                              const messages::end_link& farewell) const {
  messages::link_closed news;
  news.link = link;
  news.is_refusal =
      farewell.is_refusal || reason == bridge::close_reason::refused || reason == bridge::close_reason::protocol_error;
  news.is_planned = farewell.is_planned;
  news.text = (farewell.text.empty() ? text : farewell.text).substr(0, limits::reason_bytes_max);
  board_->send({role::supervisor}, {{role::endpoint, link}, messages::encode(news)});
}

/// Nothing that comes from outside may pass for a message of our own.
void lobby::frame_came(std::uint64_t link, bridge::shared_bytes bytes) const {
  const messages::address endpoint{role::endpoint, link};
  if (messages::is_wire_message(*bytes))
    board_->send(endpoint, {endpoint, std::move(bytes)});
  else
    refuse(link, "what came is no message of this protocol");
}

void lobby::page_said(std::uint64_t link, page_signals& signals, bridge::shared_bytes bytes) const {
  const messages::address endpoint{role::endpoint, link};
  if (!messages::page::is_of_page(*bytes)) {
    refuse(link, "what came is no message that a page may send");
    return;
  }
  // The endpoint may be busy with just what is cancelled here.
  if (messages::tag_of(*bytes) == static_cast<std::uint64_t>(messages::page::kind::cancel))
    try {
      signals.cancel(messages::decode<messages::page::cancel>(*bytes).id);
    } catch (const messages::failure&) { // The endpoint will say so.
    }
  board_->send(endpoint, {endpoint, std::move(bytes)});
}

void lobby::refuse(std::uint64_t link, const char* text) const {
  const messages::end_link order{true, messages::failure_code::protocol, text};
  board_->send({role::endpoint, link}, {{role::supervisor}, messages::encode(order)});
}

void lobby::wake_pages(const std::function<bool(page_signals&)>& is_to_wake) const {
  std::vector<std::uint64_t> woken;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& [link, guest] : guests_)
      if (guest.page && is_to_wake(*guest.page))
        woken.push_back(link);
  }
  for (const auto link : woken)
    board_->send({role::endpoint, link}, {{role::host}, messages::encode(messages::wake{})});
}

void lobby::tell_pages(const std::vector<std::string>& tables, bool is_remote) const {
  wake_pages([&](page_signals& each) { return each.note_change(tables, is_remote); });
}

void lobby::ring_pages() const {
  wake_pages([](page_signals& each) { return each.note_commit(); });
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
