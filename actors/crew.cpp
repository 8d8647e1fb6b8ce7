#include "actors/crew.hpp"

#include <map>
#include <mutex>
#include <random>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/arbiter.hpp"
#include "actors/batcher.hpp"
#include "actors/device_clock.hpp"
#include "actors/dialer.hpp"
#include "actors/endpoint.hpp"
#include "actors/lobby.hpp"
#include "actors/monitor_actor.hpp"
#include "actors/observer.hpp"
#include "actors/offline_queue.hpp"
#include "actors/page_endpoint.hpp"
#include "actors/runtime_json.hpp"
#include "actors/supervisor.hpp"
#include "messages/failure.hpp"

namespace tandem::actors {

struct crew::implementation final : staff {
  implementation(caf::actor_system& caf_system, bridge::network& transports, crew_options given)
      : system{caf_system}, network{transports}, options{std::move(given)}, random{options.seed}, instance{random()} {}

  caf::actor_system& system;
  bridge::network& network;
  crew_options options;
  std::mt19937_64 random; // used while the crew starts, and by the supervisor only
  const std::uint64_t instance;
  std::shared_ptr<switchboard> board = std::make_shared<switchboard>(options.measures);
  std::shared_ptr<lobby> connections = std::make_shared<lobby>(board);
  std::shared_ptr<doorbell> bell = std::make_shared<doorbell>();
  std::shared_ptr<link_board> links = std::make_shared<link_board>();
  std::shared_ptr<device_clock> clock =
      std::make_shared<device_clock>(options.replica.now_ms, options.replica.steady_us);
  std::shared_ptr<measure_board> measured = std::make_shared<measure_board>(
      measure_setup{TANDEM_VERSION, options.path, options.replica.now_ms, options.log, options.on_alert});
  std::mutex workers_mutex;
  std::map<address, frame_actor> workers; // of the supervisor's making
  std::promise<void> done;
  std::shared_future<void> ended{done.get_future()};

  storage::replica open() const {
    auto how = options.replica;
    how.now_ms = [clock = clock] {
      return clock->now_ms();
    };
    how.hint_correction_ms = [clock = clock] {
      return clock->correction_ms();
    };
    // Somebody may hold the lock for long; that is no fault of an actor's, and must not use up its restarts.
    for (std::size_t tries = 1;; ++tries)
      try {
        return storage::replica::open(options.path, how);
      } catch (const messages::failure& problem) {
        if (problem.code() != messages::failure_code::busy || tries == limits::restarts_max)
          throw;
      }
  }

  std::unique_ptr<actor_core> make(address who);
  arbiter_options for_arbiter();
  dialer_options for_dialer(std::uint64_t number, std::uint64_t seed);
  host_events for_host();
  std::unique_ptr<actor_core> make_endpoint(std::uint64_t link);
  void ring();

  void spawn(address who) override;
  void end(address who) override;
  void close_connection(std::uint64_t link) override { connections->close(link); }
  void forget_connection(std::uint64_t link) override { connections->forget(link); }
  void finish() override { end({role::supervisor}); }
  void order_end(address who, caf::exit_reason reason);
  void all_ended();
  void worker_ended(address who, const caf::error& reason);
};

arbiter_options crew::implementation::for_arbiter() {
  arbiter_options result;
  result.open = [this] {
    return open();
  };
  result.name = options.name;
  result.program = TANDEM_VERSION;
  result.instance = instance;
  result.adopts = options.adopts;
  result.clock = clock;
  result.on_new_identity = options.on_new_identity;
  return result;
}

dialer_options crew::implementation::for_dialer(std::uint64_t number, std::uint64_t seed) {
  dialer_options result;
  result.url = options.peers.at(number - 1);
  result.seed = seed;
  result.dial = [this, number, url = result.url] {
    network.dial({url, options.token}, [board = board, connections = connections,
                                        number](bridge::shared_connection opened, const std::string& trouble) {
      if (opened)
        return connections->admit(std::move(opened), number);
      const messages::dial_failed news{trouble.substr(0, limits::reason_bytes_max)};
      board->send({role::dialer, number}, {{role::dialer, number}, messages::encode(news)});
      return bridge::connection_events{};
    });
  };
  return result;
}

/// Pages hear of changes first: the host may take its time.
host_events crew::implementation::for_host() {
  auto result = options.events;
  result.on_data = [connections = connections, given = options.events.on_data](const messages::data_changed& news) {
    connections->tell_pages(news.tables, news.is_remote);
    if (given)
      given(news);
  };
  return result;
}

std::unique_ptr<actor_core> crew::implementation::make_endpoint(std::uint64_t link) {
  const auto guest = connections->find(link);
  if (!guest)
    throw messages::failure{messages::failure_code::network, "the connection is gone already"};
  if (!guest->page)
    return std::make_unique<endpoint>(link, guest->connection, guest->dialer != 0);
  page_setup setup;
  setup.path = options.path;
  setup.is_durable = options.replica.durable;
  setup.name = options.name;
  setup.user = options.user;
  setup.open = [this] {
    return open();
  };
  setup.ring = [this] {
    ring();
  };
  setup.links_json = [links = links] {
    return links_as_json(*links);
  };
  setup.monitor_json = [measured = measured] {
    return measured->json();
  };
  setup.rights_of = options.rights_of;
  setup.now_ms = [clock = clock] {
    return clock->now_ms();
  };
  return std::make_unique<page_endpoint>(std::move(setup), guest->connection, guest->page, guest->token);
}

void crew::implementation::ring() {
  if (bell->ring())
    board->send({role::observer}, {{role::host}, messages::encode(messages::wake{})});
  connections->ring_pages();
}

std::unique_ptr<actor_core> crew::implementation::make(address who) {
  const auto opener = [this] {
    return open();
  };
  switch (who.who) {
  case role::host:
    return std::make_unique<host_actor>(links, for_host());
  case role::monitor:
    return std::make_unique<monitor_actor>(board, measured);
  case role::batcher:
    return std::make_unique<batcher>();
  case role::arbiter:
    return std::make_unique<arbiter>(for_arbiter());
  case role::observer:
    // Where triggers' times are not believed, they are not measured by either.
    return std::make_unique<observer>(opener, bell, options.can_watch,
                                      options.replica.hint_times ? options.replica.now_ms : storage::clock_ms{});
  case role::dialer:
    return std::make_unique<dialer>(for_dialer(who.number, options.seed + who.number));
  case role::queue:
    return std::make_unique<offline_queue>(who.number, opener);
  case role::endpoint:
    return make_endpoint(who.number);
  case role::supervisor:
    break;
  }
  return std::make_unique<supervisor>(*this, options.peers.size());
}

void crew::implementation::spawn(address who) {
  const auto is_page = [&] {
    const auto guest = who.who == role::endpoint ? connections->find(who.number) : std::nullopt;
    return guest && guest->page;
  };
  const bool waits_for_disk = who.who == role::observer || who.who == role::arbiter || is_page();
  const auto worker = spawn_shell(
      system, board, who, [this, who] { return make(who); }, waits_for_disk ? options.writers : threading::pooled);
  {
    const std::lock_guard lock{workers_mutex};
    workers[who] = worker;
  }
  worker->attach_functor([this, who](const caf::error& reason) { worker_ended(who, reason); });
}

void crew::implementation::end(address who) {
  order_end(who, caf::exit_reason::user_shutdown);
}

void crew::implementation::order_end(address who, caf::exit_reason reason) {
  frame_actor worker;
  {
    const std::lock_guard lock{workers_mutex};
    if (const auto found = workers.find(who); found != workers.end())
      worker = found->second;
  }
  if (worker)
    caf::anon_send_exit(worker, reason);
}

/// Called in the ended actor's thread, whose state is gone already.
void crew::implementation::worker_ended(address who, const caf::error& reason) {
  frame_actor gone;
  {
    const std::lock_guard lock{workers_mutex};
    gone = std::move(workers[who]);
    workers.erase(who);
  }
  board->disconnect(who);
  if (who.who == role::supervisor) {
    all_ended();
    return;
  }
  messages::actor_ended news;
  news.who = who.who;
  news.number = who.number;
  news.was_ordered = reason == caf::exit_reason::user_shutdown;
  news.text = to_string(reason).substr(0, limits::reason_bytes_max);
  board->send({role::supervisor}, {who, messages::encode(news)});
}

/// The supervisor was the last one, unless it failed itself.
void crew::implementation::all_ended() {
  std::map<address, frame_actor> left;
  {
    const std::lock_guard lock{workers_mutex};
    left = workers;
  }
  for (const auto& [who, worker] : left)
    caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
  connections->clear();
  done.set_value();
}

crew::crew(caf::actor_system& system, bridge::network& network, crew_options options)
    : implementation_{std::make_shared<implementation>(system, network, std::move(options))} {
  implementation_->spawn({role::supervisor});
}

crew::~crew() = default;

bridge::accept_handler crew::on_accept() {
  return [connections = implementation_->connections](bridge::shared_connection opened) {
    return connections->admit(std::move(opened), 0);
  };
}

bridge::page_handler crew::on_page() {
  return [connections = implementation_->connections](bridge::shared_connection opened, std::string token) {
    return connections->admit_page(std::move(opened), std::move(token));
  };
}

void crew::ring() {
  implementation_->ring();
}

void crew::send(address to, shared_bytes bytes) {
  implementation_->board->send(to, {{role::host}, std::move(bytes)});
}

void crew::stop() {
  send({role::supervisor}, messages::encode(messages::stop_node{}));
}

std::shared_future<void> crew::ended() const {
  return implementation_->ended;
}

storage::replica crew::open_replica() const {
  return implementation_->open();
}

const link_board& crew::links() const {
  return *implementation_->links;
}

const measure_board& crew::measured() const {
  return *implementation_->measured;
}

std::vector<switchboard::load_entry> crew::loads() const {
  return implementation_->board->loads();
}

void crew::fail(address who) {
  implementation_->order_end(who, caf::exit_reason::unhandled_exception);
}

} // namespace tandem::actors
