// The observer turns writes to the database into entries of the log, soon after they were committed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "actors/core.hpp"
#include "actors/doorbell.hpp"
#include "storage/compact_pace.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

using replica_opener = std::function<storage::replica()>;

/// Gets `wake` from the host, the file watch, the queues and its own timer; tells the batcher `grown`, the
/// arbiter `tables_changed` and the host `data_changed`.
class observer : public actor_core {
public:
  /// `can_watch`: files are watched, so that the timer is a safety net only.
  /// `wall_ms`: the clock that triggers note times by, to measure how old a write is; empty: that is not measured.
  /// `seed`: of trace ids.
  observer(replica_opener open, std::shared_ptr<doorbell> bell, bool can_watch, storage::clock_ms wall_ms = {},
           std::uint64_t seed = 0);

  void start(outbox& out) override;
  void receive(const frame& message, outbox& out) override;
  void tick(outbox& out) override;

private:
  void look(outbox& out);
  void echo_later(std::int64_t from_us);
  void stamp(outbox& out);
  void tell_news(const storage::stamp_report& done, std::int64_t began_us, std::int64_t wall_ms, outbox& out);
  std::string new_trace(outbox& out);
  void tell_figures(outbox& out);
  void tell_head(outbox& out);
  void note_tables(outbox& out);
  void compact(outbox& out);
  void prune_audit(outbox& out);
  void plan_next(outbox& out);

  replica_opener open_;
  std::shared_ptr<doorbell> bell_;
  const std::int64_t poll_us_;
  const storage::clock_ms wall_ms_;
  std::optional<storage::replica> replica_;
  std::uint64_t schema_version_ = 0;
  std::uint64_t told_head_ = 0;
  std::int64_t stamp_again_us_ = 0; // not before
  std::int64_t compact_again_us_ = 0;
  std::int64_t figures_again_us_ = 0;
  std::int64_t trace_again_us_ = 0;
  std::mt19937_64 random_;
  storage::compact_pace compacting_;
  std::optional<std::int64_t> look_again_us_; // a wake-up that came too early for the next stamp
  std::size_t echo_ = 0;                      // looks since the last wake-up
  bool is_troubled_ = false;
};

} // namespace tandem::actors
