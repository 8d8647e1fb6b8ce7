// Restamping: mends the stamps that a clock ahead of its time has given to writes nobody has seen yet.
#pragma once

#include "storage/core.hpp"

namespace tandem::storage {

/// What `replica::correct_stamps` does, in a transaction of its own. Costs a look at every record, but only where a
/// clock was off by more than limits::hlc_future_ms_max.
std::uint64_t correct_own_stamps(core& c, std::uint64_t acked, std::int64_t true_now_ms, std::int64_t ahead_ms);

} // namespace tandem::storage
