// Bundles carried by hand from one replica to another within a process, so that each step can be timed by itself.
#pragma once

#include <string>
#include <vector>

#include "messages/catalogue.hpp"
#include "storage/replica.hpp"

namespace tandem::node {

/// A bundle as it was taken out of a replica.
struct carried_bundle {
  messages::bundle_header header;
  std::vector<std::string> blocks;
};

/// All that `to` lacks of `from`'s log, as far as it is stamped. Throws messages::failure (storage) where that is
/// nothing.
carried_bundle take_bundle(storage::replica& from, storage::replica& to);

/// Merges it, and lets `from` know.
void merge_bundle(storage::replica& from, storage::replica& to, const carried_bundle& taken);

} // namespace tandem::node
