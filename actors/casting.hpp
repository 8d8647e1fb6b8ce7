// Who plays which part in a node: makes the core of every actor, and holds what they share. Without CAF, so that a node
// can also run where there is none (lone_crew.hpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "actors/core.hpp"
#include "actors/device_clock.hpp"
#include "actors/doorbell.hpp"
#include "actors/host_actor.hpp"
#include "actors/link_board.hpp"
#include "actors/lobby.hpp"
#include "actors/measure_board.hpp"
#include "actors/supervisor.hpp"
#include "actors/switchboard.hpp"
#include "bridge/page_access.hpp"
#include "bridge/transport.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

struct cast_options {
  std::string path;                 ///< of the database
  storage::replica_options replica; ///< how each actor opens it; its clock is corrected here
  bool adopts = false;              ///< takes over its peers' tables
  std::string name;                 ///< what this node calls itself
  std::vector<std::string> peers;   ///< URLs to keep links with
  std::string token;                ///< for dialing
  std::uint64_t seed = 0;           ///< of jitter, and of the run's own number
  bool can_watch = true;            ///< somebody calls `ring` when files change
  host_events events;
  std::function<void()> on_new_identity; ///< called by the arbiter's thread
  std::string user{};                    ///< who settles conflicts here
  /// What a token allows a page.
  std::function<bridge::page_right(const std::string& token)> rights_of{};
  std::optional<std::int64_t> batch_window_ms{};         ///< none: as suits each link
  bool measures = true;                                  ///< false: nobody measures anything
  std::function<std::vector<monitor::log_line>()> log{}; ///< the log's last lines
};

struct arbiter_options;
struct dialer_options;

/// `make` may be called by the thread of any actor, one call for each actor at a time; all else by any thread.
class casting {
public:
  /// `network` has to outlive it.
  casting(bridge::network& network, cast_options options);

  /// Throws if its file can't be opened or its connection is gone: then it could not start.
  std::unique_ptr<actor_core> make(address who, staff& workers);
  /// A connection of the caller's own, as the actors have theirs.
  [[nodiscard]] storage::replica open() const;
  [[nodiscard]] bool is_page(address who) const;
  /// Somebody may have written to the database.
  void ring();

  bridge::accept_handler on_accept();
  bridge::page_handler on_page();

private:
  arbiter_options for_arbiter();
  dialer_options for_dialer(std::uint64_t number, std::uint64_t seed);
  host_events for_host();
  std::unique_ptr<actor_core> make_endpoint(std::uint64_t link);

  bridge::network& network_;
  cast_options options_;
  const std::shared_ptr<std::atomic<std::uint64_t>> busy_opens_ = std::make_shared<std::atomic<std::uint64_t>>(0);

public:
  const std::shared_ptr<switchboard> board;
  const std::shared_ptr<lobby> connections;
  const std::shared_ptr<link_board> links = std::make_shared<link_board>();
  const std::shared_ptr<measure_board> measured;

private:
  std::uint64_t instance_;
  std::shared_ptr<doorbell> bell_ = std::make_shared<doorbell>();
  std::shared_ptr<device_clock> clock_;
};

} // namespace tandem::actors
