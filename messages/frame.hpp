// What crosses every mailbox: immutable, shared msgpack bytes, and who sent them.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tandem::messages {

/// Bytes that many may hold and nobody changes.
using shared_bytes = std::shared_ptr<const std::string>;

enum class role : std::uint8_t { host, supervisor, observer, batcher, arbiter, monitor, dialer, queue, endpoint };

constexpr std::string_view name_of(role who) {
  constexpr std::string_view names[] = {"host",    "supervisor", "observer", "batcher", "arbiter",
                                        "monitor", "dialer",     "queue",    "endpoint"};
  return names[static_cast<std::size_t>(who)];
}

/// Names an actor for as long as the node runs; whoever takes a dead one's place takes its address.
struct address {
  role who = role::host;
  std::uint64_t number = 0; ///< the link of a queue or endpoint, the peer URL of a dialer; else 0

  auto operator<=>(const address&) const = default;
  [[nodiscard]] std::string text() const {
    return std::string{name_of(who)} + (number ? " " + std::to_string(number) : "");
  }
};

/// One message on its way. Copying it copies a few words.
class frame {
public:
  frame() = default;
  frame(address from, shared_bytes bytes, std::int64_t sent_us = 0)
      : from_{from}, bytes_{std::move(bytes)}, sent_us_{sent_us} {}

  [[nodiscard]] address from() const { return from_; }
  [[nodiscard]] const shared_bytes& shared() const { return bytes_; }
  [[nodiscard]] std::string_view bytes() const { return bytes_ ? std::string_view{*bytes_} : std::string_view{}; }
  [[nodiscard]] std::size_t size() const { return bytes_ ? bytes_->size() : 0; }
  /// When an actor sent it, by the node's clock that never runs back; 0: somebody else did, or nobody measures.
  [[nodiscard]] std::int64_t sent_us() const { return sent_us_; }

private:
  address from_;
  shared_bytes bytes_;
  std::int64_t sent_us_ = 0;
};

} // namespace tandem::messages
