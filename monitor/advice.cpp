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

/// Which way a page should take, where it makes a difference.
void advise_way(const way_comparison& each, std::vector<recommendation>& into) {
  constexpr double worth_telling = 1.25;
  const bool is_better = each.times_better >= worth_telling;
  if (!is_better && each.times_better > 1 / worth_telling)
    return;
  const auto* wanted = target_named(each.name);
  const std::string unit{wanted->unit};
  into.push_back({std::string{wanted->title} + ": " + rounded(each.value) + " " + unit + " by " + each.transport +
                      ", " + rounded(each.by_http) + " " + unit + " by HTTP",
                  is_better ? "HTTP asks anew for what the other way brings by itself"
                            : "what HTTP brings in one piece comes in pieces there",
                  is_better ? "let pages take " + each.transport + " where it is there, as AdaptiveProvider does"
                            : "nothing, unless the app's pages live on just that; then let them take HTTP"});
}

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
  for (const auto& each : compare_ways(report))
    // Code of the node's own process has no choice of ways.
    if (each.transport != "in_process" &&
        (each.name == "page_round_trip_p50" || each.name == "page_queries" || each.name == "page_transfer"))
      advise_way(each, advise.result);
  return advise.result;
}

} // namespace tandem::monitor
