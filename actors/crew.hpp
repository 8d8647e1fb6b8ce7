// All actors of one node, on a CAF system and a network that somebody else owns: real ones in a program,
// the test scheduler and the loopback network in the simulation.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <caf/fwd.hpp>

#include "actors/casting.hpp"
#include "actors/link_board.hpp"
#include "actors/measure_board.hpp"
#include "actors/shell.hpp"
#include "bridge/transport.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

struct crew_options : cast_options {
  threading writers = threading::detached; ///< pooled on the test scheduler
};

class crew {
public:
  /// Starts all actors. `system` and `network` have to outlive it.
  crew(caf::actor_system& system, bridge::network& network, crew_options options);
  /// `stop` has to have been called, and to have ended.
  ~crew();
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;

  /// What a listener of this node does with connections.
  bridge::accept_handler on_accept();
  /// The same with pages.
  bridge::page_handler on_page();
  /// Somebody may have written to the database. Any thread.
  void ring();
  /// Sends in the host's name.
  void send(address to, shared_bytes bytes);
  /// Orders the end; `ended` becomes ready when all actors have. Any thread.
  void stop();
  [[nodiscard]] std::shared_future<void> ended() const;
  [[nodiscard]] const link_board& links() const;
  [[nodiscard]] const measure_board& measured() const;
  /// A connection of the caller's own, as the actors have theirs.
  [[nodiscard]] storage::replica open_replica() const;
  [[nodiscard]] std::vector<switchboard::load_entry> loads() const;
  /// Ends an actor as a fault would, for tests.
  void fail(address who);

private:
  struct implementation;
  std::shared_ptr<implementation> implementation_;
};

} // namespace tandem::actors
