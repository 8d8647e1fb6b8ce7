// Two devices write to the same rows while the hub dies again and again. Every write must be taken at once, and every
// row must be the same everywhere in the end, with the latest write of one of both in it.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "demos/node/demo/story.hpp"
#include "demos/node/validation/app_file.hpp"
#include "demos/node/validation/measures.hpp"
#include "messages/failure.hpp"

namespace tandem::node {

namespace {

using messages::failure;
using messages::failure_code;

constexpr int rows = 200;
constexpr int level_ms = 60'000;

/// What one device did: writes that were taken, and the last revision that it gave each row.
struct writer_report {
  std::uint64_t tried = 0;
  std::uint64_t taken = 0;
  std::map<std::int64_t, std::int64_t> last;
};

/// Revisions name their device: even numbers are one's, odd ones the other's.
writer_report write_until(const std::atomic<bool>& is_over, const std::filesystem::path& file, std::int64_t first,
                          int device) {
  writer_report result;
  app_file app{file};
  for (std::int64_t revision = 1; !is_over; ++revision) {
    const auto id = first + (revision * 7 + device * 3) % rows;
    ++result.tried;
    if (app.update(id, 2 * revision + device)) {
      ++result.taken;
      result.last[id] = 2 * revision + device;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return result;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

/// How many rows are equal on all three, and hold what one of both wrote last to them.
std::uint64_t sound_rows(field& on, std::int64_t first, const std::vector<writer_report>& reports) {
  app_file hub{on.hub.file};
  app_file near{on.near.file};
  app_file far{on.far.file};
  std::uint64_t result = 0;
  for (auto id = first; id < first + rows; ++id) {
    const auto read = "SELECT revision FROM validation WHERE id = " + std::to_string(id);
    const auto shown = hub.number(read);
    const auto is_last = [&](const writer_report& each) {
      const auto found = each.last.find(id);
      return found != each.last.end() && found->second == shown;
    };
    const bool is_untouched =
        shown == 0 && std::ranges::none_of(reports, [&](const auto& each) { return each.last.contains(id); });
    result += near.number(read) == shown && far.number(read) == shown &&
              (is_untouched || std::ranges::any_of(reports, is_last));
  }
  return result;
}

} // namespace

void measure_stress(field& on, effort much, validation& into) {
  const auto first = on.take_ids(rows);
  {
    app_file app{on.near.file};
    for (int i = 0; i < rows; ++i) {
      app.insert(first + i, "stress");
    }
  }
  on.wait_until_level(level_ms);
  std::atomic<bool> is_over{false};
  std::vector<writer_report> reports(2);
  std::mutex mutex;
  std::string trouble;
  std::vector<std::thread> writers;
  for (int device = 0; device < 2; ++device) {
    writers.emplace_back([&, device] {
      try {
        reports[static_cast<std::size_t>(device)] =
            write_until(is_over, device == 0 ? on.near.file : on.far.file, first, device);
      } catch (const failure& problem) {
        const std::lock_guard lock{mutex};
        trouble = problem.what();
      }
    });
  }
  try {
    for (int round = 0; round < much.of(6); ++round) {
      std::this_thread::sleep_for(std::chrono::milliseconds{600});
      on.kill_hub();
      std::this_thread::sleep_for(std::chrono::milliseconds{200});
      on.start_hub();
    }
  } catch (const failure& problem) {
    const std::lock_guard lock{mutex};
    trouble = problem.what();
  }
  is_over = true;
  for (auto& each : writers) {
    each.join();
  }
  if (!trouble.empty()) {
    throw failure{failure_code::busy, trouble};
  }
  on.wait_until_level(level_ms);
  into.figures.push_back(
      {"stress_success", "", share(reports[0].taken + reports[1].taken, reports[0].tried + reports[1].tried), {}});
  into.figures.push_back({"integrity", "", share(sound_rows(on, first, reports), rows), {}});
}

} // namespace tandem::node
