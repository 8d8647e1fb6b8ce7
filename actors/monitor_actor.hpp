// The monitor collects measurements, and looks whether all is as it should be.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "actors/core.hpp"
#include "actors/measure_board.hpp"
#include "actors/switchboard.hpp"
#include "messages/internal.hpp"

namespace tandem::actors {

/// Gets `measurements` and `handled` from everyone, `database_figures` from the observer, `link_phase` from the arbiter
/// and from dialers, and `link_closed` from the supervisor. Writes it all on the board; looks at the depths of all
/// mailboxes, and at the rules, once a second.
class monitor_actor : public actor_core {
public:
  monitor_actor(std::shared_ptr<const switchboard> actors, std::shared_ptr<measure_board> board);

  void start(outbox& out) override;
  void receive(const frame& message, outbox& out) override;
  void tick(outbox& out) override;

private:
  void take(const frame& message, const messages::measurements& news, outbox& out);
  void take(const messages::link_phase& news, outbox& out);
  void take(const messages::link_closed& news, outbox& out);
  void take(const messages::database_figures& news, outbox& out);
  void take_dialing(const messages::link_phase& news, outbox& out);
  void look_at_network(monitor::ledger& ledger, std::int64_t now_us);
  /// Nothing: it is about a link that is gone.
  [[nodiscard]] std::optional<std::string> label_of(const messages::sample& each, const frame& message) const;
  void look_at_mailboxes(monitor::ledger& ledger) const;

  std::shared_ptr<const switchboard> actors_;
  std::shared_ptr<measure_board> board_;
  std::int64_t process_again_us_ = 0;
};

} // namespace tandem::actors
