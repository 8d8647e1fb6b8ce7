// What an actor is without CAF: a state machine that gets frames and ticks, and gives frames.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "messages/fields.hpp"
#include "messages/frame.hpp"

namespace tandem::actors {

using messages::address;
using messages::frame;
using messages::role;
using messages::shared_bytes;

constexpr std::int64_t us_per_ms = 1'000;

/// What a core may do to the world. Nothing happens to the core itself before it returns.
class outbox {
public:
  virtual ~outbox() = default;
  /// The address of the actor that this is.
  [[nodiscard]] virtual address self() const = 0;
  /// Microseconds of a clock that never runs back.
  [[nodiscard]] virtual std::int64_t now_us() const = 0;
  virtual void send(address to, shared_bytes bytes) = 0;
  /// Jumps the receiver's queue: for demand and acknowledgements, whose order against others does not matter.
  virtual void send_urgent(address to, shared_bytes bytes) = 0;
  /// How long the message at hand has waited in the mailbox, in microseconds; 0 if that is not known.
  [[nodiscard]] virtual std::int64_t waited_us() const { return 0; }
  /// Whether another message waits in the mailbox; it comes next, so what it may be done with can wait for it.
  [[nodiscard]] virtual bool has_more() const { return false; }
  /// False: nobody wants to hear of measurements.
  [[nodiscard]] virtual bool measures() const { return true; }
  /// Asks for one `tick` at that time, instead of the one asked for before.
  virtual void wake_at(std::int64_t us) = 0;

  template <class T>
  void send(address to, const T& message) {
    send(to, messages::encode(message));
  }
};

/// Owned and called by one shell, one call at a time. An exception ends the actor; the supervisor
/// starts it anew.
class actor_core {
public:
  virtual ~actor_core() = default;
  virtual void start(outbox& /*out*/) {}
  virtual void receive(const frame& message, outbox& out) = 0;
  virtual void tick(outbox& /*out*/) {}
  /// Last call of an orderly end.
  virtual void stop(outbox& /*out*/) {}
};

/// Makes the core within the actor, so that an exception there is the actor's death and not the spawner's.
using core_maker = std::function<std::unique_ptr<actor_core>()>;

/// The tag of a message as one of its enum.
template <class Tag>
Tag tag_as(const frame& message) {
  return static_cast<Tag>(messages::tag_of(message.bytes()));
}

} // namespace tandem::actors
