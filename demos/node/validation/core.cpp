// The storage core by itself, in this process, beside plain SQLite that writes the same rows.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "demos/node/demo/story.hpp"
#include "demos/node/validation/carrying.hpp"
#include "demos/node/validation/measures.hpp"
#include "demos/node/validation/task_file.hpp"
#include "storage/replica.hpp"

namespace tandem::node {

namespace {

struct scratch_replica {
  explicit scratch_replica(const std::filesystem::path& file)
      : app{file}, core{storage::replica::open(file.string(), {})} {
    const std::string tables[] = {"tasks"};
    core.track(tables, {});
    core.stamp_pending();
  }
  task_file app;
  storage::replica core;
};

double ms_of(const std::function<void()>& work) {
  const stopwatch time;
  work();
  return time.ms();
}

/// Milliseconds of each stage.
struct stages {
  double plain = 0;
  double stamp = 0;
  double extract = 0;
  double merge = 0;
};

/// The sender has just written `rows`: plain SQLite writes them too, and the core takes them to the receiver.
void add_stages(task_file& plain, scratch_replica& sender, scratch_replica& receiver, const std::vector<task>& rows,
                stages& into) {
  for (auto* each : {&plain, &sender.app, &receiver.app}) {
    each->settle();
  }
  into.plain += ms_of([&] { plain.upsert(rows); });
  into.stamp += ms_of([&] { sender.core.stamp_pending(); });
  carried_bundle taken;
  into.extract += ms_of([&] { taken = take_bundle(sender.core, receiver.core); });
  into.merge += ms_of([&] { merge_bundle(sender.core, receiver.core, taken); });
}

} // namespace

void measure_core(field& on, effort much, validation& into) {
  constexpr int rows_max = 160'000;
  constexpr int rows_min = 2'000; // fewer would tell of commits, not of rows
  const auto rows = make_tasks(std::max(rows_min, much.of(rows_max)));
  task_file plain{on.fresh_path("core-plain.db")};
  scratch_replica sender{on.fresh_path("core-sender.db")};
  scratch_replica receiver{on.fresh_path("core-receiver.db")};
  stages took;
  sender.app.upsert(rows);
  add_stages(plain, sender, receiver, rows, took);
  sender.app.prioritize(rows, 2);
  add_stages(plain, sender, receiver, rows, took);
  const auto add = [&](const char* name, double ms) {
    into.figures.push_back({name, "", took.plain / ms, {took.plain / ms}});
  };
  add("stamping", took.stamp);
  add("extracting", took.extract);
  add("merging", took.merge);
}

} // namespace tandem::node
