#include "tests/simulation/world.hpp"

#include <chrono>
#include <stdexcept>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include "bridge/loopback.hpp"

namespace tandem::tests {
namespace {

constexpr auto create_tasks = "CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT, done INTEGER DEFAULT 0)";
constexpr std::int64_t begin_ms = 1'700'000'000'000;
constexpr std::size_t steps_each_round = 1'000;
// A deterministic round needs an end even if actors feed each other.
constexpr std::size_t jobs_each_round = 10'000;

caf::actor_system_config& for_tests(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("testing"));
  return config;
}

} // namespace

struct node_place {
  std::string name;
  std::string path;
  bool adopts = false;
  std::vector<std::string> peers;
  std::unique_ptr<plain_database> database;
  std::unique_ptr<bridge::loopback_network> network;
  std::unique_ptr<bridge::listener> listener;
  std::unique_ptr<actors::crew> crew;
};

struct world::implementation {
  explicit implementation(std::uint64_t given) : seed{given}, links{given}, system{for_tests(config)} {}

  test_folder folder;
  const std::uint64_t seed;
  std::uint64_t starts = 0;
  bridge::loopback_world links;
  caf::actor_system_config config;
  caf::actor_system system;
  std::int64_t passed_ms = 0;
  std::vector<std::unique_ptr<node_place>> nodes;

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  storage::replica_options replica_options() {
    storage::replica_options result;
    result.now_ms = [this] {
      return begin_ms + passed_ms;
    };
    result.steady_us = [this] {
      return passed_ms * 1'000;
    };
    result.durable = false;
    result.hint_times = false;
    return result;
  }
  void run_jobs() {
    for (std::size_t i = 0; i < jobs_each_round && scheduler().try_run_once(); ++i) {
    }
  }
};

world::world(std::uint64_t seed) : implementation_{std::make_unique<implementation>(seed)} {}

world::~world() {
  for (std::size_t i = 0; i < implementation_->nodes.size(); ++i)
    stop(i);
}

std::size_t world::add_node(const std::string& name, bool is_tracked, const std::vector<std::string>& peers) {
  auto& self = *implementation_;
  auto place = std::make_unique<node_place>();
  place->name = name;
  place->path = self.folder.file(name + ".db");
  place->adopts = !is_tracked;
  place->peers = peers;
  if (is_tracked)
    make_tracked(place->path, create_tasks, "tasks", self.replica_options());
  else {
    auto how = self.replica_options();
    how.mode = storage::open_mode::create;
    storage::replica::open(place->path, how);
  }
  place->database = std::make_unique<plain_database>(place->path);
  self.nodes.push_back(std::move(place));
  return self.nodes.size() - 1;
}

void world::start(std::size_t node) {
  auto& self = *implementation_;
  auto& place = *self.nodes.at(node);
  actors::crew_options options;
  options.path = place.path;
  options.replica = self.replica_options();
  options.adopts = place.adopts;
  options.name = place.name;
  options.peers = place.peers;
  options.seed = self.seed * 1'000 + ++self.starts;
  options.writers = actors::threading::pooled;
  place.network = self.links.make_network();
  place.crew = std::make_unique<actors::crew>(self.system, *place.network, options);
  self.run_jobs();
  place.listener = place.network->listen({place.name, 1, {}}, place.crew->on_accept());
}

void world::stop(std::size_t node) {
  auto& place = *implementation_->nodes.at(node);
  if (!place.crew)
    return;
  place.listener->stop();
  place.crew->stop();
  while (place.crew->ended().wait_for(std::chrono::seconds{0}) != std::future_status::ready)
    implementation_->run_jobs();
  place.network->stop();
  implementation_->run_jobs();
  place.listener.reset();
  place.crew.reset();
  place.network.reset();
}

plain_database& world::database(std::size_t node) {
  return *implementation_->nodes.at(node)->database;
}

void world::write(std::size_t node, const std::string& sql) {
  database(node).run(sql);
  if (const auto& crew = implementation_->nodes.at(node)->crew)
    crew->ring();
}

actors::crew& world::crew(std::size_t node) {
  return *implementation_->nodes.at(node)->crew;
}

void world::cut() {
  implementation_->links.cut();
}
void world::block(const std::string& name) {
  implementation_->links.block(name);
}
void world::set_reading(std::size_t node, bool reads) {
  implementation_->nodes.at(node)->network->set_reading(reads);
}
void world::unblock(const std::string& name) {
  implementation_->links.unblock(name);
}

std::size_t world::bytes_under_way() const {
  return implementation_->links.bytes_under_way();
}

void world::step(std::int64_t ms) {
  auto& self = *implementation_;
  self.run_jobs();
  self.links.run(steps_each_round);
  self.run_jobs();
  self.passed_ms += ms;
  self.scheduler().advance_time(std::chrono::milliseconds{ms});
}

bool world::run_until(const std::function<bool()>& is_so, std::int64_t ms) {
  for (const auto end = now_ms() + ms; now_ms() < end; step())
    if (is_so())
      return true;
  return is_so();
}

bool world::is_level() {
  constexpr auto all = "SELECT group_concat(id || title || done, ';') FROM (SELECT * FROM tasks ORDER BY id)";
  std::string first;
  bool has_first = false;
  try {
    for (const auto& place : implementation_->nodes) {
      if (!place->crew)
        continue;
      const auto rows = place->database->ask(all);
      if (has_first && rows != first)
        return false;
      first = rows;
      has_first = true;
    }
  } catch (const std::runtime_error&) { // A table that has not come yet.
    return false;
  }
  return true;
}

std::int64_t world::now_ms() const {
  return begin_ms + implementation_->passed_ms;
}

} // namespace tandem::tests
