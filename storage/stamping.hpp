// Stamping: hints become stamped row changes in the log.
#pragma once

#include "storage/admission.hpp"
#include "storage/core.hpp"

namespace tandem::storage {

/// Stamps everything pending, within the caller's write transaction. Rows that no longer fit because of it
/// are noted with `admitted`, which the caller settles.
stamp_report stamp_hints(core& c, admission& admitted, conflict_store& conflicts);

} // namespace tandem::storage
