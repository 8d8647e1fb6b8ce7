#include "demos/node/validation/programme.hpp"

#include <array>
#include <fstream>
#include <span>
#include <thread>

#include <sqlite3.h>

#include "demos/node/demo/story.hpp"
#include "messages/failure.hpp"
#include "storage/replica.hpp"

namespace tandem::node {

namespace {

struct measurement {
  const char* what;
  void (*make)(field&, effort, validation&);
};

/// What the machine does meanwhile differs from one round to the next: made again in each, on nodes started anew.
constexpr std::array repeated{
    measurement{"the app's own writes, beside plain SQLite", measure_writes},
    measurement{"latency from commit to commit", measure_latency},
    measurement{"latency while an app writes without a pause", measure_busy_latency},
    measurement{"throughput through the hub", measure_throughput},
    measurement{"large values", measure_large_values},
};
constexpr std::array once{
    measurement{"requests within one process", measure_in_process},
    measurement{"a page's ways to its data", measure_ways},
    measurement{"four programs that write at once", measure_concurrency},
    measurement{"a node's memory", measure_memory},
    measurement{"recovery from a killed hub", measure_recovery},
    measurement{"stress: four programs on two devices, the hub killed and frozen again and again", measure_stress},
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

/// Adds to the report; says what comes next.
void make_all(std::span<const measurement> what, field& on, effort much, validation& into,
              const std::function<void(const std::string&)>& on_progress, const std::string& where) {
  for (const auto& each : what) {
    if (on_progress) {
      on_progress(std::string{each.what} + where);
    }
    try {
      each.make(on, much, into);
    } catch (const messages::failure& problem) {
      into.omissions.push_back({each.what, problem.what()});
    }
  }
}

} // namespace

validation run_programme(const programme_options& options) {
  validation result;
  result.time_ms = storage::system_clock_ms();
  result.machine = this_machine();
  const stopwatch time;
  const effort of_each{options.much.share / validation_rounds};
  for (int round = 1; round <= validation_rounds; ++round) {
    validation found;
    try {
      field here{options.original};
      make_all(repeated, here, of_each, found, options.on_progress,
               ", round " + std::to_string(round) + " of " + std::to_string(validation_rounds));
      if (round == validation_rounds) {
        make_all(once, here, options.much, found, options.on_progress, "");
      }
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
  for (int round = 1; round <= comparison_rounds; ++round) {
    // In turns, and who begins changes too: what only gets slower with time strikes both alike.
    for (const bool is_one : {round % 2 == 1, round % 2 == 0}) {
      validation found;
      field here{options.original, is_one ? one : other};
      make_all(compared, here, {options.much.share / comparison_rounds}, found, options.on_progress,
               ", " + std::string{is_one ? "A" : "B"} + ", round " + std::to_string(round) + " of " +
                   std::to_string(comparison_rounds));
      if (!found.omissions.empty()) {
        throw messages::failure{messages::failure_code::busy,
                                found.omissions.front().what + " can't be measured: " + found.omissions.front().why};
      }
      add_round(is_one ? result.one : result.other, found);
    }
  }
  return result;
}

} // namespace tandem::node
