// How long the audit trail is kept: by age and by count. Open conflicts stay whatever their age.
#pragma once

#include "storage/core.hpp"

namespace tandem::storage {

/// In a write transaction of its own, if there is anything to remove.
prune_report prune_step(core& c, std::uint64_t entries_max);
/// Within the caller's write transaction.
void put_audit_limits(core& c, const audit_limits& given);
audit_limits audit_limits_of(core& c);

} // namespace tandem::storage
