#include "demos/node/validation/measures.hpp"

#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "demos/node/demo/story.hpp"
#include "demos/node/validation/app_file.hpp"
#include "demos/node/validation/random_bytes.hpp"
#include "messages/failure.hpp"
#include "monitor/statistics.hpp"

namespace tandem::node {

namespace {

using messages::failure;
using messages::failure_code;
using steady = std::chrono::steady_clock;

constexpr int patience_for_rows_ms = 60'000;
constexpr int rows_per_batch = 100;
const std::string body = "a line of text as notes have them, neither long nor short";

double ms_between(steady::time_point from, steady::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

void must(bool was_written) {
  if (!was_written) {
    throw failure{failure_code::busy, "a write of the app was not taken"};
  }
}

void add(validation& into, const std::string& name, double value, std::vector<double> samples = {}) {
  into.figures.push_back({name, "", value, std::move(samples)});
}

double batch_ms(app_file& app, std::int64_t first) {
  const stopwatch time;
  app.execute("BEGIN IMMEDIATE");
  for (int i = 0; i < rows_per_batch; ++i) {
    must(app.insert(first + i, body));
  }
  app.execute("COMMIT");
  return time.ms();
}

std::vector<double> ratios(const std::vector<double>& tracked, const std::vector<double>& plain) {
  const auto base = monitor::median(plain);
  std::vector<double> result;
  for (const auto each : tracked) {
    result.push_back(each / base);
  }
  return result;
}

} // namespace

void measure_writes(field& on, effort much, validation& into) {
  app_file plain{on.plain_file()};
  plain.create_table();
  app_file tracked{on.near.file};
  std::vector<double> plain_ms;
  std::vector<double> tracked_ms;
  for (int round = 0; round < much.of(60); ++round) {
    const auto first = on.take_ids(rows_per_batch);
    plain_ms.push_back(batch_ms(plain, first));
    tracked_ms.push_back(batch_ms(tracked, first));
  }
  on.wait_until_level(patience_for_rows_ms);
  const auto batches = ratios(tracked_ms, plain_ms);
  add(into, "tracked_batches", monitor::median(batches), batches);

  plain_ms.clear();
  tracked_ms.clear();
  std::vector<double> rates;
  for (int round = 0; round < much.of(1'000); ++round) {
    const auto id = on.take_ids(1);
    for (auto [app, times] : {std::pair{&plain, &plain_ms}, std::pair{&tracked, &tracked_ms}}) {
      const stopwatch time;
      must(app->insert(id, body));
      times->push_back(time.ms());
    }
    rates.push_back(1'000 / tracked_ms.back());
  }
  on.wait_until_level(patience_for_rows_ms);
  const auto singles = ratios(tracked_ms, plain_ms);
  add(into, "tracked_singles", monitor::median(singles), singles);
  into.figures.push_back({"operations", "process", monitor::median(rates), rates});
}

namespace {

/// Milliseconds from each of `count` commits on one device to its row being readable on the other.
std::vector<double> delays_of(field& on, std::size_t count, std::chrono::milliseconds between) {
  constexpr auto look = std::chrono::microseconds{100};
  const auto first = on.take_ids(static_cast<std::int64_t>(count));
  app_file writer{on.near.file};
  app_file reader{on.far.file};
  std::vector<steady::time_point> committed(count);
  std::vector<steady::time_point> seen(count);
  std::atomic<bool> is_over{false};
  std::string trouble; // of the watching thread; read when it has ended
  std::thread watcher{[&] {
    const auto deadline = steady::now() + std::chrono::milliseconds{patience_for_rows_ms};
    try {
      for (std::size_t next = 0; next < count && steady::now() < deadline && !is_over;) {
        const auto last = reader.number("SELECT max(id) FROM validation") - first;
        const auto now = steady::now();
        for (; last >= 0 && next < count && next <= static_cast<std::size_t>(last); ++next) {
          seen[next] = now;
        }
        std::this_thread::sleep_for(look);
      }
    } catch (const failure& problem) {
      trouble = problem.what();
    }
  }};
  bool was_written = true;
  for (std::size_t i = 0; i < count && was_written; ++i) {
    std::this_thread::sleep_for(between);
    was_written = writer.insert(first + static_cast<std::int64_t>(i), body);
    committed[i] = steady::now();
  }
  is_over = !was_written;
  watcher.join();
  must(was_written);
  if (!trouble.empty()) {
    throw failure{failure_code::storage, trouble};
  }
  std::vector<double> delays;
  for (std::size_t i = 0; i < count; ++i) {
    if (seen[i] == steady::time_point{}) {
      throw failure{failure_code::busy, "a row did not reach the other device within a minute"};
    }
    delays.push_back(std::max(0.0, ms_between(committed[i], seen[i])));
  }
  return delays;
}

} // namespace

void measure_latency(field& on, effort much, validation& into) {
  constexpr std::chrono::milliseconds between{10};
  const auto delays = delays_of(on, static_cast<std::size_t>(much.of(400)), between);
  add(into, "sync_latency_p50", monitor::median(delays), delays);
  add(into, "sync_latency_p99", monitor::quantile(delays, 0.99));
}

void measure_busy_latency(field& on, effort much, validation& into) {
  constexpr std::chrono::milliseconds between{1};
  const auto delays = delays_of(on, static_cast<std::size_t>(much.of(1'000)), between);
  add(into, "busy_latency_p50", monitor::median(delays), delays);
}

void measure_throughput(field& on, effort much, validation& into) {
  const auto bursts = much.of(5);
  constexpr int batches = 40;
  app_file writer{on.near.file};
  app_file reader{on.far.file};
  std::vector<double> rates;
  for (int round = 0; round < bursts; ++round) {
    const auto first = on.take_ids(std::int64_t{batches} * rows_per_batch);
    const stopwatch time;
    for (int batch = 0; batch < batches; ++batch) {
      batch_ms(writer, first + std::int64_t{batch} * rows_per_batch);
    }
    const auto last = first + std::int64_t{batches} * rows_per_batch - 1;
    wait_for([&] { return reader.number("SELECT max(id) FROM validation") >= last; }, "the last row of a burst",
             patience_for_rows_ms);
    rates.push_back(batches * rows_per_batch * 1'000.0 / time.ms());
  }
  add(into, "throughput", monitor::median(rates), rates);
}

void measure_large_values(field& on, effort much, validation& into) {
  constexpr std::size_t large_bytes = 3'000'000;
  app_file writer{on.near.file};
  app_file reader{on.far.file};
  std::vector<double> times;
  for (int round = 0; round < much.of(5); ++round) {
    const auto id = on.take_ids(1);
    const auto large = random_bytes(large_bytes, static_cast<std::uint64_t>(id));
    const stopwatch time;
    must(writer.insert_blob(id, large));
    wait_for([&] { return reader.number("SELECT max(id) FROM validation") >= id; }, "a large value",
             patience_for_rows_ms);
    times.push_back(time.ms());
    if (reader.bytes("SELECT body FROM validation WHERE id = " + std::to_string(id)) != large) {
      throw failure{failure_code::storage, "a value of 3 MB is another one at the far end"};
    }
  }
  add(into, "large_value", monitor::median(times), times);
}

void measure_concurrency(field& on, effort much, validation& into) {
  constexpr int writers = 4;
  const auto each_writes = much.of(500);
  const auto first = on.take_ids(std::int64_t{writers} * each_writes);
  std::atomic<int> failed{0};
  const stopwatch time;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      try {
        app_file app{on.near.file};
        for (int i = 0; i < each_writes; ++i) {
          failed += !app.insert(first + std::int64_t{writer} * each_writes + i, body);
        }
      } catch (const failure&) {
        failed += each_writes;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const auto seconds = time.ms() / 1'000;
  if (failed > 0) {
    throw failure{failure_code::busy, std::to_string(failed) + " writes were not taken"};
  }
  on.wait_until_level(patience_for_rows_ms);
  const auto rate = writers * each_writes / seconds;
  add(into, "concurrent_writes", rate, {rate});
}

void measure_memory(field& on, effort /*much*/, validation& into) {
  std::ifstream status{"/proc/" + std::to_string(on.near.node.id()) + "/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) {
      std::istringstream numbers{line.substr(line.find(':') + 1)};
      double kilobytes = 0;
      numbers >> kilobytes;
      const auto megabytes = kilobytes / 1'024;
      add(into, "memory", megabytes, {megabytes});
      return;
    }
  }
  throw failure{failure_code::not_found, "this system does not tell what a process holds (/proc/PID/status, RssAnon)"};
}

void measure_recovery(field& on, effort much, validation& into) {
  app_file writer{on.near.file};
  app_file reader{on.far.file};
  std::vector<double> times;
  for (int round = 0; round < much.of(3); ++round) {
    on.kill_hub();
    const auto id = on.take_ids(1);
    must(writer.insert(id, body));
    const stopwatch time;
    on.start_hub();
    wait_for([&] { return reader.number("SELECT max(id) FROM validation") >= id; }, "the first edit after a crash",
             patience_for_rows_ms);
    times.push_back(time.ms());
  }
  add(into, "recovery", monitor::median(times), times);
}

} // namespace tandem::node
