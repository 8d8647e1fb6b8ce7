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

#include "actors/doorbell.hpp"
#include "actors/host_actor.hpp"
#include "actors/link_board.hpp"
#include "actors/measure_board.hpp"
#include "actors/shell.hpp"
#include "bridge/page_access.hpp"
#include "bridge/transport.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

struct crew_options {
  std::string path;                        ///< of the database
  storage::replica_options replica;        ///< how each actor opens it; its clock is corrected here
  bool adopts = false;                     ///< takes over its peers' tables
  std::string name;                        ///< what this node calls itself
  std::vector<std::string> peers;          ///< URLs to keep links with
  std::string token;                       ///< for dialing
  std::uint64_t seed = 0;                  ///< of jitter, and of the run's own number
  bool can_watch = true;                   ///< somebody calls `ring` when files change
  threading writers = threading::detached; ///< pooled on the test scheduler
  host_events events;
  std::function<void()> on_new_identity; ///< called by the arbiter's thread
  std::string user{};                    ///< who settles conflicts here
  /// What a token allows a page.
  std::function<bridge::page_right(const std::string& token)> rights_of{};
  bool measures = true;                                  ///< false: nobody measures anything
  std::function<std::vector<monitor::log_line>()> log{}; ///< the log's last lines
  std::function<void(const monitor::alert&)> on_alert{}; ///< called by the monitor's thread
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
