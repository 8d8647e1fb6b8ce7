#include "monitor/advice.hpp"

#include <algorithm>
#include <array>
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

/// What a missed figure comes from, and what helps.
struct remedy {
  std::string_view name;
  std::string_view cause;
  std::string_view step;
};

/// In order of weight.
constexpr std::array remedies{
    remedy{"integrity", "rows differ, or a write was lost: that must never be",
           "keep the files, run `tandem verify` on each and `tandem repair`, and report it"},
    remedy{"page_integrity", "a value came back to the page as another: that must never be",
           "keep the database, and report it with this report"},
    remedy{"stress_success", "the app's writes were not taken: the file was locked for longer than they wait",
           "give the app's connections a busy timeout of 5 s and keep its transactions short"},
    remedy{"page_stress",
           "the node refused what the page asked for: it takes 64 queries and 256 writes of one at a time",
           "ask for less at once, and put writes that belong together into one `execute`"},
    remedy{"sync_latency_p50", "every hop commits with fsync before it passes an edit on",
           "put the hub's database on a faster disk"},
    remedy{"sync_latency_p99",
           "one edit in a hundred waits much longer than the others: for a disk's fsync, or for a busy core",
           "look at the disk (fsync time) and at what else runs on this machine; then measure again"},
    remedy{"busy_latency_p50", "edits wait for the batches before them, which the nodes commit one after the other",
           "look at the hub's /monitor for the slowest station, and write in larger transactions"},
    remedy{"throughput", "every row is committed three times on this one machine: here, at the hub, there",
           "write in transactions of some hundred rows; on machines of their own the three share the work"},
    remedy{"operations", "each transaction waits for the file's write lock and for its own commit",
           "write several rows a transaction, and put the database on a faster disk"},
    remedy{"concurrent_writes", "programs that write at once wait for each other: SQLite has one writer at a time",
           "let them write several rows a transaction, begun with BEGIN IMMEDIATE, and with a busy timeout"},
    remedy{"tracked_batches", "each written row appends a hint to the capture table",
           "leave tables that need not sync untracked"},
    remedy{"tracked_singles", "with one row a transaction the commit's fixed cost is most of it",
           "write several rows a transaction where the app can"},
    remedy{"stamping", "each row's metadata and log entry are written beside it, and made durable",
           "put the database on a faster disk, and write in larger transactions"},
    remedy{"extracting", "each change is joined with its row's current values, and compressed",
           "give SQLite's file more memory to be cached in, and narrow the columns that one update touches"},
    remedy{"merging", "each row is compared with what is here, written with its metadata and logged",
           "put the database on a faster disk, and drop indexes of the app that nothing asks for"},
    remedy{"wire_alone", "every edit leaves in a bundle of its own, with the bundle's header and its answer",
           "lengthen the batch window (`serve --batch-window-ms`) where edits may wait, so that they share a bundle"},
    remedy{"wire_bulk", "keys that do not look alike compress badly, and they are most of what is sent",
           "use short keys that count up, and update in larger transactions"},
    remedy{"memory", "a node keeps caches of the rows in work and of SQLite's pages",
           "run one node for each database, and `tandem status` to see what waits for peers"},
    remedy{"recovery", "a device calls a lost hub again after a pause that grows",
           "call `hint()` of the runtime, or restart the node, to have it call at once"},
    remedy{"page_round_trip_p50", "the page's requests wait for its own thread or for a busy core",
           "keep long work off the page's thread, and measure again at rest"},
    remedy{"page_round_trip_p99", "one request in a hundred waits: for the page's own thread, or for a busy core",
           "keep long work off the page's thread, and measure again at rest"},
    remedy{"page_bare_ratio", "packing the request and the node's answer take longer than the way itself",
           "ask for several things in one request, and measure again at rest"},
    remedy{"page_queries", "each query costs the page a message there and one back",
           "ask for more rows in one query, and take the way that does best here"},
    remedy{"page_write_p50", "each write is a transaction that is durable before it is answered",
           "put the database on a faster disk, and show the write before its answer (SyncManager)"},
    remedy{"page_writes", "each write is a transaction that is durable before it is answered",
           "put several statements into one `execute`"},
    remedy{"page_sync_p50", "a live query is asked again after the commit, and pages draw once a frame",
           "look at /monitor for the slowest station, and keep live queries narrow, with an index"},
    remedy{"page_sync_p99", "one change in a hundred waits for a frame, a disk or a busy core",
           "look at /monitor for the slowest station, and keep live queries narrow, with an index"},
    remedy{"page_transfer", "a large result is packed, sent in pieces and unpacked by the page",
           "ask for the columns and rows that are shown (LIMIT), and take the way that does best here"},
    remedy{"page_recovery", "what came before the error is still being answered",
           "measure again at rest; if it stays, report it with this report"},
    remedy{"page_memory", "the page holds the rows of its live queries",
           "close live queries that are not shown, and ask for fewer rows"},
};

std::string bound_in_words(const figure& seen, const target& wanted, const char* name,
                           const std::optional<double>& bound) {
  if (!bound)
    return {};
  const auto factor = times_better(seen.value, bound, wanted.better);
  const bool is_missed = factor && *factor < 1;
  return std::string{", "} + name + " " + rounded(*bound) +
         (is_missed ? " (" + rounded(1 / *factor) + " times worse)" : std::string{});
}

std::string evidence_of(const figure& seen, const target& wanted) {
  return std::string{wanted.title} + (seen.transport.empty() ? "" : " (" + seen.transport + ")") + ": " +
         rounded(seen.value) + " " + std::string{wanted.unit} + bound_in_words(seen, wanted, "floor", wanted.floor) +
         bound_in_words(seen, wanted, "goal", wanted.goal);
}

bool is_missed(const figure& each) {
  const auto found = verdict_of(each);
  return found == verdict::below_floor || found == verdict::below_goal;
}

/// The late latency says more than its median where they lie far apart, though it be within its goal.
bool is_ragged(const validation_report& report) {
  constexpr double far_apart = 8;
  const auto* middle = find_figure(report, "sync_latency_p50", "");
  const auto* late = find_figure(report, "sync_latency_p99", "");
  return middle && late && middle->value > 0 && late->value > far_apart * middle->value;
}

void advise_missed(const validation_report& report, std::vector<recommendation>& into) {
  for (const auto& each : remedies)
    for (const auto& seen : report.figures)
      if (seen.name == each.name && (is_missed(seen) || (each.name == "sync_latency_p99" && is_ragged(report))))
        into.push_back({evidence_of(seen, *target_named(seen.name)), std::string{each.cause}, std::string{each.step}});
}

/// Which way a page should take for one operation: all ways of it, held against HTTP.
void advise_way(std::string_view name, const std::vector<way_comparison>& ways, std::vector<recommendation>& into) {
  constexpr double worth_telling = 1.25;
  const auto* wanted = target_named(name);
  const std::string unit{wanted->unit};
  std::string evidence{wanted->title};
  evidence += ": " + rounded(ways.front().by_http) + " " + unit + " by http";
  for (const auto& each : ways)
    evidence +=
        ", " + rounded(each.value) + " by " + each.transport + " (" + rounded(each.times_better) + " times as good)";
  const auto best = std::max_element(ways.begin(), ways.end(), [](const auto& left, const auto& right) {
    return left.times_better < right.times_better;
  });
  if (best->times_better >= worth_telling)
    into.push_back({std::move(evidence), "HTTP asks anew for what the other way brings by itself",
                    "let pages take " + best->transport + " where it is there, as AdaptiveProvider does"});
  else if (best->times_better <= 1 / worth_telling)
    into.push_back({std::move(evidence), "what HTTP brings in one piece comes in pieces by the other ways",
                    "nothing, unless the app's pages live on just that; then let them take HTTP"});
  else
    into.push_back(
        {std::move(evidence), "the ways are alike in this", "nothing: leave the choice to AdaptiveProvider"});
}

void advise_ways(const validation_report& report, std::vector<recommendation>& into) {
  const auto all = compare_ways(report);
  for (const auto& wanted : targets()) {
    std::vector<way_comparison> ways;
    for (const auto& each : all)
      // Code of the node's own process has no choice of ways.
      if (each.name == wanted.name && each.transport != "in_process")
        ways.push_back(each);
    if (!ways.empty())
      advise_way(wanted.name, ways, into);
  }
}

} // namespace

std::vector<recommendation> recommendations(const validation_report& report) {
  std::vector<recommendation> result;
  advise_missed(report, result);
  advise_ways(report, result);
  return result;
}

} // namespace tandem::monitor
