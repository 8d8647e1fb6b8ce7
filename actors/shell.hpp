// The thin CAF part of every actor: hands frames and ticks to a core, and its frames to the switchboard.
#pragma once

#include <memory>

#include <caf/fwd.hpp>

#include "actors/caf_frame.hpp"
#include "actors/core.hpp"
#include "actors/switchboard.hpp"

namespace tandem::actors {

enum class threading {
  pooled,   ///< shares the scheduler's threads
  detached, ///< has a thread of its own, because it waits for disks
};

/// Starts an actor at `where` and puts it into the switchboard.
frame_actor spawn_shell(caf::actor_system& system, std::shared_ptr<switchboard> board, messages::address where,
                        core_maker make_core, threading how);

} // namespace tandem::actors
