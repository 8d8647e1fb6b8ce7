// What a core does, written down; time stands still unless the test moves it.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "actors/core.hpp"
#include "messages/fields.hpp"
#include "messages/measurement.hpp"

namespace tandem::tests {

class recording_outbox : public actors::outbox {
public:
  explicit recording_outbox(actors::address self) : self_{self} {}

  struct sent {
    actors::address to;
    actors::shared_bytes bytes;
  };

  [[nodiscard]] actors::address self() const override { return self_; }
  [[nodiscard]] std::int64_t now_us() const override { return time_us; }
  void send(actors::address to, actors::shared_bytes bytes) override { all.push_back({to, std::move(bytes)}); }
  void send_urgent(actors::address to, actors::shared_bytes bytes) override { send(to, std::move(bytes)); }
  [[nodiscard]] bool has_more() const override { return more_waits; }
  void wake_at(std::int64_t us) override { due_us = us; }

  using outbox::send;

  /// All messages of type T that went to `to` since they were last taken.
  template <class T>
  std::vector<T> take(actors::address to) {
    std::vector<T> result;
    std::vector<sent> rest;
    for (auto& each : all)
      if (each.to == to && messages::tag_of(*each.bytes) == static_cast<std::uint64_t>(T::tag))
        result.push_back(messages::decode<T>(*each.bytes));
      else
        rest.push_back(std::move(each));
    all = std::move(rest);
    return result;
  }

  /// The values of that measurement that the monitor was told since they were last taken, in order.
  std::vector<std::uint64_t> take_measured(messages::metric what) {
    std::vector<std::uint64_t> result;
    for (const auto& message : take<messages::measurements>({actors::role::monitor}))
      for (const auto& each : message.samples)
        if (each.what == what)
          result.push_back(each.value);
    return result;
  }

  template <class T>
  static actors::frame from(actors::address who, const T& message) {
    return {who, messages::encode(message)};
  }

  std::int64_t time_us = 1'000'000;
  std::optional<std::int64_t> due_us;
  bool more_waits = false;
  std::vector<sent> all;

private:
  actors::address self_;
};

} // namespace tandem::tests
