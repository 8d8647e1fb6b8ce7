#include "actors/node.hpp"

#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string_view>
#include <sys/stat.h>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <spdlog/spdlog.h>

#include "actors/commit_watch.hpp"
#include "actors/crew.hpp"
#include "actors/file_marker.hpp"
#include "actors/preparing.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"
#include "monitor/dashboard.hpp"

namespace tandem::actors {

using messages::failure;
using messages::failure_code;

namespace {

// No configuration file is read: this is somebody else's process.
caf::actor_system_config& tuned(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("sharing")); // The default one polls.
  config.set("scheduler.max-threads", limits::scheduler_threads);
  config.set("scheduler.max-throughput", limits::scheduler_throughput);
  return config;
}

std::uint64_t random_number() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

/// Waits for the answers to requests of the host's threads.
template <class Answer>
class waiting_room {
public:
  std::pair<std::uint64_t, std::future<Answer>> enter() {
    const std::lock_guard lock{mutex_};
    const auto number = ++last_;
    return {number, waiting_[number].get_future()};
  }
  void answer(std::uint64_t number, Answer answer) {
    const std::lock_guard lock{mutex_};
    if (const auto found = waiting_.find(number); found != waiting_.end()) {
      found->second.set_value(std::move(answer));
      waiting_.erase(found);
    }
  }
  void leave(std::uint64_t number) {
    const std::lock_guard lock{mutex_};
    waiting_.erase(number);
  }

private:
  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::promise<Answer>> waiting_;
};

} // namespace

struct node::implementation {
  explicit implementation(node_options given) : options{std::move(given)} {
    if (options.decide)
      decision = std::make_shared<host_callback>(options.decide);
  }

  node_options options;
  std::shared_ptr<host_callback> decision;
  /// What this process's own pages show; new for each run, and never told to anybody.
  const std::string own_token = "own " + std::to_string(random_number()) + std::to_string(random_number());
  storage::identity self;
  std::mutex mutex;                // of start and stop
  mutable std::mutex actors_mutex; // of the pointer only
  waiting_room<messages::choice_done> choices;
  waiting_room<messages::compare_done> comparisons;

  // Destroyed in the opposite order: the system last, for it waits for its actors.
  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<bridge::network> network;
  std::shared_ptr<crew> actors;
  std::unique_ptr<bridge::listener> listener;
  std::unique_ptr<commit_watch> watch;

  std::shared_ptr<crew> current() const {
    const std::lock_guard lock{actors_mutex};
    return actors;
  }
  void set_current(std::shared_ptr<crew> next) {
    const std::lock_guard lock{actors_mutex};
    actors.swap(next);
  }
  storage::replica_options replica_options() const;
  bool prepare();
  void leave_marker();
  bridge::listen_options access() const;
  host_events events();
  void start();
  void stop();

  template <class Answer>
  Answer ask(waiting_room<Answer>& room, address whom, const std::function<shared_bytes(std::uint64_t)>& request);
};

storage::replica_options node::implementation::replica_options() const {
  storage::replica_options result;
  result.now_ms = options.now_ms;
  result.durable = options.durable;
  if (decision)
    result.decide = [decision = decision](const storage::callback_question& question) {
      return decision->ask(question);
    };
  return result;
}

/// What is wrong with the file is told before any thread starts. True if the replica adopts tables.
bool node::implementation::prepare() {
  auto how = replica_options();
  if (options.may_create)
    how.mode = storage::open_mode::create;
  marker_beside_file marker{options.path};
  const auto prepared = prepare_replica(options.path, how, marker,
                                        {options.retention_ms, options.audit_keep_ms, options.audit_keep_count});
  self = prepared.self;
  return prepared.adopts;
}

void node::implementation::leave_marker() {
  marker_beside_file marker{options.path};
  actors::leave_marker(options.path, replica_options(), marker);
}

bridge::listen_options node::implementation::access() const {
  auto result = options.listen.value_or(bridge::listen_options{});
  result.token = options.token;
  result.pages = std::make_shared<const bridge::page_options>(options.pages);
  return result;
}

host_events node::implementation::events() {
  auto result = options.events;
  result.on_choice = [this, given = options.events.on_choice](const messages::choice_done& done) {
    choices.answer(done.request, done);
    if (given)
      given(done);
  };
  result.on_compared = [this, given = options.events.on_compared](const messages::compare_done& done) {
    comparisons.answer(done.request, done);
    if (given)
      given(done);
  };
  return result;
}

void node::implementation::start() {
  const std::lock_guard lock{mutex};
  if (system)
    throw failure{failure_code::usage, "this node runs already"};
  crew_options crew_setup;
  crew_setup.adopts = prepare();
  crew_setup.path = options.path;
  crew_setup.replica = replica_options();
  crew_setup.name = options.name.empty() ? self.site.to_short() : options.name;
  crew_setup.peers = options.peers;
  crew_setup.token = options.token;
  crew_setup.user = options.user;
  crew_setup.seed = random_number();
  crew_setup.batch_window_ms = options.batch_window_ms;
  crew_setup.measures = options.measures;
  crew_setup.log = options.log;
  crew_setup.rights_of = [access = access(), own = own_token](const std::string& token) {
    return token == own ? bridge::page_right::full : bridge::rights_of(access, token);
  };
  crew_setup.events = events();
  crew_setup.on_new_identity = [this] {
    leave_marker();
  };
  network = bridge::make_websocket_network();
  system = std::make_unique<caf::actor_system>(tuned(config));
  // Writes are noticed from here on, so that none falls between the observer's first look and the watch.
  watch = std::make_unique<commit_watch>(options.path);
  crew_setup.can_watch = watch->can_watch();
  const auto started = std::make_shared<crew>(*system, *network, std::move(crew_setup));
  set_current(started);
  watch->start([started] { started->ring(); });
  if (options.listen) {
    auto where = access();
    const auto pages = std::make_shared<bridge::page_options>(options.pages);
    pages->on_accept = started->on_page();
    if (options.measures)
      pages->metrics = [started] {
        return started->measured().metrics_text();
      };
    pages->monitor_file = [](std::string_view name) -> std::optional<bridge::built_in_file> {
      const auto file = monitor::dashboard_file_named(name);
      return file ? std::optional{bridge::built_in_file{file->type, file->content}} : std::nullopt;
    };
    where.pages = pages;
    listener = network->listen(where, started->on_accept());
  }
}

void node::implementation::stop() {
  const std::lock_guard lock{mutex};
  if (watch)
    watch->stop();
  if (listener)
    listener->stop();
  if (const auto stopping = current()) {
    stopping->stop();
    if (stopping->ended().wait_for(std::chrono::milliseconds{limits::stop_ms_max}) != std::future_status::ready)
      spdlog::warn("the node still waits for an actor to end, probably for a disk");
    stopping->ended().wait();
    leave_marker();
  }
  if (network)
    network->stop();
  listener.reset();
  watch.reset();
  system.reset();
  set_current(nullptr);
  network.reset();
}

template <class Answer>
Answer node::implementation::ask(waiting_room<Answer>& room, address whom,
                                 const std::function<shared_bytes(std::uint64_t)>& request) {
  auto [number, answer] = room.enter();
  const auto running = current();
  if (!running) {
    room.leave(number);
    throw failure{failure_code::usage, "this node does not run; start it first"};
  }
  running->send(whom, request(number));
  if (answer.wait_for(std::chrono::milliseconds{limits::answer_ms_max}) != std::future_status::ready) {
    room.leave(number);
    throw failure{failure_code::busy, "the node is too busy to answer; try again"};
  }
  return answer.get();
}

node::node(node_options options) : implementation_{std::make_unique<implementation>(std::move(options))} {}

node::~node() {
  stop();
}

void node::start() {
  try {
    implementation_->start();
  } catch (...) {
    implementation_->stop();
    throw;
  }
}

void node::stop() {
  implementation_->stop();
}

bridge::page_handler node::page_entry() const {
  const auto running = implementation_->current();
  if (!running)
    throw failure{failure_code::usage, "this node does not run; start it first"};
  return [admit = running->on_page(), own = implementation_->own_token](bridge::shared_connection opened, std::string) {
    return admit(std::move(opened), own);
  };
}

std::string node::url() const {
  return implementation_->listener ? implementation_->listener->url() : std::string{};
}

storage::identity node::self() const {
  return implementation_->self;
}

void node::hint() {
  if (const auto running = implementation_->current())
    running->ring();
}

std::vector<link_info> node::links() const {
  const auto running = implementation_->current();
  return running ? running->links().links() : std::vector<link_info>{};
}

std::string node::trouble() const {
  const auto running = implementation_->current();
  return running ? running->links().failure() : std::string{};
}

bool node::wait_until_level(std::int64_t ms) {
  const auto& options = implementation_->options;
  const auto running = implementation_->current();
  if (!running)
    return false;
  auto replica = running->open_replica(); // by the clock as its hub has corrected it
  replica.stamp_pending();
  const auto head = replica.head();
  hint();
  const auto is_level = [&](const std::vector<link_info>& links) {
    std::size_t level = 0;
    for (const auto& each : links)
      level += each.link != 0 && each.now == messages::link_phase::phase::linked && each.acked >= head &&
               each.applied >= each.their_head;
    return level >= std::max<std::size_t>(1, options.peers.size());
  };
  return running->links().wait_for(ms, is_level) && trouble().empty();
}

void node::pause(bool is_paused) {
  const auto running = implementation_->current();
  if (!running)
    throw failure{failure_code::usage, "this node does not run; start it first"};
  running->send({role::supervisor}, messages::encode(messages::pause_links{is_paused}));
}

bool node::is_paused() const {
  const auto running = implementation_->current();
  return running && running->links().is_paused();
}

std::string node::resolve(const storage::resolution& choice) {
  if (choice.id.size() > limits::label_bytes_max || choice.who.size() > limits::label_bytes_max ||
      choice.value_json.size() > limits::value_bytes_max)
    throw failure{failure_code::limit,
                  "the conflict's id, the user's name or the value is too long; nothing was changed"};
  const auto& who = choice.who.empty() ? implementation_->options.user : choice.who;
  const auto done = implementation_->ask<messages::choice_done>(
      implementation_->choices, {role::arbiter}, [&choice, &who](std::uint64_t number) {
        return messages::encode(messages::choice{number, choice.id, static_cast<std::uint8_t>(choice.take),
                                                 choice.value_json, who, choice.is_forced});
      });
  if (!done.is_done)
    throw messages::failure{done.code, done.text};
  return done.text;
}

messages::compare_done node::compare() {
  auto done = implementation_->ask<messages::compare_done>(
      implementation_->comparisons, {role::arbiter},
      [](std::uint64_t number) { return messages::encode(messages::compare_now{number}); });
  if (!done.is_done)
    throw failure{failure_code::network, done.text};
  return done;
}

std::string node::metrics_text() const {
  const auto running = implementation_->current();
  return running ? running->measured().metrics_text() : std::string{};
}

std::string node::monitor_json() const {
  const auto running = implementation_->current();
  return running ? running->measured().json() : std::string{"{}"};
}

std::vector<monitor::alert> node::alerts() const {
  const auto running = implementation_->current();
  return running ? running->measured().alerts() : std::vector<monitor::alert>{};
}

} // namespace tandem::actors
