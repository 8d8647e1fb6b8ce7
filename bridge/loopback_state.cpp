#include "bridge/loopback_state.hpp"

#include <algorithm>

#include "bridge/address.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"

namespace tandem::bridge {
namespace {

using messages::failure;

class loopback_connection final : public connection {
public:
  loopback_connection(std::shared_ptr<loopback_world::implementation> world, shared_end end)
      : world_{std::move(world)}, end_{std::move(end)} {}
  loopback_connection(const loopback_connection&) = delete;
  loopback_connection& operator=(const loopback_connection&) = delete;
  ~loopback_connection() override { close(); }

  bool send(shared_bytes frame) override {
    const std::lock_guard guard{world_->mutex};
    const auto other = end_->other.lock();
    if (!end_->is_open || end_->is_closing || frame->size() > limits::frame_bytes_max ||
        unsent(other) + frame->size() > limits::socket_unsent_bytes_max) {
      return false;
    }
    if (!end_->is_silent && other && other->is_open) {
      other->incoming_bytes += frame->size();
      other->incoming.push_back(std::move(frame));
      end_->owes_drained = true;
    }
    return true;
  }

  [[nodiscard]] std::size_t unsent_bytes() const override {
    const std::lock_guard guard{world_->mutex};
    return unsent(end_->other.lock());
  }

  void grant(std::size_t bytes) override {
    const std::lock_guard guard{world_->mutex};
    end_->credit_bytes += std::min(bytes, SIZE_MAX - end_->credit_bytes);
  }

  void close() override {
    const std::lock_guard guard{world_->mutex};
    end_->is_closing = end_->is_open;
  }

  [[nodiscard]] std::string peer_name() const override { return end_->peer_name; }

private:
  /// The pipe has no buffer of an operating system: what the other end has not taken is unsent.
  static std::size_t unsent(const shared_end& other) { return other && other->is_open ? other->incoming_bytes : 0; }

  const std::shared_ptr<loopback_world::implementation> world_;
  const shared_end end_;
};

} // namespace

/// Ends both sides; frames under way are lost.
void loopback_world::implementation::end_pair(const shared_end& end, close_reason here, const std::string& text_here,
                                              close_reason there, const std::string& text_there) {
  const auto shut = [](loopback_end& side, close_reason reason, const std::string& text) {
    if (side.is_open) {
      side.is_open = false;
      side.incoming.clear();
      side.incoming_bytes = 0;
      side.end = {reason, text};
    }
  };
  shut(*end, here, text_here);
  if (const auto other = end->other.lock()) {
    shut(*other, there, text_there);
  }
}

/// Who has called close goes once the other end has taken all of it.
void loopback_world::implementation::finish_closing() {
  for (const auto& end : ends) {
    const auto other = end->other.lock();
    if (end->is_open && end->is_closing && (!other || !other->is_open || other->incoming.empty())) {
      end_pair(end, close_reason::local, "closed on this side", close_reason::peer, "the peer closed the connection");
    }
  }
}

void loopback_world::implementation::cut_where(const std::function<bool(const loopback_end&)>& is_chosen,
                                               const std::string& text) {
  for (const auto& end : ends) {
    if (end->is_open && is_chosen(*end)) {
      end_pair(end, close_reason::network, text, close_reason::network, text);
    }
  }
}

void loopback_world::implementation::strike_faults() {
  std::vector<shared_end> open;
  for (const auto& end : ends) {
    if (end->is_open && !end->is_silent) {
      open.push_back(end);
    }
  }
  if (!open.empty() && strikes(faults.cuts_per_million)) {
    end_pair(open[pick(open.size())], close_reason::network, "the connection broke", close_reason::network,
             "the connection broke");
  } else if (!open.empty() && strikes(faults.half_opens_per_million)) {
    const auto end = open[pick(open.size())];
    end->is_silent = true;
    if (const auto other = end->other.lock()) {
      other->is_silent = true;
      other->incoming.clear();
      other->incoming_bytes = 0;
    }
    end->incoming.clear();
    end->incoming_bytes = 0;
    silent_until[steps + faults.half_open_steps].push_back(end);
  }
}

loopback_action loopback_world::implementation::connect(loopback_dial& dialed) {
  const auto fails = [&dialed](const std::string& why, bool is_refusal = false) -> loopback_action {
    return
        [handler = std::move(dialed.on_dialed), text = "can't reach " + dialed.options.url + ": " + why, is_refusal] {
          handler(nullptr, {text, is_refusal});
        };
  };
  peer_address address;
  try {
    address = parse_url(dialed.options.url);
  } catch (const failure& trouble) {
    return fails(trouble.what());
  }
  const auto port = ports.find({address.host, address.port});
  if (port == ports.end() || blocked.contains(address.host) || strikes(faults.refusals_per_million)) {
    return fails("nobody listens there");
  }
  if (!port->second.token.empty() && port->second.token != dialed.options.token) {
    return fails("it refuses the token", true);
  }
  const auto near = std::make_shared<loopback_end>();
  const auto far = std::make_shared<loopback_end>();
  near->owner = dialed.owner;
  near->peer_name = dialed.options.url;
  near->listener_host = far->listener_host = address.host;
  near->other = far;
  far->owner = port->second.owner;
  far->peer_name = "loopback:" + std::to_string(dialed.owner);
  far->other = near;
  ends.push_back(near);
  ends.push_back(far);
  return
      [self = shared_from_this(), near, far, accept = port->second.on_accept, handler = std::move(dialed.on_dialed)] {
        far->events = accept(std::make_shared<loopback_connection>(self, far));
        near->events = handler(std::make_shared<loopback_connection>(self, near), {});
      };
}

loopback_action loopback_world::implementation::next_dial() {
  auto dialed = std::move(dials.front());
  dials.pop_front();
  return connect(dialed);
}

loopback_action loopback_world::implementation::next_frame(const shared_end& end) {
  if (!end->is_open || end->is_closing || end->incoming.empty() || end->credit_bytes == 0 ||
      not_reading.contains(end->owner)) {
    return {};
  }
  return [this, end] {
    shared_bytes frame;
    // Copied, for the handler may bring about its own end.
    std::function<void(shared_bytes)> handler;
    {
      const std::lock_guard guard{mutex};
      handler = end->events.on_frame;
      frame = std::move(end->incoming.front());
      end->incoming.pop_front();
      end->incoming_bytes -= frame->size();
      end->credit_bytes -= std::min(end->credit_bytes, frame->size());
      ++frames;
    }
    if (handler) {
      handler(std::move(frame));
    }
    const auto sender = end->other.lock();
    loopback_action drained;
    {
      const std::lock_guard guard{mutex};
      if (sender && sender->is_open && end->incoming.empty() && std::exchange(sender->owes_drained, false)) {
        drained = sender->events.on_drained;
      }
    }
    if (drained) {
      drained();
    }
  };
}

loopback_action loopback_world::implementation::next_close(const shared_end& end) {
  if (!end->end) {
    return {};
  }
  return [this, end] {
    connection_events events;
    std::pair<close_reason, std::string> told;
    {
      const std::lock_guard guard{mutex};
      told = *end->end;
      end->end.reset();
      events = std::exchange(end->events, {});
      std::erase(ends, end);
    }
    if (events.on_closed) {
      events.on_closed(told.first, told.second);
    }
  };
}

/// Chooses, with the lock held, what to do without it.
loopback_action loopback_world::implementation::next_action() {
  ++steps;
  strike_faults();
  while (!silent_until.empty() && silent_until.begin()->first <= steps) {
    for (const auto& weak : silent_until.begin()->second) {
      if (const auto end = weak.lock()) {
        end_pair(end, close_reason::heartbeat_lost, "the peer has not answered", close_reason::heartbeat_lost,
                 "the peer has not answered");
      }
    }
    silent_until.erase(silent_until.begin());
  }
  finish_closing();
  std::vector<loopback_action> due;
  for (const auto& end : ends) {
    for (auto next : {next_close(end), next_frame(end)}) {
      if (next) {
        due.push_back(std::move(next));
      }
    }
  }
  const auto choices = due.size() + (dials.empty() ? 0 : 1);
  if (choices == 0) {
    return {};
  }
  const auto chosen = pick(choices);
  return chosen < due.size() ? due[chosen] : next_dial();
}

void loopback_world::implementation::stop_owner(std::uint64_t owner) {
  std::vector<loopback_action> last;
  {
    const std::lock_guard guard{mutex};
    std::erase_if(ports, [owner](const auto& entry) { return entry.second.owner == owner; });
    for (const auto& end : ends) {
      if (end->owner == owner) {
        end_pair(end, close_reason::local, "this side is stopping", close_reason::peer, "the peer is gone");
      }
    }
    const auto all = ends;
    for (const auto& end : all) {
      if (end->owner == owner && end->end) {
        last.push_back(next_close(end));
      }
    }
    for (auto& dialed : dials) {
      if (dialed.owner == owner) {
        last.push_back([handler = std::move(dialed.on_dialed)] { handler(nullptr, {"this side is stopping"}); });
      }
    }
    std::erase_if(dials, [owner](const auto& dialed) { return dialed.owner == owner; });
  }
  for (const auto& tell : last) {
    tell();
  }
}

} // namespace tandem::bridge
