#include "tests/simulation/plants.hpp"

#include <array>

namespace tandem::simulation {

std::span<const planted_mistake> planted_mistakes() {
  static constexpr std::array<planted_mistake, 10> all{{
      {"skip-fsync", plant::skip_fsync, "the disk says that it has synced, and has not"},
      {"forget-clock", plant::forget_clock, "after a restart, stamps that were used come again"},
      {"drop-row", plant::drop_row, "the last row of each bundle is left out"},
      {"early-ack", plant::early_ack, "what a peer has announced counts as merged before it is"},
      {"split-bundle", plant::split_bundle, "a bundle is cut in two within a transaction"},
      {"lose-tombstones", plant::lose_tombstones, "a restart forgets what was deleted"},
      {"lose-cursor", plant::lose_cursor, "a restart forgets its cursors, and applies bundles again"},
      {"no-forwarding", plant::no_forwarding, "a hub does not pass on what came from elsewhere"},
      {"merge-unstamped", plant::merge_unstamped, "a merge does not stamp pending writes first"},
      {"skip-audit", plant::skip_audit, "what loses is not kept in the audit trail"},
  }};
  return all;
}

} // namespace tandem::simulation
