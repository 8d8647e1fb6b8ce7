// The host actor hands the node's news to the program around it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/core.hpp"
#include "actors/link_board.hpp"
#include "messages/internal.hpp"
#include "messages/measurement.hpp"

namespace tandem::actors {

/// Called from one of the node's threads, one call at a time. May not throw, block for long, or stop the node.
struct host_events {
  std::function<void(const messages::data_changed&)> on_data;
  std::function<void()> on_links; ///< something on the link board is new
  std::function<void(const messages::choice_done&)> on_choice;
  std::function<void(const messages::compare_done&)> on_compared;
  std::function<void(const messages::alert_news&)> on_alert;
  std::function<void(const std::string&)> on_gave_up;
};

class host_actor : public actor_core {
public:
  host_actor(std::shared_ptr<link_board> board, host_events events);
  void receive(const frame& message, outbox& out) override;

private:
  template <class T>
  void note(const frame& message);

  std::shared_ptr<link_board> board_;
  host_events events_;
};

} // namespace tandem::actors
