#include "actors/shell.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <caf/actor_clock.hpp>
#include <caf/actor_system.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include "actors/thread_name.hpp"
#include "messages/limits.hpp"
#include "messages/measurement.hpp"

namespace tandem::actors {
namespace {

std::int64_t us_of(caf::actor_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

const shared_bytes& tick_bytes() {
  static const auto bytes = std::make_shared<const std::string>();
  return bytes;
}

/// So that the processor time of each can be told apart. Of endpoints, only pages' have a thread.
void name_thread(role who) {
  name_this_thread(std::string{who == role::endpoint ? "page" : messages::name_of(who)});
}

class caf_mailbox final : public mailbox {
public:
  explicit caf_mailbox(frame_actor owner) : owner_{std::move(owner)} {}
  void put(const messages::frame& message, bool is_urgent) override {
    if (is_urgent)
      caf::anon_send<caf::message_priority::high>(owner_, message);
    else
      caf::anon_send(owner_, message);
  }

private:
  frame_actor owner_;
};

struct shell_state;
using shell_actor = frame_actor::stateful_base<shell_state>;

struct shell_state : outbox { // Not final: CAF derives from it to find out whether it has a name.
  // Without this constructor C++20 makes an aggregate of a state, and CAF initialises its first member with
  // the actor's address.
  explicit shell_state(frame_actor::stateful_pointer<shell_state> owner) : actor{owner} {}

  frame_actor::stateful_pointer<shell_state> actor;
  std::shared_ptr<switchboard> board;
  std::shared_ptr<mailbox_load> load;
  address where;
  std::unique_ptr<actor_core> core;
  std::optional<std::int64_t> due_us;   // when the core wants its tick
  std::optional<std::int64_t> armed_us; // when the next delayed message of ours arrives
  std::int64_t waited = 0;              // by the message at hand, in us
  messages::handled latest;
  std::int64_t told_us = 0; // when the monitor heard of them last

  [[nodiscard]] address self() const override { return where; }
  [[nodiscard]] std::int64_t now_us() const override { return us_of(actor->clock().now()); }
  [[nodiscard]] std::int64_t waited_us() const override { return waited; }
  [[nodiscard]] bool has_more() const override { return load->items > 0; }
  [[nodiscard]] bool measures() const override { return board->measures(); }
  void send(address to, shared_bytes bytes) override { board->send(to, {where, std::move(bytes), sending_us()}); }
  void send_urgent(address to, shared_bytes bytes) override {
    board->send(to, {where, std::move(bytes), sending_us()}, true);
  }
  [[nodiscard]] std::int64_t sending_us() const { return measures() ? now_us() : 0; }

  // A delayed message can't be taken back, so there is one at a time, for the earliest time asked for.
  void wake_at(std::int64_t us) override {
    due_us = us;
    if (armed_us && *armed_us <= us)
      return;
    armed_us = us;
    const auto wait = std::max<std::int64_t>(us - now_us(), 0);
    actor->delayed_send(frame_actor{actor}, std::chrono::microseconds{wait}, frame{where, tick_bytes()});
  }

  void on_tick() {
    const auto now = now_us();
    if (armed_us && *armed_us <= now)
      armed_us.reset();
    if (!due_us)
      return;
    if (*due_us > now) {
      wake_at(*due_us);
      return;
    }
    due_us.reset();
    core->tick(*this);
  }

  void on_frame(const frame& message) {
    if (message.shared() == tick_bytes()) {
      on_tick();
      return;
    }
    load->remove(message.size());
    if (!measures() || where.who == role::monitor) { // What measures is not measured: that would never end.
      core->receive(message, *this);
      return;
    }
    const auto began_us = now_us();
    waited = message.sent_us() == 0 ? 0 : std::max<std::int64_t>(began_us - message.sent_us(), 0);
    core->receive(message, *this);
    note_handled(began_us);
  }

  void note_handled(std::int64_t began_us) {
    const auto now = now_us();
    latest.waited_us.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(waited, UINT32_MAX)));
    latest.handled_us.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(now - began_us, UINT32_MAX)));
    if (latest.handled_us.size() < limits::handled_items_max && now < told_us + limits::measure_interval_ms * us_per_ms)
      return;
    told_us = now;
    board->send({role::monitor}, {where, messages::encode(latest)});
    latest.waited_us.clear();
    latest.handled_us.clear();
  }
};

frame_actor::behavior_type shell(frame_actor::stateful_pointer<shell_state> self, std::shared_ptr<switchboard> board,
                                 std::shared_ptr<mailbox_load> load, address where, const core_maker& make_core,
                                 threading how) {
  if (how == threading::detached)
    name_thread(where.who);
  auto& state = self->state;
  state.board = std::move(board);
  state.load = std::move(load);
  state.where = where;
  // CAF's own handlers print to the host's standard output.
  self->set_default_handler(caf::drop);
  self->set_down_handler([](const caf::down_msg&) {});
  self->set_error_handler([](const caf::error&) {});
  self->set_exception_handler([where](std::exception_ptr& thrown) -> caf::error {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& problem) {
      spdlog::error("the {} failed: {}", where.text(), problem.what());
      return caf::make_error(caf::sec::runtime_error, std::string{problem.what()});
    } catch (...) {
      spdlog::error("the {} failed for an unknown reason", where.text());
      return caf::make_error(caf::sec::runtime_error, std::string{"unknown reason"});
    }
  });
  self->set_exit_handler([self](const caf::exit_msg& order) {
    if (self->state.core && order.reason == caf::exit_reason::user_shutdown)
      self->state.core->stop(self->state);
    self->quit(order.reason);
  });
  // Known to others before it says anything itself, so that no answer is lost.
  state.board->connect(where, std::make_shared<caf_mailbox>(frame_actor{self}), state.load);
  state.core = make_core();
  state.core->start(state);
  return {[self](const frame& message) {
    self->state.on_frame(message);
  }};
}

} // namespace

frame_actor spawn_shell(caf::actor_system& system, std::shared_ptr<switchboard> board, address where,
                        core_maker make_core, threading how) {
  auto load = std::make_shared<mailbox_load>();
  const auto actor = how == threading::detached ? system.spawn<caf::detached>(shell, board, load, where, make_core, how)
                                                : system.spawn(shell, board, load, where, make_core, how);
  // The actor's own first run may come late; what others send it from now on has to wait, not to vanish.
  board->connect(where, std::make_shared<caf_mailbox>(actor), load);
  return actor;
}

} // namespace tandem::actors
