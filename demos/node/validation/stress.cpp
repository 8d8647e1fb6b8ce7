// Four programs on two devices update the same rows, insert and delete, while the hub dies and freezes again and again.
// Every write must be taken, those that took long are counted apart, and every row must be the same everywhere in the
// end, with the latest write of one of them in it.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "demos/node/demo/story.hpp"
#include "demos/node/validation/app_file.hpp"
#include "demos/node/validation/measures.hpp"
#include "messages/failure.hpp"

namespace tandem::node {

namespace {

using messages::failure;
using messages::failure_code;

constexpr int rows = 200;
constexpr int writers = 4;
/// Rows that one writer may insert.
constexpr std::int64_t own_rows = 10'000;
/// Every so many steps a writer inserts a row of its own, or deletes one; else it updates one of those that all share.
constexpr std::int64_t insert_each = 8;
constexpr std::int64_t delete_each = 16;
constexpr int level_ms = 60'000;
/// An answer that takes longer is a slow one: people notice it.
constexpr double slow_ms = 100;

/// What one writer did: writes that were taken, and how many of them only after a while, the last revision that it gave
/// each row, and which rows of its own are there.
struct writer_report {
  std::uint64_t tried = 0;
  std::uint64_t taken = 0;
  std::uint64_t slow = 0;
  std::map<std::int64_t, std::int64_t> last;
  std::set<std::int64_t> inserted, deleted;

  /// Makes one write, with a look at the clock.
  template <class Write>
  bool made(Write write) {
    const stopwatch time;
    const bool was_taken = write();
    ++tried;
    taken += was_taken;
    slow += was_taken && time.ms() > slow_ms;
    return was_taken;
  }
};

/// Revisions name their writer by what is left when they are divided by the number of writers.
writer_report write_until(const std::atomic<bool>& is_over, const std::filesystem::path& file, std::int64_t first,
                          int writer) {
  writer_report result;
  app_file app{file};
  auto own = first + rows + writer * own_rows;
  for (std::int64_t revision = 1; !is_over; ++revision) {
    if (revision % insert_each == 0 && result.made([&] { return app.insert(own, "stress"); })) {
      result.inserted.insert(own++);
    }
    if (revision % delete_each == 0 && !result.inserted.empty()) {
      if (const auto id = *result.inserted.begin(); result.made([&] { return app.remove(id); })) {
        result.inserted.erase(id);
        result.deleted.insert(id);
      }
    }
    const auto id = first + (revision * 7 + writer * 3) % rows;
    if (result.made([&] { return app.update(id, writers * revision + writer); })) {
      result.last[id] = writers * revision + writer;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return result;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

/// How many rows are the same on all three as they should be.
struct soundness {
  std::uint64_t sound = 0;
  std::uint64_t all = 0;
  void add(bool is_sound) {
    ++all;
    sound += is_sound;
  }
};

/// Shared rows hold what one of all writers wrote last to them; a writer's own are there, or are not.
soundness look_at_rows(field& on, std::int64_t first, const std::vector<writer_report>& reports) {
  app_file hub{on.hub.file};
  app_file near{on.near.file};
  app_file far{on.far.file};
  soundness result;
  for (auto id = first; id < first + rows; ++id) {
    const auto read = "SELECT revision FROM validation WHERE id = " + std::to_string(id);
    const auto shown = hub.number(read);
    const auto is_last = [&](const writer_report& each) {
      const auto found = each.last.find(id);
      return found != each.last.end() && found->second == shown;
    };
    const bool is_untouched =
        shown == 0 && std::ranges::none_of(reports, [&](const auto& each) { return each.last.contains(id); });
    result.add(near.number(read) == shown && far.number(read) == shown &&
               (is_untouched || std::ranges::any_of(reports, is_last)));
  }
  for (const auto& report : reports) {
    for (const auto* ids : {&report.inserted, &report.deleted}) {
      for (const auto id : *ids) {
        const auto count = "SELECT count(*) FROM validation WHERE id = " + std::to_string(id);
        const std::int64_t wanted = ids == &report.inserted ? 1 : 0;
        result.add(hub.number(count) == wanted && near.number(count) == wanted && far.number(count) == wanted);
      }
    }
  }
  return result;
}

/// In turns the hub dies, which cuts its links, and freezes, so that they hang.
void disturb(field& on, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (const bool dies : {true, false}) {
      std::this_thread::sleep_for(std::chrono::milliseconds{600});
      dies ? on.kill_hub() : on.freeze_hub();
      std::this_thread::sleep_for(std::chrono::milliseconds{200});
      dies ? on.start_hub() : on.thaw_hub();
    }
  }
}

} // namespace

void measure_stress(field& on, effort much, validation& into) {
  const auto first = on.take_ids(rows + writers * own_rows);
  {
    app_file app{on.near.file};
    for (int i = 0; i < rows; ++i) {
      app.insert(first + i, "stress");
    }
  }
  on.wait_until_level(level_ms);
  std::atomic<bool> is_over{false};
  std::vector<writer_report> reports(writers);
  std::mutex mutex;
  std::string trouble;
  const auto guarded = [&](const std::function<void()>& work) {
    try {
      work();
    } catch (const failure& problem) {
      const std::lock_guard lock{mutex};
      trouble = problem.what();
    }
  };
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      guarded([&] {
        reports[static_cast<std::size_t>(writer)] =
            write_until(is_over, writer % 2 == 0 ? on.near.file : on.far.file, first, writer);
      });
    });
  }
  guarded([&] { disturb(on, much.of(4)); });
  is_over = true;
  for (auto& each : threads) {
    each.join();
  }
  if (!trouble.empty()) {
    throw failure{failure_code::busy, trouble};
  }
  on.wait_until_level(level_ms);
  std::uint64_t tried = 0;
  std::uint64_t taken = 0;
  std::uint64_t slow = 0;
  for (const auto& each : reports) {
    tried += each.tried;
    taken += each.taken;
    slow += each.slow;
  }
  const auto add = [&into](const char* name, double percent) {
    into.figures.push_back({name, "", percent, {percent}});
  };
  add("stress_success", share(taken, tried));
  add("stress_slow", share(slow, taken));
  const auto found = look_at_rows(on, first, reports);
  add("integrity", share(found.sound, found.all));
}

} // namespace tandem::node
