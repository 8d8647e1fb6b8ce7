// Connections within this process, for tests: names are addresses ("ws://hub:1/"). Deterministic:
// nothing happens but in `step`, on the caller's thread, and one seed gives one history.
//
// All nodes of one test share one `loopback_world`; each gets a `loopback_network` of its own, so that
// stopping a node closes what is the node's and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "bridge/transport.hpp"

namespace tandem::bridge {

/// What goes wrong by itself, in events of a million steps. Frames of one direction never overtake each other and
/// are never repeated, as with TCP; which connection goes on next is up to the seed.
struct loopback_faults {
  std::uint32_t cuts_per_million = 0;       ///< a connection breaks; frames under way are lost
  std::uint32_t half_opens_per_million = 0; ///< a connection falls silent, which is noticed after half_open_steps
  std::uint32_t refusals_per_million = 0;   ///< of dials, not of steps
  std::uint32_t half_open_steps = 200;
};

class loopback_world {
public:
  explicit loopback_world(std::uint64_t seed, loopback_faults faults = {});
  ~loopback_world();
  loopback_world(const loopback_world&) = delete;
  loopback_world& operator=(const loopback_world&) = delete;

  /// A network for one node. The world may be destroyed before it.
  std::unique_ptr<loopback_network> make_network();

  /// Hands over one thing that is due: a frame, a dial's outcome, a close. False if there is nothing
  /// that could go on without somebody else's doing.
  bool step();
  /// Steps until nothing is due, or `steps_max` were made. Returns how many.
  std::size_t run(std::size_t steps_max);

  void set_faults(const loopback_faults& faults);
  /// Breaks all connections to the listener of that name (all there are, if empty) as of now.
  void cut(const std::string& host = {});
  /// While a host is blocked, dials to it fail.
  void block(const std::string& host);
  void unblock(const std::string& host);
  [[nodiscard]] std::size_t open_connections() const;
  /// Bytes sent and not handed over yet, of all connections.
  [[nodiscard]] std::size_t bytes_under_way() const;
  [[nodiscard]] std::uint64_t frames_delivered() const;

  struct implementation;

private:
  std::shared_ptr<implementation> implementation_;
};

class loopback_network final : public network {
public:
  explicit loopback_network(std::shared_ptr<loopback_world::implementation> world);
  ~loopback_network() override;
  loopback_network(const loopback_network&) = delete;
  loopback_network& operator=(const loopback_network&) = delete;

  /// Any host name will do; port 0 takes the next one that is free on it.
  std::unique_ptr<listener> listen(const listen_options& options, accept_handler on_accept) override;
  void dial(const dial_options& options, dialed_handler on_dialed) override;
  void stop() override;
  /// False: this node's side of all its connections takes nothing more off the wire, and keeps them open.
  void set_reading(bool reads);

private:
  const std::shared_ptr<loopback_world::implementation> world_;
  const std::uint64_t owner_;
};

} // namespace tandem::bridge
