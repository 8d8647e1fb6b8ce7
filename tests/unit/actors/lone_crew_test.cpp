#include <algorithm>

#include <boost/test/unit_test.hpp>

#include "actors/lone_crew.hpp"
#include "bridge/loopback.hpp"
#include "messages/limits.hpp"
#include "tests/unit/actors/test_folder.hpp"

using namespace tandem;

namespace {

constexpr std::int64_t begin_ms = 1'700'000'000'000;
const std::string hub_url = "ws://hub:1/";

/// Nodes on one thread, in a time of their own.
struct lone_world {
  std::int64_t now_us = 1;
  bridge::loopback_world wires{1};

  storage::replica_options how() {
    storage::replica_options result;
    result.now_ms = [this] {
      return begin_ms + now_us / actors::us_per_ms;
    };
    result.steady_us = [this] {
      return now_us;
    };
    result.busy_wait_ms = 0;
    result.durable = false;
    return result;
  }
  std::unique_ptr<actors::lone_crew> start(bridge::network& network, const std::string& path,
                                           std::vector<std::string> peers) {
    tests::make_tracked(path, "CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)", "tasks", how());
    actors::cast_options options;
    options.path = path;
    options.replica = how();
    options.peers = std::move(peers);
    return std::make_unique<actors::lone_crew>(network, std::move(options), [this] { return now_us; });
  }
  /// Runs both until `is_so`, time passing when there is nothing to do.
  template <class Condition>
  bool until(actors::lone_crew& one, actors::lone_crew& other, Condition is_so) {
    constexpr int rounds = 20'000;
    constexpr std::size_t some = 50;
    for (int i = 0; i < rounds && !is_so(); ++i) {
      const auto next = std::min(one.run(some).value_or(now_us), other.run(some).value_or(now_us));
      if (wires.run(some) == 0)
        now_us = std::max(next, now_us + 100);
    }
    return is_so();
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(lone_crew)

BOOST_AUTO_TEST_CASE(two_nodes_on_one_thread_sync_both_ways_and_end_in_order) {
  const tests::test_folder folder;
  lone_world world;
  const auto hub_network = world.wires.make_network();
  const auto device_network = world.wires.make_network();
  const auto hub = world.start(*hub_network, folder.file("hub.db"), {});
  const auto device = world.start(*device_network, folder.file("device.db"), {hub_url});
  bridge::listen_options where;
  where.host = "hub";
  where.port = 1;
  const auto listener = hub_network->listen(where, hub->on_accept());
  tests::plain_database at_hub{folder.file("hub.db")};
  tests::plain_database at_device{folder.file("device.db")};
  at_hub.run("INSERT INTO tasks VALUES(1, 'hub')");
  at_device.run("INSERT INTO tasks VALUES(2, 'device')");
  hub->ring();
  device->ring();
  BOOST_TEST(world.until(*hub, *device, [&] {
    return at_hub.ask("SELECT count(*) FROM tasks") == "2" && at_device.ask("SELECT count(*) FROM tasks") == "2";
  }));
  BOOST_TEST(hub->open_replica().digest() == device->open_replica().digest());
  hub->stop();
  device->stop();
  BOOST_TEST(world.until(*hub, *device, [&] { return hub->has_ended() && device->has_ended(); }));
}

BOOST_AUTO_TEST_CASE(what_cannot_start_is_tried_again_and_then_given_up) {
  const tests::test_folder folder;
  lone_world world;
  const auto network = world.wires.make_network();
  actors::cast_options options;
  options.path = folder.file("nothing.db");
  options.replica = world.how();
  actors::lone_crew crew{*network, std::move(options), [&world] {
                           return world.now_us;
                         }};
  for (int i = 0; i < 1'000 && !crew.has_ended(); ++i)
    crew.run(10);
  BOOST_TEST(crew.has_ended());
  BOOST_TEST(!crew.links().failure().empty());
}

BOOST_AUTO_TEST_SUITE_END()
