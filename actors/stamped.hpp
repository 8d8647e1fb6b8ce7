// What is to be told, and to whom, when the app's writes have been stamped.
#pragma once

#include <utility>

#include "actors/measuring.hpp"
#include "messages/internal.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

/// The observer stamps most of them; whoever needs the log to be complete at once does so itself, and tells the same.
/// `way`: how the earliest of them came here, if that is known.
inline void tell_stamped(const storage::stamp_report& done, outbox& out, passage way = {}) {
  if (done.rows == 0)
    return;
  tell_monitor(out, {{metric::rows_stamped, 0, done.rows},
                     {metric::head_position, 0, done.head},
                     {metric::lock_wait_stamp, 0, span_us(done.cost.wait_us)},
                     {metric::lock_hold_stamp, 0, span_us(done.cost.hold_us)}});
  out.send({role::batcher}, messages::grown{done.head, done.rows, 0, std::move(way), done.urgency});
  out.send({role::host}, messages::data_changed{false, done.rows, done.head, 0, done.tables});
}

} // namespace tandem::actors
