#include "bridge/loopback.hpp"

#include "bridge/address.hpp"
#include "bridge/loopback_state.hpp"
#include "messages/failure.hpp"

namespace tandem::bridge {
namespace {

using messages::failure;
using messages::failure_code;

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
  loopback_action next;
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

void loopback_network::set_reading(bool reads) {
  const std::lock_guard guard{world_->mutex};
  if (reads)
    world_->not_reading.erase(owner_);
  else
    world_->not_reading.insert(owner_);
}

} // namespace tandem::bridge
