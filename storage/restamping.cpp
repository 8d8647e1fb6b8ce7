#include "storage/restamping.hpp"

#include <algorithm>

#include "messages/limits.hpp"
#include "storage/admission.hpp"
#include "storage/inspecting.hpp"

namespace tandem::storage {
namespace {

class restamper {
public:
  restamper(core& c, std::uint64_t acked) : c_{c}, acked_{acked} {
    // What any peer has seen keeps its stamp: two stamps of one write would never become one again.
    for (const auto& peer : peers_of(c))
      acked_ = std::max(acked_, peer.acked);
  }

  std::uint64_t run(std::int64_t true_now_ms, std::int64_t ahead_ms) {
    for (const auto& [id, table] : c_.tables) {
      statement records{c_.db, "SELECT slot FROM " + table->info.rows_table()};
      std::string key;
      while (records.step())
        look_at(*table, records.integer(0), *table->record_at(records.integer(0), key));
      statement dead{c_.db, "SELECT slot, rec FROM tandem_dead WHERE t = ?1"};
      dead.bind(id);
      while (dead.step())
        look_at(*table, dead.integer(0), row_record::unpack(dead.blob(1)));
    }
    floor_ = std::max({latest_seen_, c_.received_hlc, latest_acked()});
    plan(true_now_ms, ahead_ms);
    for (const auto& [table, slot] : rows_)
      mend(*table, slot);
    c_.hlc = std::max(floor_, wrong_.empty() ? 0 : right_.back());
    c_.db.execute("DELETE FROM tandem_leaps");
    return rows_.size();
  }

private:
  [[nodiscard]] bool is_unseen(const cell_origin& origin) const {
    return origin.via == via_here && origin.pos > acked_;
  }

  void look_at(tracked_table& table, std::int64_t slot, const row_record& record) {
    bool is_ours = false;
    for (const auto& group : record.groups()) {
      if (is_unseen(group.origin))
        wrong_.push_back(group.origin.written.hlc);
      else
        latest_seen_ = std::max(latest_seen_, group.origin.written.hlc);
      is_ours = is_ours || is_unseen(group.origin);
    }
    if (is_ours)
      rows_.emplace_back(&table, slot);
  }

  /// No stamp that a peer may have is later than this: what it was before the first leap that no peer has seen. The
  /// records don't tell, for what overwrote such a stamp stands in its place. Without a leap nothing was wrong since.
  [[nodiscard]] std::uint64_t latest_acked() const {
    statement leap{c_.db, "SELECT hlc FROM tandem_leaps WHERE pos >= ?1 ORDER BY id LIMIT 1"};
    leap.bind(acked_);
    return leap.step() ? leap.unsigned_integer(0) : c_.hlc;
  }

  /// By how much the clock was ahead when it stamped is known if it still is; else the latest write counts as made
  /// just now, and only what lies in the future is moved. In any case the order stays, and each stamp is later than
  /// all that a peer has or sent: what a write has seen is older.
  void plan(std::int64_t true_now_ms, std::int64_t ahead_ms) {
    std::ranges::sort(wrong_);
    wrong_.erase(std::unique(wrong_.begin(), wrong_.end()), wrong_.end());
    const auto now = messages::hlc_of_ms(true_now_ms);
    const auto ahead = ahead_ms > limits::clock_offset_ms_max ? messages::hlc_of_ms(ahead_ms) : 0;
    const auto latest = wrong_.empty() ? 0 : wrong_.back();
    const auto shift = std::max(ahead, latest > now ? latest - now : 0);
    auto last = floor_;
    for (const auto each : wrong_) {
      if (each <= floor_) {
        right_.push_back(each); // from before the clock went wrong
        continue;
      }
      const auto moved = ahead == 0 && each <= now ? each : each - std::min(each, shift);
      right_.push_back(last = std::max(last + 1, moved));
    }
  }

  void mend(tracked_table& table, std::int64_t slot) {
    std::string key;
    if (auto record = table.record_at(slot, key)) {
      restamp(*record);
      table.put_record(key, *record);
    } else if (auto remains = c_.tombstone_at(table, slot)) {
      restamp(remains->record);
      c_.put_tombstone(table, remains->key, *remains);
    }
  }

  void restamp(row_record& record) {
    for (std::size_t i = 0; i < record.groups().size(); ++i) {
      const auto& origin = record.groups()[i].origin;
      if (!is_unseen(origin))
        continue;
      const auto found = std::ranges::lower_bound(wrong_, origin.written.hlc);
      record.restamp(i, {right_[static_cast<std::size_t>(found - wrong_.begin())], origin.written.site});
    }
  }

  core& c_;
  std::uint64_t acked_;
  std::uint64_t latest_seen_ = 0;
  std::uint64_t floor_ = 0;
  std::vector<std::uint64_t> wrong_; ///< stamps of writes that nobody has seen, in order
  std::vector<std::uint64_t> right_; ///< what each of them becomes
  std::vector<std::pair<tracked_table*, std::int64_t>> rows_;
};

} // namespace

std::uint64_t correct_own_stamps(core& c, std::uint64_t acked, std::int64_t true_now_ms, std::int64_t ahead_ms) {
  const auto is_right = [&] {
    const auto ms_max = true_now_ms + limits::hlc_future_ms_max;
    return c.hlc <= messages::hlc_of_ms(ms_max) && c.meta("clock_ms") <= ms_max;
  };
  {
    core_transaction reading{c, transaction::kind::read};
    if (is_right())
      return 0;
  }
  core_transaction writing{c, transaction::kind::write};
  const auto result = restamper{c, acked}.run(true_now_ms, ahead_ms);
  c.set_meta("clock_ms", true_now_ms);
  writing.commit();
  return result;
}

} // namespace tandem::storage
