#include "actors/crew.hpp"

#include <map>
#include <mutex>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/supervisor.hpp"
#include "messages/failure.hpp"

namespace tandem::actors {

struct crew::implementation final : staff {
  implementation(caf::actor_system& caf_system, bridge::network& network, crew_options given)
      : system{caf_system}, writers{given.writers}, cast{network, std::move(given)} {}

  caf::actor_system& system;
  const threading writers;
  casting cast;
  std::mutex workers_mutex;
  std::map<address, frame_actor> workers; // of the supervisor's making
  std::promise<void> done;
  std::shared_future<void> ended{done.get_future()};

  void spawn(address who) override;
  void end(address who) override;
  void close_connection(std::uint64_t link) override { cast.connections->close(link); }
  void forget_connection(std::uint64_t link) override { cast.connections->forget(link); }
  void finish() override { end({role::supervisor}); }
  void order_end(address who, caf::exit_reason reason);
  void all_ended();
  void worker_ended(address who, const caf::error& reason);
};

void crew::implementation::spawn(address who) {
  const bool waits_for_disk = who.who == role::observer || who.who == role::arbiter || cast.is_page(who);
  const auto worker = spawn_shell(
      system, cast.board, who, [this, who] { return cast.make(who, *this); },
      waits_for_disk ? writers : threading::pooled);
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
  cast.board->disconnect(who);
  if (who.who == role::supervisor) {
    all_ended();
    return;
  }
  messages::actor_ended news;
  news.who = who.who;
  news.number = who.number;
  news.was_ordered = reason == caf::exit_reason::user_shutdown;
  news.text = to_string(reason).substr(0, limits::reason_bytes_max);
  cast.board->send({role::supervisor}, {who, messages::encode(news)});
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
  cast.connections->clear();
  done.set_value();
}

crew::crew(caf::actor_system& system, bridge::network& network, crew_options options)
    : implementation_{std::make_shared<implementation>(system, network, std::move(options))} {
  implementation_->spawn({role::supervisor});
}

crew::~crew() = default;

bridge::accept_handler crew::on_accept() {
  return implementation_->cast.on_accept();
}

bridge::page_handler crew::on_page() {
  return implementation_->cast.on_page();
}

void crew::ring() {
  implementation_->cast.ring();
}

void crew::send(address to, shared_bytes bytes) {
  implementation_->cast.board->send(to, {{role::host}, std::move(bytes)});
}

void crew::stop() {
  send({role::supervisor}, messages::encode(messages::stop_node{}));
}

std::shared_future<void> crew::ended() const {
  return implementation_->ended;
}

storage::replica crew::open_replica() const {
  return implementation_->cast.open();
}

const link_board& crew::links() const {
  return *implementation_->cast.links;
}

const measure_board& crew::measured() const {
  return *implementation_->cast.measured;
}

std::vector<switchboard::load_entry> crew::loads() const {
  return implementation_->cast.board->loads();
}

void crew::fail(address who) {
  implementation_->order_end(who, caf::exit_reason::unhandled_exception);
}

} // namespace tandem::actors
