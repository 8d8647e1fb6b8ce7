// The supervisor starts all others, watches them, starts anew what dies, and stops them in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "actors/core.hpp"
#include "messages/internal.hpp"

namespace tandem::actors {

/// What the supervisor's shell does for it.
class staff {
public:
  virtual ~staff() = default;
  /// Starts the actor of that address; its end comes back as `actor_ended`.
  virtual void spawn(address who) = 0;
  /// Asks it to end in an orderly way.
  virtual void end(address who) = 0;
  /// Closes the link's connection; that comes back as `link_closed`.
  virtual void close_connection(std::uint64_t link) = 0;
  /// The link is over: nobody will ask for its connection again.
  virtual void forget_connection(std::uint64_t link) = 0;
  /// All have ended.
  virtual void finish() = 0;
};

/// Gets `link_opened` and `link_closed` from the transport, `actor_ended` from its shell, `end_link` from
/// endpoints (why a link will close), `close_all_links` from the arbiter, `pause_links` from the host or a page.
class supervisor : public actor_core {
public:
  supervisor(staff& workers, std::uint64_t dialers);

  void start(outbox& out) override;
  void receive(const frame& message, outbox& out) override;
  /// Ends all others, producers first, then calls `finish`.
  void stop(outbox& out) override;

private:
  struct link {
    std::uint64_t dialer = 0;
    bool is_refusal = false;
    bool was_ready = false;
    bool is_page = false;
    bool is_planned = false;
    std::string reason;
  };

  void spawn(address who);
  void open(const messages::link_opened& news, outbox& out);
  void pause(const messages::pause_links& order, outbox& out);
  void close(const messages::link_closed& news, outbox& out);
  void take_end(const messages::actor_ended& news, outbox& out);
  void mend(address who, outbox& out);
  bool may_restart(std::int64_t now_us);
  void close_all(const std::string& why);
  void give_up(const std::string& why, outbox& out);
  void end_next_stage();

  staff& workers_;
  const std::uint64_t dialers_;
  std::set<address> alive_;
  std::map<std::uint64_t, link> links_;
  std::deque<std::int64_t> restarts_us_;
  bool is_paused_ = false;
  bool is_stopping_ = false;
  bool is_finished_ = false;
  std::size_t stage_ = 0;
};

} // namespace tandem::actors
