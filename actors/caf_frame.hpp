// The one type that crosses mailboxes, made known to CAF, and the one interface of all actors.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/fwd.hpp>
#include <caf/typed_actor.hpp>

#include "messages/frame.hpp"

// Frames never leave the process by CAF: sockets carry their bytes.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tandem::messages::frame)

namespace tandem::actors {

using frame_actor = caf::typed_actor<caf::reacts_to<messages::frame>>;

} // namespace tandem::actors
