#include "actors/host_actor.hpp"

#include <utility>

namespace tandem::actors {

using messages::internal;

host_actor::host_actor(std::shared_ptr<link_board> board, host_events events)
    : board_{std::move(board)}, events_{std::move(events)} {}

template <class T>
void host_actor::note(const frame& message) {
  board_->take(messages::decode<T>(message.bytes()));
  if (events_.on_links)
    events_.on_links();
}

void host_actor::receive(const frame& message, outbox& /*out*/) {
  switch (tag_as<internal>(message)) {
  case internal::link_phase:
    return note<messages::link_phase>(message);
  case internal::link_sent:
    return note<messages::link_sent>(message);
  case internal::link_applied:
    return note<messages::link_applied>(message);
  case internal::link_closed:
    return note<messages::link_closed>(message);
  case internal::pause_links:
    return note<messages::pause_links>(message);
  case internal::gave_up:
    note<messages::gave_up>(message);
    if (events_.on_gave_up)
      events_.on_gave_up(board_->failure());
    return;
  case internal::data_changed:
    if (events_.on_data)
      events_.on_data(messages::decode<messages::data_changed>(message.bytes()));
    return;
  case internal::alert_news:
    if (events_.on_alert)
      events_.on_alert(messages::decode<messages::alert_news>(message.bytes()));
    return;
  case internal::choice_done:
    if (events_.on_choice)
      events_.on_choice(messages::decode<messages::choice_done>(message.bytes()));
    return;
  case internal::compare_done:
    if (events_.on_compared)
      events_.on_compared(messages::decode<messages::compare_done>(message.bytes()));
    return;
  default:
    return;
  }
}

} // namespace tandem::actors
