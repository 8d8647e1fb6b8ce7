#include <utility>

#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/shell.hpp"
#include "messages/internal.hpp"

using namespace tandem;
using actors::role;

namespace {

caf::actor_system_config& for_tests(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("testing"));
  return config;
}

/// Counts what it is given; knows no more than that.
class counting_core : public actors::actor_core {
public:
  explicit counting_core(int& received) : received_{received} {}
  void receive(const actors::frame& /*message*/, actors::outbox& /*out*/) override { ++received_; }

private:
  int& received_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(shell)

BOOST_AUTO_TEST_CASE(what_is_sent_before_an_actor_first_runs_is_received) {
  caf::actor_system_config config;
  caf::actor_system system{for_tests(config)};
  auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  const auto board = std::make_shared<actors::switchboard>();
  int received = 0;
  const auto actor = actors::spawn_shell(
      system, board, {role::arbiter}, [&received] { return std::make_unique<counting_core>(received); },
      actors::threading::pooled);
  BOOST_TEST(board->send({role::arbiter}, {{role::host}, messages::encode(messages::announce{})}));
  scheduler.run();
  BOOST_TEST(received == 1);
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  scheduler.run();
  board->disconnect({role::arbiter});
}

BOOST_AUTO_TEST_SUITE_END()
