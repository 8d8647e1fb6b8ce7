#include "monitor/advice.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace tandem::monitor {
namespace {

std::string rounded(double value) {
  std::ostringstream text;
  text.precision(3);
  if (value >= 1'000)
    text << std::llround(value);
  else
    text << value;
  return text.str();
}

class adviser {
public:
  explicit adviser(const validation_report& report) : report_{report} {}

  [[nodiscard]] const figure* find(std::string_view name) const {
    const auto found = std::ranges::find(report_.figures, name, &figure::name);
    return found == report_.figures.end() ? nullptr : &*found;
  }
  /// Where the figure misses its floor or goal.
  void where_missed(std::string_view name, std::string_view cause, std::string_view step) {
    const auto* each = find(name);
    if (each && (verdict_of(*each) == verdict::below_floor || verdict_of(*each) == verdict::below_goal))
      add(*each, cause, step);
  }
  void add(const figure& seen, std::string_view cause, std::string_view step) {
    const auto* wanted = target_named(seen.name);
    std::string evidence{wanted->title};
    evidence += ": " + rounded(seen.value) + " " + std::string{wanted->unit};
    if (wanted->goal)
      evidence += ", goal " + rounded(*wanted->goal);
    result.push_back({std::move(evidence), std::string{cause}, std::string{step}});
  }

  std::vector<recommendation> result;

private:
  const validation_report& report_;
};

} // namespace

std::vector<recommendation> recommendations(const validation_report& report) {
  adviser advise{report};
  advise.where_missed("integrity", "rows differ, or a write was lost: that must never be",
                      "keep the files, run `tandem verify` on each and `tandem repair`, and report it");
  advise.where_missed("stress_success",
                      "the app's writes were not taken: the file was locked for longer than they wait",
                      "give the app's connections a busy timeout of 5 s and keep its transactions short");
  const auto* middle = advise.find("sync_latency_p50");
  const auto* late = advise.find("sync_latency_p99");
  if (middle && late && middle->value > 0 && late->value > 8 * middle->value)
    advise.add(*late, "one edit in a hundred waits much longer than the others: for a disk's fsync, or for a busy core",
               "look at the disk (fsync time) and at what else runs on this machine; then measure again");
  else
    advise.where_missed("sync_latency_p50", "every hop commits with fsync before it passes an edit on",
                        "put the hub's database on a faster disk");
  advise.where_missed("throughput", "every row is committed three times on this one machine: here, at the hub, there",
                      "write in transactions of some hundred rows; on machines of their own the three share the work");
  advise.where_missed("tracked_batches", "each written row appends a hint to the capture table",
                      "leave tables that need not sync untracked");
  advise.where_missed("tracked_singles", "with one row a transaction the commit's fixed cost is most of it",
                      "write several rows a transaction where the app can");
  advise.where_missed("memory", "a node keeps caches of the rows in work and of SQLite's pages",
                      "run one node for each database, and `tandem status` to see what waits for peers");
  advise.where_missed("recovery", "a device calls a lost hub again after a pause that grows",
                      "call `hint()` of the runtime, or restart the node, to have it call at once");
  return advise.result;
}

} // namespace tandem::monitor
