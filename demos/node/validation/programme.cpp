#include "demos/node/validation/programme.hpp"

#include <array>
#include <fstream>
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

constexpr std::array measurements{
    measurement{"the app's own writes, beside plain SQLite", measure_writes},
    measurement{"latency from commit to commit", measure_latency},
    measurement{"throughput through the hub", measure_throughput},
    measurement{"large values", measure_large_values},
    measurement{"four programs that write at once", measure_concurrency},
    measurement{"a node's memory", measure_memory},
    measurement{"recovery from a killed hub", measure_recovery},
    measurement{"stress: two devices on the same rows, the hub killed again and again", measure_stress},
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

validation run_programme(const programme_options& options) {
  validation result;
  result.time_ms = storage::system_clock_ms();
  result.machine = this_machine();
  const stopwatch time;
  try {
    field here{options.original};
    for (const auto& each : measurements) {
      if (options.on_progress) {
        options.on_progress(each.what);
      }
      try {
        each.make(here, options.much, result);
      } catch (const messages::failure& problem) {
        result.omissions.push_back({each.what, problem.what()});
      }
    }
  } catch (const messages::failure& problem) {
    result.omissions.push_back({"everything", problem.what()});
  }
  result.seconds = time.ms() / 1'000;
  return result;
}

} // namespace tandem::node
