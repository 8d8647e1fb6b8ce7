// Known mistakes that the simulator must find: each is switched on by its name.
#pragma once

#include <span>
#include <string_view>

namespace tandem::simulation {

enum class plant {
  none,
  skip_fsync,      ///< a disk that says "synced" and is not
  forget_clock,    ///< after a restart stamps begin anew: ones that were used come again
  drop_row,        ///< the last row of each bundle is missing
  early_ack,       ///< what a peer has announced counts as merged before it is
  split_bundle,    ///< a bundle goes out as two, cut within a transaction
  lose_tombstones, ///< a restart forgets what was deleted
  lose_cursor,     ///< a restart forgets how far peers were applied: repeated bundles are applied again
  no_forwarding,   ///< a hub takes rows for its own and does not pass them on
  merge_unstamped, ///< a merge does not stamp what is pending first
  skip_audit,      ///< a conflict leaves no entry
};

struct planted_mistake {
  std::string_view name;
  plant what;
  std::string_view text;
};

/// All of them, for help texts and tests.
std::span<const planted_mistake> planted_mistakes();

} // namespace tandem::simulation
