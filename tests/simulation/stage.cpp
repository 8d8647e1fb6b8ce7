#include "tests/simulation/stage.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <sstream>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <sqlite3.h>

#include "actors/preparing.hpp"
#include "messages/failure.hpp"
#include "tests/simulation/tampering.hpp"
#include "tests/simulation/wire.hpp"

namespace tandem::simulation {
namespace {

constexpr std::int64_t begin_ms = 1'700'000'000'000;
// Actors that feed each other without end would let virtual time stand still.
constexpr std::size_t jobs_each_ms = 50'000;
constexpr std::uint16_t port = 1;
// Long waits are passed in longer strides, for little happens in them.
constexpr std::int64_t stride_ms = 25;

caf::actor_system_config& for_simulation(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("testing"));
  return config;
}

/// SQLite's own randomness (salts of a WAL, for one) is one generator for the whole process.
void seed_sqlite(std::uint64_t seed) {
  sqlite3_initialize();
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed & 0x7fff'ffff) | 1, nullptr);
  sqlite3_randomness(0, nullptr);
}

class marker_on_disk final : public actors::marker_place {
public:
  marker_on_disk(disk& where, std::string database) : disk_{where}, database_{std::move(database)} {}

  std::optional<actors::file_mark> read() override {
    std::istringstream text{disk_.read(path()).value_or("")};
    actors::file_mark mark;
    if (text >> mark.site >> mark.epoch >> mark.device >> mark.inode >> mark.head)
      return mark;
    return std::nullopt;
  }
  void write(const actors::file_mark& mark) override {
    std::ostringstream text;
    text << mark.site << ' ' << mark.epoch << ' ' << mark.device << ' ' << mark.inode << ' ' << mark.head;
    if (!disk_.is_dead())
      disk_.write(path(), text.str());
  }
  actors::file_mark mark_now(const storage::identity& self, std::uint64_t head) override {
    return {self.site.to_hex(), self.epoch, 1, disk_.inode_of(database_), head};
  }

private:
  [[nodiscard]] std::string path() const { return actors::marker_path(database_); }
  disk& disk_;
  const std::string database_;
};

struct node_place {
  node_setup setup;
  std::string path;
  std::int64_t clock_offset_ms = 0;
  std::unique_ptr<disk> storage;
  std::unique_ptr<tampering> tap;
  std::unique_ptr<property::app_database> app;
  std::unique_ptr<wire> network;
  std::unique_ptr<bridge::listener> listener;
  std::unique_ptr<actors::crew> crew;
  bool needs_come_back = false;
  death how = death::kill; ///< of the next or the last crash
};

} // namespace

struct stage::implementation {
  implementation(std::uint64_t given, chronicle& history, plant mistake)
      : seed{given}, random{given}, record{history}, planted{mistake}, world{given}, system{for_simulation(config)} {}

  const std::uint64_t seed;
  std::mt19937_64 random;
  chronicle& record;
  const plant planted;
  std::uint64_t starts = 0;
  std::size_t frames_each_ms = 1'000;
  bridge::loopback_world world;
  caf::actor_system_config config;
  caf::actor_system system;
  std::vector<std::unique_ptr<node_place>> nodes;
  std::vector<std::size_t> deaths;
  std::function<void(std::uint64_t)> on_job;

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  std::int64_t slept_ms = 0;
  [[nodiscard]] std::int64_t wall_ms(const node_place& node) {
    return begin_ms + steady_us() / 1'000 + slept_ms + node.clock_offset_ms;
  }
  std::int64_t steady_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(scheduler().clock().now().time_since_epoch()).count();
  }
  storage::replica_options replica_options(const node_place& node);
  std::size_t place(node_setup setup);
  void make_database(node_place& node);
  bool run_one();
  void run_jobs();
  void turn();
  void note_deaths();
  void tear_down(node_place& node);
  void misremember(node_place& node);
};

storage::replica_options stage::implementation::replica_options(const node_place& node) {
  storage::replica_options result;
  result.vfs = node.storage->vfs_name();
  result.busy_wait_ms = 0;
  result.now_ms = [this, &node] {
    return wall_ms(node);
  };
  result.steady_us = [this] {
    return steady_us() + slept_ms * 1'000;
  };
  result.random_bits = [this] {
    return random();
  };
  result.faults = storage_faults_of(planted);
  return result;
}

std::size_t stage::implementation::place(node_setup setup) {
  auto node = std::make_unique<node_place>();
  auto& self = *node;
  self.setup = std::move(setup);
  // Only a name to the simulated disk; its folder is where a bundle of many megabytes would be parked.
  self.path = (std::filesystem::temp_directory_path() / (self.setup.name + ".db")).string();
  self.storage =
      std::make_unique<disk>("tandem-sim-" + self.setup.name, random(), [this, &self] { return wall_ms(self); });
  if (planted == plant::skip_fsync)
    self.storage->ignore_syncs();
  self.tap = std::make_unique<tampering>(self.setup.name, record, planted);
  nodes.push_back(std::move(node));
  return nodes.size() - 1;
}

void stage::implementation::make_database(node_place& node) {
  auto how = replica_options(node);
  if (node.setup.schema.empty()) {
    how.mode = storage::open_mode::create;
    storage::replica::open(node.path, how);
  }
  {
    property::app_database maker{node.path, node.storage->vfs_name()};
    maker.execute("PRAGMA journal_mode = WAL");
    for (const auto& sql : node.setup.schema)
      maker.execute(sql);
  }
  if (!node.setup.schema.empty())
    storage::replica::open(node.path, how).track(node.setup.tables);
}

/// One message of one actor, whose turn it is by chance.
bool stage::implementation::run_one() {
  auto& jobs = scheduler().jobs;
  if (jobs.empty())
    return false;
  const auto chosen = jobs.begin() + static_cast<std::ptrdiff_t>(random() % jobs.size());
  std::rotate(jobs.begin(), chosen, chosen + 1);
  scheduler().try_run_once();
  note_deaths();
  if (on_job)
    on_job(random());
  return true;
}

void stage::implementation::run_jobs() {
  for (std::size_t i = 0; run_one(); ++i)
    if (i >= jobs_each_ms)
      throw violation{"the actors go on and on within one millisecond of virtual time"};
}

void stage::implementation::note_deaths() {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto& node = *nodes[i];
    if (!node.storage->is_dead() || node.needs_come_back)
      continue;
    node.needs_come_back = true;
    if (node.network)
      node.network->pull();
    deaths.push_back(i);
  }
}

void stage::implementation::turn() {
  run_jobs();
  for (std::size_t i = 0; i < frames_each_ms && world.step(); ++i)
    for (auto some = random() % 4; some > 0 && run_one(); --some) {
    }
  run_jobs();
  for (const auto& node : nodes)
    if (node->needs_come_back && node->crew)
      tear_down(*node);
}

void stage::implementation::tear_down(node_place& node) {
  if (node.listener)
    node.listener->stop();
  if (node.storage->is_dead() && node.network)
    node.network->stop();
  if (node.crew) {
    node.crew->stop();
    std::size_t jobs = 0;
    while (node.crew->ended().wait_for(std::chrono::seconds{0}) != std::future_status::ready)
      if (!run_one() || ++jobs > jobs_each_ms)
        throw violation{node.setup.name + " does not stop: an actor is stuck"};
  }
  node.app.reset();
  if (node.network)
    node.network->stop();
  run_jobs();
  node.listener.reset();
  node.crew.reset();
  node.network.reset();
}

/// Mistakes that show when a node starts.
void stage::implementation::misremember(node_place& node) {
  const auto forgets = [&]() -> std::string {
    switch (planted) {
    case plant::forget_clock:
      return "UPDATE tandem_meta SET value = 0 WHERE name = 'hlc'";
    case plant::lose_tombstones:
      return "DELETE FROM tandem_dead";
    case plant::lose_cursor:
      return "UPDATE tandem_peers SET applied = 0";
    default:
      return {};
    }
  }();
  if (!forgets.empty())
    property::app_database{node.path, node.storage->vfs_name()}.attempt(forgets);
}

stage::stage(std::uint64_t seed, chronicle& record, plant planted) {
  seed_sqlite(seed);
  implementation_ = std::make_unique<implementation>(seed, record, planted);
}

stage::~stage() {
  implementation_->on_job = {};
  for (auto& node : implementation_->nodes)
    try {
      implementation_->tear_down(*node);
    } catch (const violation&) {
      // It was found and told before; the system would wait for its actors for ever.
      for (const auto& load : node->crew->loads())
        node->crew->fail(load.where);
      implementation_->run_jobs();
    }
}

std::size_t stage::add(node_setup setup) {
  const auto index = implementation_->place(std::move(setup));
  implementation_->make_database(*implementation_->nodes[index]);
  return index;
}

std::size_t stage::add_copy(node_setup setup, const disk_image& image) {
  const auto index = implementation_->place(std::move(setup));
  auto& node = *implementation_->nodes[index];
  node.storage->restore(node.path, image, false);
  return index;
}

std::size_t stage::size() const {
  return implementation_->nodes.size();
}
const std::string& stage::name(std::size_t node) const {
  return implementation_->nodes.at(node)->setup.name;
}
bool stage::runs(std::size_t node) const {
  return implementation_->nodes.at(node)->crew != nullptr;
}

bool stage::start(std::size_t index) {
  auto& self = *implementation_;
  auto& node = *self.nodes.at(index);
  if (node.crew)
    return true;
  if (node.needs_come_back) {
    node.app.reset();
    node.storage->come_back(node.how == death::power);
    node.needs_come_back = false;
  }
  self.misremember(node);
  actors::crew_options options;
  options.replica = self.replica_options(node);
  marker_on_disk marker{*node.storage, node.path};
  try {
    options.adopts = actors::prepare_replica(node.path, options.replica, marker).adopts;
  } catch (const messages::failure& problem) {
    self.record.note(node.setup.name + " can't start: " + problem.what());
    return false;
  }
  options.path = node.path;
  options.name = node.setup.name;
  if (!node.setup.parent.empty())
    options.peers = {"ws://" + node.setup.parent + ":1/"};
  options.seed = self.seed * 1'000 + ++self.starts;
  options.writers = actors::threading::pooled;
  options.on_new_identity = [&self, &node] {
    marker_on_disk fresh{*node.storage, node.path};
    actors::leave_marker(node.path, self.replica_options(node), fresh);
  };
  node.network = std::make_unique<wire>(self.world.make_network(), *node.tap);
  node.crew = std::make_unique<actors::crew>(self.system, *node.network, options);
  self.run_jobs();
  node.listener = node.network->listen({node.setup.name, port, {}}, node.crew->on_accept());
  return true;
}

void stage::stop(std::size_t index) {
  auto& self = *implementation_;
  auto& node = *self.nodes.at(index);
  if (!node.crew)
    return;
  self.tear_down(node);
  if (node.storage->is_dead())
    return;
  marker_on_disk marker{*node.storage, node.path};
  actors::leave_marker(node.path, self.replica_options(node), marker);
}

void stage::crash(std::size_t index, death how) {
  auto& self = *implementation_;
  auto& node = *self.nodes.at(index);
  node.how = how;
  node.storage->die();
  self.note_deaths();
  self.tear_down(node);
}

void stage::crash_later(std::size_t index, std::uint64_t operations, death how) {
  auto& node = *implementation_->nodes.at(index);
  node.how = how;
  node.storage->die_after(operations);
}

void stage::restore(std::size_t index, const disk_image& image, bool keeps_inode) {
  auto& node = *implementation_->nodes.at(index);
  node.storage->restore(node.path, image, keeps_inode);
}

disk_image stage::copy(std::size_t index) const {
  const auto& node = *implementation_->nodes.at(index);
  return node.storage->copy(node.path);
}

disk& stage::disk_of(std::size_t node) {
  return *implementation_->nodes.at(node)->storage;
}

actors::crew& stage::crew(std::size_t node) {
  return *implementation_->nodes.at(node)->crew;
}

property::app_database& stage::app(std::size_t index) {
  auto& node = *implementation_->nodes.at(index);
  if (!node.app) {
    node.app = std::make_unique<property::app_database>(node.path, node.storage->vfs_name());
    if (!node.setup.app_syncs)
      node.app->attempt("PRAGMA synchronous = NORMAL");
    if (node.setup.checkpoint_pages > 0)
      node.app->attempt("PRAGMA wal_autocheckpoint = " + std::to_string(node.setup.checkpoint_pages));
  }
  return *node.app;
}

void stage::close_app(std::size_t node) {
  implementation_->nodes.at(node)->app.reset();
}

void stage::ring(std::size_t node) {
  if (const auto& crew = implementation_->nodes.at(node)->crew)
    crew->ring();
}

storage::replica stage::open(std::size_t index) {
  const auto& node = *implementation_->nodes.at(index);
  return storage::replica::open(node.path, implementation_->replica_options(node));
}

void stage::move_clock(std::size_t node, std::int64_t by_ms) {
  implementation_->nodes.at(node)->clock_offset_ms += by_ms;
}
void stage::set_clock_right(std::size_t node) {
  implementation_->nodes.at(node)->clock_offset_ms = 0;
}

void stage::sleep_all(std::int64_t ms) {
  implementation_->slept_ms += ms;
}

std::vector<std::size_t> stage::take_deaths() {
  implementation_->note_deaths();
  return std::exchange(implementation_->deaths, {});
}

bridge::loopback_world& stage::links() {
  return implementation_->world;
}

void stage::set_pace(std::size_t frames_each_ms) {
  implementation_->frames_each_ms = frames_each_ms;
}

void stage::on_job(std::function<void(std::uint64_t chance)> handler) {
  implementation_->on_job = std::move(handler);
}

void stage::pass(std::int64_t ms) {
  auto& self = *implementation_;
  self.turn();
  while (ms > 0) {
    const auto some = ms > 4 * stride_ms ? stride_ms : 1;
    self.scheduler().advance_time(std::chrono::milliseconds{some});
    ms -= some;
    self.turn();
  }
}

std::int64_t stage::now_ms() const {
  return implementation_->steady_us() / 1'000;
}

} // namespace tandem::simulation
