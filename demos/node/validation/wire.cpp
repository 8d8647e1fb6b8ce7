// How many bytes leave a device for an update of one column: TCP payload, with all that goes with it. A road that
// counts lies between a device and a hub of their own.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "demos/node/validation/measures.hpp"
#include "demos/node/validation/relay.hpp"
#include "demos/node/validation/task_file.hpp"
#include "messages/failure.hpp"

namespace tandem::node {

namespace {

constexpr int patience_ms = 20'000;

std::string ready_line(process& node) {
  auto line = node.wait_for_line("ready", patience_ms);
  if (line.empty()) {
    throw messages::failure{messages::failure_code::busy, "a node does not come up:\n" + node.last_words()};
  }
  return line;
}

/// Of "ready ws://127.0.0.1:7420/".
std::uint16_t port_of(const std::string& ready) {
  return static_cast<std::uint16_t>(std::stoul(ready.substr(ready.rfind(':') + 1)));
}

/// What was sent once nothing more is.
std::uint64_t sent_in_all(const counting_relay& road) {
  constexpr std::chrono::milliseconds quiet{100};
  auto last = road.sent();
  auto since = std::chrono::steady_clock::now();
  wait_for(
      [&] {
        if (const auto now = road.sent(); now != last) {
          last = now;
          since = std::chrono::steady_clock::now();
        }
        return std::chrono::steady_clock::now() - since >= quiet;
      },
      "that a device has nothing more to send", patience_ms);
  return last;
}

} // namespace

void measure_wire(field& on, effort much, validation& into) {
  constexpr int rows_max = 40'000;
  constexpr int rows_min = 2'000; // so that it is in bulk
  const auto rows = make_tasks(std::max(rows_min, much.of(rows_max)));
  const auto alone = std::min(static_cast<int>(rows.size()), much.of(100));
  const auto near_file = on.tracked_file("wire-near.db", create_tasks_sql);
  const auto hub_file = on.fresh_path("wire-hub.db");
  process hub{
      {own_program(), "serve", hub_file.string(), "--listen", "127.0.0.1:0"}, on.fresh_path("wire-hub.log"), false};
  const counting_relay road{port_of(ready_line(hub))};
  process near{
      {own_program(), "serve", near_file.string(), "--peer", road.url()}, on.fresh_path("wire-near.log"), false};
  ready_line(near);
  task_file here{near_file};
  here.upsert(rows);
  app_file there{hub_file};
  const auto there_has = [&](std::int64_t priority, std::size_t count) {
    return there.number("SELECT count(*) FROM sqlite_schema WHERE name = 'tasks'") > 0 &&
           there.number("SELECT count(*) FROM tasks WHERE priority = " + std::to_string(priority)) ==
               static_cast<std::int64_t>(count);
  };
  const auto wait_until_there = [&](std::int64_t priority, std::size_t count) {
    wait_for([&] { return there_has(priority, count); }, "that the hub has every update", patience_ms);
  };
  constexpr std::int64_t first = 1; // of `upsert`
  constexpr std::int64_t second = 2;
  constexpr std::int64_t third = 3;
  wait_until_there(first, rows.size());
  const auto add = [&](const char* name, std::uint64_t bytes, std::size_t updates) {
    const auto each = static_cast<double>(bytes) / static_cast<double>(updates);
    into.figures.push_back({name, "", each, {each}});
  };

  auto before = sent_in_all(road);
  for (int i = 0; i < alone; ++i) {
    here.prioritize(rows[static_cast<std::size_t>(i)], second);
    wait_until_there(second, static_cast<std::size_t>(i) + 1);
  }
  auto after = sent_in_all(road);
  add("wire_alone", after - before, static_cast<std::size_t>(alone));

  before = after;
  here.prioritize(rows, third);
  wait_until_there(third, rows.size());
  after = sent_in_all(road);
  add("wire_bulk", after - before, rows.size());
  near.end(SIGTERM);
  hub.end(SIGTERM);
}

} // namespace tandem::node
