// Writes of a page that wait are done in one transaction: a disk makes hundreds durable in the time of one, and others
// get the lock in between.
#include <algorithm>
#include <vector>

#include "actors/page_writes.hpp"
#include "actors/stopwatch.hpp"

namespace tandem::actors {

using messages::failure;

namespace {

struct rolled_back_if_open {
  storage::page_connection& connection;

  explicit rolled_back_if_open(storage::page_connection& given) : connection{given} {}
  rolled_back_if_open(const rolled_back_if_open&) = delete;
  rolled_back_if_open& operator=(const rolled_back_if_open&) = delete;
  ~rolled_back_if_open() { connection.rollback(); }
};

} // namespace

page_writes::place page_writes::last_together(place first, std::int64_t now_us) const {
  if (transaction_ != 0 || !may_try(now_us))
    return first;
  auto last = first;
  for (; last != waiting_.end(); ++last) {
    const auto order = std::get_if<messages::page::execute>(&last->what);
    if (!order || order->transaction != 0 || now_us >= last->deadline_us || last->id <= alone_through_)
      break;
    const auto is_after = [order](const waiting& each) {
      return each.id == order->after;
    };
    const auto may_be =
        order->after == 0 || std::any_of(first, last, is_after) ||
        (!has(order->after) && std::ranges::find(undecided_, order->after, &undecided::id) == undecided_.end());
    if (!may_be)
      break;
  }
  return last;
}

/// One fsync for all of them. One that fails is taken back, and tried alone after those before it are durable: there it
/// says why.
std::size_t page_writes::run_together(place first, std::int64_t now_us) {
  const auto last = last_together(first, now_us);
  if (last - first < 2)
    return 0;
  auto& writer = connection();
  watchdog_.start(first->id, first->deadline_us - now_us);
  if (!writer.begin()) {
    retry_after_others(now_us);
    return 0;
  }
  const rolled_back_if_open guard{writer};
  const stopwatch held;
  std::vector<written> done;
  for (auto each = first; each != last && held.passed_us() < limits::page_writes_together_ms * us_per_ms; ++each) {
    watchdog_.start(each->id, each->deadline_us - now_us);
    if (const auto one = write_part(std::get<messages::page::execute>(each->what))) {
      done.push_back(*one);
    } else {
      alone_through_ = each->id;
      break;
    }
  }
  if (done.empty() || !writer.is_in_transaction() || !commit_together()) {
    alone_through_ = std::max(alone_through_, done.empty() ? first->id : done.back().id);
    return 0;
  }
  for (const auto& one : done)
    tell(one);
  setup_.ring();
  prune_sometimes();
  rest_after(now_us, held.passed_us(), done.size());
  return done.size();
}

std::optional<page_writes::written> page_writes::write_part(const messages::page::execute& order) {
  auto& writer = connection();
  writer.begin_part();
  try {
    const auto result = write(order);
    writer.end_part(true);
    return result;
  } catch (const failure&) {
    if (writer.is_in_transaction()) // Some errors, and OR ROLLBACK, end it as a whole.
      writer.end_part(false);
    return std::nullopt;
  }
}

/// What is only checked now, as deferred foreign keys are, may be anyone's.
bool page_writes::commit_together() {
  try {
    connection().commit();
    return true;
  } catch (const failure&) {
    return false;
  }
}

bool page_writes::may_try(std::int64_t now_us) const {
  return now_us >= retry_us_ && (now_us >= rest_until_us_ || is_full());
}

/// Not after a single write: who asks for one after the other leaves gaps by itself.
void page_writes::rest_after(std::int64_t began_us, std::int64_t hold_us, std::size_t done) {
  const auto are_many = done > 1 || waiting_.size() > done;
  rest_us_ = are_many ? std::min(hold_us, limits::page_lock_rest_ms_max * us_per_ms) : 0;
  rest_until_us_ = are_many ? began_us + hold_us + rest_us_ : 0;
}

/// Who rests while the node stamps what was written, and takes the lock as soon as that is done, leaves others no gap.
void page_writes::retry_after_others(std::int64_t now_us) {
  retry_us_ =
      now_us + limits::page_lock_wait_ms * us_per_ms + std::max(limits::page_lock_pause_ms * us_per_ms, rest_us_);
}

} // namespace tandem::actors
