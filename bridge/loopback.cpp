#include "bridge/loopback.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "bridge/address.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"

namespace tandem::bridge {
namespace {

using messages::failure;
using messages::failure_code;

/// One end of a pair. `incoming` holds what the other end has sent and nobody has handed over yet.
struct loopback_end {
  std::uint64_t owner = 0;
  std::string peer_name;
  std::string listener_host;
  connection_events events;
  std::deque<shared_bytes> incoming;
  std::size_t incoming_bytes = 0;
  std::size_t credit_bytes = 0;
  bool is_open = true;
  bool is_closing = false; ///< by its own side: closes when the other end has taken everything
  bool is_silent = false;  ///< half-open: takes frames and loses them
  bool owes_drained = false;
  std::optional<std::pair<close_reason, std::string>> end; ///< what on_closed will be told
  std::weak_ptr<loopback_end> other;
};

using shared_end = std::shared_ptr<loopback_end>;

struct loopback_dial {
  std::uint64_t owner = 0;
  dial_options options;
  dialed_handler on_dialed;
};

struct loopback_port {
  std::uint64_t owner = 0;
  std::string token;
  accept_handler on_accept;
};

using action = std::function<void()>;

} // namespace

struct loopback_world::implementation : std::enable_shared_from_this<implementation> {
  implementation(std::uint64_t seed, const loopback_faults& faults_) : random{seed}, faults{faults_} {}

  // mt19937_64's sequence is fixed by the standard; its distributions are not.
  std::uint64_t pick(std::uint64_t count) { return random() % count; }
  bool strikes(std::uint32_t per_million) { return per_million != 0 && pick(1'000'000) < per_million; }

  action next_action();
  action next_dial();
  action next_frame(const shared_end& end);
  action next_close(const shared_end& end);
  void strike_faults();
  void end_pair(const shared_end& end, close_reason here, const std::string& text_here, close_reason there,
                const std::string& text_there);
  void finish_closing();
  void cut_where(const std::function<bool(const loopback_end&)>& is_chosen, const std::string& text);
  action connect(loopback_dial& dialed);
  void stop_owner(std::uint64_t owner);

  mutable std::mutex mutex;
  std::mt19937_64 random;
  loopback_faults faults;
  std::uint64_t steps = 0;
  std::uint64_t frames = 0;
  std::uint64_t owners = 0;
  std::map<std::pair<std::string, std::uint16_t>, loopback_port> ports;
  std::set<std::string> blocked;
  std::deque<loopback_dial> dials;
  std::vector<shared_end> ends;
  std::map<std::uint64_t, std::vector<std::weak_ptr<loopback_end>>> silent_until; ///< by step
};

namespace {

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

class loopback_listener final : public listener {
public:
  loopback_listener(std::weak_ptr<loopback_world::implementation> world, peer_address address)
      : world_{std::move(world)}, address_{std::move(address)} {}
  loopback_listener(const loopback_listener&) = delete;
  loopback_listener& operator=(const loopback_listener&) = delete;
  ~loopback_listener() override { close_port(); }

  [[nodiscard]] std::uint16_t port() const override { return address_.port; }
  [[nodiscard]] std::string url() const override { return to_url(address_); }
  void stop() override { close_port(); }

private:
  void close_port() {
    const auto world = world_.lock();
    if (!world || std::exchange(is_stopped_, true)) {
      return;
    }
    const std::lock_guard guard{world->mutex};
    world->ports.erase({address_.host, address_.port});
  }

  const std::weak_ptr<loopback_world::implementation> world_;
  const peer_address address_;
  bool is_stopped_ = false;
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

action loopback_world::implementation::connect(loopback_dial& dialed) {
  const auto fails = [&dialed](const std::string& why) -> action {
    return [handler = std::move(dialed.on_dialed), text = "can't reach " + dialed.options.url + ": " + why] {
      handler(nullptr, text);
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
    return fails("it refuses the token");
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

action loopback_world::implementation::next_dial() {
  auto dialed = std::move(dials.front());
  dials.pop_front();
  return connect(dialed);
}

action loopback_world::implementation::next_frame(const shared_end& end) {
  if (!end->is_open || end->is_closing || end->incoming.empty() || end->credit_bytes == 0) {
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
    action drained;
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

action loopback_world::implementation::next_close(const shared_end& end) {
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
action loopback_world::implementation::next_action() {
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
  std::vector<action> due;
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
  std::vector<action> last;
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
        last.push_back([handler = std::move(dialed.on_dialed)] { handler(nullptr, "this side is stopping"); });
      }
    }
    std::erase_if(dials, [owner](const auto& dialed) { return dialed.owner == owner; });
  }
  for (const auto& tell : last) {
    tell();
  }
}

loopback_world::loopback_world(std::uint64_t seed, loopback_faults faults)
    : implementation_{std::make_shared<implementation>(seed, faults)} {}

loopback_world::~loopback_world() {
  // Handlers may hold connections, which hold the implementation.
  std::vector<shared_end> ends;
  {
    const std::lock_guard guard{implementation_->mutex};
    ends.swap(implementation_->ends);
    implementation_->ports.clear();
    implementation_->dials.clear();
  }
  for (const auto& end : ends) {
    const auto events = std::exchange(end->events, {});
  }
}

std::unique_ptr<loopback_network> loopback_world::make_network() {
  return std::make_unique<loopback_network>(implementation_);
}

bool loopback_world::step() {
  action next;
  {
    const std::lock_guard guard{implementation_->mutex};
    next = implementation_->next_action();
    if (!next && !implementation_->silent_until.empty()) {
      return true; // time passes until the silence is noticed
    }
  }
  if (!next) {
    return false;
  }
  next();
  return true;
}

std::size_t loopback_world::run(std::size_t steps_max) {
  std::size_t count = 0;
  while (count < steps_max && step()) {
    ++count;
  }
  return count;
}

void loopback_world::set_faults(const loopback_faults& faults) {
  const std::lock_guard guard{implementation_->mutex};
  implementation_->faults = faults;
}

void loopback_world::cut(const std::string& host) {
  const std::lock_guard guard{implementation_->mutex};
  implementation_->cut_where([&host](const loopback_end& end) { return host.empty() || end.listener_host == host; },
                             "the connection was cut");
}

void loopback_world::block(const std::string& host) {
  const std::lock_guard guard{implementation_->mutex};
  implementation_->blocked.insert(host);
}

void loopback_world::unblock(const std::string& host) {
  const std::lock_guard guard{implementation_->mutex};
  implementation_->blocked.erase(host);
}

std::size_t loopback_world::open_connections() const {
  const std::lock_guard guard{implementation_->mutex};
  std::size_t count = 0;
  for (const auto& end : implementation_->ends) {
    count += end->is_open ? 1 : 0;
  }
  return count / 2;
}

std::size_t loopback_world::bytes_under_way() const {
  const std::lock_guard guard{implementation_->mutex};
  std::size_t bytes = 0;
  for (const auto& end : implementation_->ends) {
    bytes += end->incoming_bytes;
  }
  return bytes;
}

std::uint64_t loopback_world::frames_delivered() const {
  const std::lock_guard guard{implementation_->mutex};
  return implementation_->frames;
}

loopback_network::loopback_network(std::shared_ptr<loopback_world::implementation> world)
    : world_{std::move(world)}, owner_{[this] {
        const std::lock_guard guard{world_->mutex};
        return ++world_->owners;
      }()} {}

loopback_network::~loopback_network() {
  world_->stop_owner(owner_);
}

std::unique_ptr<listener> loopback_network::listen(const listen_options& options, accept_handler on_accept) {
  const std::lock_guard guard{world_->mutex};
  peer_address address{options.host, options.port};
  while (address.port == 0 || (options.port == 0 && world_->ports.contains({address.host, address.port}))) {
    ++address.port;
  }
  const auto is_new =
      world_->ports
          .try_emplace({address.host, address.port}, loopback_port{owner_, options.token, std::move(on_accept)})
          .second;
  if (!is_new) {
    throw failure{failure_code::network, "can't listen on " + to_authority(address) +
                                             ": somebody else does; choose another port (0 takes a free one)"};
  }
  return std::make_unique<loopback_listener>(world_, address);
}

void loopback_network::dial(const dial_options& options, dialed_handler on_dialed) {
  const std::lock_guard guard{world_->mutex};
  world_->dials.push_back({owner_, options, std::move(on_dialed)});
}

void loopback_network::stop() {
  world_->stop_owner(owner_);
}

} // namespace tandem::bridge
