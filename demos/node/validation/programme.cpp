#include "demos/node/validation/programme.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>
#include <string>
#include <thread>

#include <sqlite3.h>

#include "demos/node/demo/story.hpp"
#include "demos/node/validation/yardstick.hpp"
#include "messages/failure.hpp"
#include "storage/replica.hpp"

namespace tandem::node {

namespace {

struct measurement {
  const char* what;
  void (*make)(field&, effort, validation&);
  int rounds = validation_rounds; ///< in how many of them it is made
};

/// What a machine does besides differs from one round to the next: made again and again, on nodes started anew. What
/// takes long to begin with is made in fewer rounds.
constexpr int few_rounds = validation_rounds / 2;
constexpr std::array programme{
    measurement{"the app's own writes, beside plain SQLite", measure_writes},
    measurement{"latency from commit to commit", measure_latency},
    measurement{"latency while an app writes without a pause", measure_busy_latency},
    measurement{"throughput through the hub", measure_throughput},
    measurement{"large values", measure_large_values},
    measurement{"stamping, extracting, merging, beside plain SQLite", measure_core},
    measurement{"bytes on the wire", measure_wire, few_rounds},
    measurement{"requests within one process", measure_in_process},
    measurement{"a page's ways to its data", measure_ways, few_rounds},
    measurement{"four programs that write at once", measure_concurrency},
    measurement{"a node's memory", measure_memory},
    measurement{"recovery from a killed hub", measure_recovery},
    measurement{"stress: four programs on two devices, the hub killed and frozen again and again", measure_stress,
                few_rounds},
};

/// What the settings of a node may change, and what is measured quickly enough to be made again and again.
constexpr std::array compared{
    measurement{"latency from commit to commit", measure_latency},
    measurement{"latency while an app writes without a pause", measure_busy_latency},
    measurement{"throughput through the hub", measure_throughput},
};

monitor::machine this_machine() {
  monitor::machine result;
  result.cores = std::thread::hardware_concurrency();
  result.sqlite = sqlite3_libversion();
  result.program = TANDEM_VERSION;
  std::ifstream about{"/proc/cpuinfo"};
  for (std::string line; std::getline(about, line) && result.processor.empty();) {
    if (line.starts_with("model name") && line.find(": ") != std::string::npos) {
      result.processor = line.substr(line.find(": ") + 2);
    }
  }
  return result;
}

} // namespace

namespace {

class maker {
public:
  explicit maker(const programme_options& options) : options_{options} {}

  /// Makes what is to be made in this of `rounds` rounds, and adds to the report; says what comes next. What could not
  /// be made once is not tried again: some take long to fail.
  void make_round(std::span<const measurement> what, int round, int rounds, const std::string& who, field& on,
                  validation& into) {
    yardstick machine{on.fresh_path("yardstick")};
    for (const auto& each : what) {
      const auto interval = rounds / std::min(rounds, each.rounds);
      if (round % interval != 0 || failed_.contains(each.what)) {
        continue;
      }
      if (options_.on_progress) {
        options_.on_progress(each.what + who + ", round " + std::to_string(round / interval) + " of " +
                             std::to_string(rounds / interval));
      }
      try {
        machine.lay_on(into);
        each.make(on, {options_.much.share * interval / rounds}, into);
      } catch (const std::exception& problem) {
        failed_.insert(each.what);
        into.omissions.push_back({each.what, problem.what()});
      }
    }
  }

private:
  const programme_options& options_;
  std::set<std::string> failed_;
};

} // namespace

validation run_programme(const programme_options& options) {
  validation result;
  result.time_ms = storage::system_clock_ms();
  result.machine = this_machine();
  result.effort = options.much.share;
  result.database = options.original.empty() ? "" : std::filesystem::canonical(options.original).string();
  const stopwatch time;
  maker making{options};
  for (int round = 1; round <= validation_rounds; ++round) {
    validation found;
    try {
      field here{options.original};
      making.make_round(programme, round, validation_rounds, "", here, found);
    } catch (const messages::failure& problem) {
      found.omissions.push_back({"everything in round " + std::to_string(round), problem.what()});
    }
    add_round(result, found);
  }
  result.seconds = time.ms() / 1'000;
  return result;
}

comparison compare_settings(const programme_options& options, const std::vector<std::string>& one,
                            const std::vector<std::string>& other) {
  comparison result;
  result.one.machine = result.other.machine = this_machine();
  maker making{options};
  for (int round = 1; round <= comparison_rounds; ++round) {
    // In turns, and who begins changes too: what only gets slower with time strikes both alike.
    for (const bool is_one : {round % 2 == 1, round % 2 == 0}) {
      validation found;
      const stopwatch time;
      field here{options.original, is_one ? one : other};
      making.make_round(compared, round, comparison_rounds, is_one ? ", A" : ", B", here, found);
      if (!found.omissions.empty()) {
        throw messages::failure{messages::failure_code::busy,
                                found.omissions.front().what + " can't be measured: " + found.omissions.front().why};
      }
      auto& into = is_one ? result.one : result.other;
      add_round(into, found);
      into.seconds += time.ms() / 1'000;
    }
  }
  return result;
}

} // namespace tandem::node
