#include "actors/casting.hpp"

#include <utility>

#include "actors/arbiter.hpp"
#include "actors/batcher.hpp"
#include "actors/dialer.hpp"
#include "actors/endpoint.hpp"
#include "actors/monitor_actor.hpp"
#include "actors/observer.hpp"
#include "actors/offline_queue.hpp"
#include "actors/page_endpoint.hpp"
#include "actors/runtime_json.hpp"
#include "messages/failure.hpp"

namespace tandem::actors {

casting::casting(bridge::network& network, cast_options options)
    : network_{network}, options_{std::move(options)}, board{std::make_shared<switchboard>(options_.measures)},
      connections{std::make_shared<lobby>(board)}, measured{std::make_shared<measure_board>(measure_setup{
                                                       TANDEM_VERSION, options_.path, options_.replica.now_ms,
                                                       options_.log, options_.measures,
                                                       [&network] { return network.troubles(); },
                                                       [busy = busy_opens_] {
                                                         return busy->load();
                                                       }})},
      instance_{std::mt19937_64{options_.seed}()}, clock_{std::make_shared<device_clock>(options_.replica.now_ms,
                                                                                         options_.replica.steady_us)} {}

storage::replica casting::open() const {
  auto how = options_.replica;
  how.now_ms = [clock = clock_] {
    return clock->now_ms();
  };
  how.hint_correction_ms = [clock = clock_] {
    return clock->correction_ms();
  };
  // Somebody may hold the lock for long; that is no fault of an actor's, and must not use up its restarts.
  for (std::size_t tries = 1;; ++tries)
    try {
      return storage::replica::open(options_.path, how);
    } catch (const messages::failure& problem) {
      if (problem.code() != messages::failure_code::busy || tries == limits::restarts_max)
        throw;
      ++*busy_opens_;
    }
}

arbiter_options casting::for_arbiter() {
  arbiter_options result;
  result.open = [this] {
    return open();
  };
  result.name = options_.name;
  result.program = TANDEM_VERSION;
  result.instance = instance_;
  result.adopts = options_.adopts;
  result.clock = clock_;
  result.on_new_identity = options_.on_new_identity;
  return result;
}

dialer_options casting::for_dialer(std::uint64_t number, std::uint64_t seed) {
  dialer_options result;
  result.url = options_.peers.at(number - 1);
  result.seed = seed;
  result.dial = [this, number, url = result.url] {
    network_.dial({url, options_.token}, [board = board, connections = connections, number](
                                             bridge::shared_connection opened, const bridge::dial_trouble& trouble) {
      if (opened)
        return connections->admit(std::move(opened), number);
      const messages::dial_failed news{trouble.text.substr(0, limits::reason_bytes_max), trouble.is_refusal};
      board->send({role::dialer, number}, {{role::dialer, number}, messages::encode(news)});
      return bridge::connection_events{};
    });
  };
  return result;
}

/// Pages hear of changes first: the host may take its time.
host_events casting::for_host() {
  auto result = options_.events;
  result.on_data = [connections = connections, given = options_.events.on_data](const messages::data_changed& news) {
    connections->tell_pages(news.tables, news.is_remote);
    if (given)
      given(news);
  };
  return result;
}

std::unique_ptr<actor_core> casting::make_endpoint(std::uint64_t link) {
  const auto guest = connections->find(link);
  if (!guest)
    throw messages::failure{messages::failure_code::network, "the connection is gone already"};
  if (!guest->page)
    return std::make_unique<endpoint>(link, guest->connection, guest->dialer);
  page_setup setup;
  setup.path = options_.path;
  setup.is_durable = options_.replica.durable;
  setup.name = options_.name;
  setup.user = options_.user;
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
  setup.rights_of = options_.rights_of;
  setup.now_ms = [clock = clock_] {
    return clock->now_ms();
  };
  return std::make_unique<page_endpoint>(std::move(setup), guest->connection, guest->page, guest->token);
}

void casting::ring() {
  if (bell_->ring())
    board->send({role::observer}, {{role::host}, messages::encode(messages::wake{})});
  connections->ring_pages();
}

std::unique_ptr<actor_core> casting::make(address who, staff& workers) {
  const auto opener = [this] {
    return open();
  };
  switch (who.who) {
  case role::host:
    return std::make_unique<host_actor>(links, for_host());
  case role::monitor:
    return std::make_unique<monitor_actor>(board, measured);
  case role::batcher:
    return std::make_unique<batcher>(options_.batch_window_ms);
  case role::arbiter:
    return std::make_unique<arbiter>(for_arbiter());
  case role::observer:
    // Where triggers' times are not believed, they are not measured by either.
    return std::make_unique<observer>(opener, bell_, options_.can_watch,
                                      options_.replica.hint_times ? options_.replica.now_ms : storage::clock_ms{},
                                      options_.seed);
  case role::dialer:
    return std::make_unique<dialer>(for_dialer(who.number, options_.seed + who.number));
  case role::queue:
    return std::make_unique<offline_queue>(who.number, opener);
  case role::endpoint:
    return make_endpoint(who.number);
  case role::supervisor:
    break;
  }
  return std::make_unique<supervisor>(workers, options_.peers.size());
}

bool casting::is_page(address who) const {
  const auto guest = who.who == role::endpoint ? connections->find(who.number) : std::nullopt;
  return guest && guest->page;
}

bridge::accept_handler casting::on_accept() {
  return [connections = connections](bridge::shared_connection opened) {
    return connections->admit(std::move(opened), 0);
  };
}

bridge::page_handler casting::on_page() {
  return [connections = connections](bridge::shared_connection opened, std::string token) {
    return connections->admit_page(std::move(opened), std::move(token));
  };
}

} // namespace tandem::actors
