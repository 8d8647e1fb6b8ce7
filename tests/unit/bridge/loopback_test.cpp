#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "bridge/loopback.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"

using namespace tandem;
using namespace tandem::bridge;

namespace {

shared_bytes bytes_of(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

/// One side, and all that it heard.
struct side {
  shared_connection open;
  std::vector<std::string> frames;
  std::vector<close_reason> ends;
  std::string trouble;
  std::size_t drained = 0;

  connection_events take(shared_connection connection, std::size_t credit = SIZE_MAX) {
    open = std::move(connection);
    if (open) {
      open->grant(credit);
    }
    return {[this](const shared_bytes& frame) { frames.push_back(*frame); }, [this] { ++drained; },
            [this](close_reason reason, const std::string&) {
              ends.push_back(reason);
            }};
  }
};

struct pair_of_nodes {
  explicit pair_of_nodes(std::uint64_t seed, loopback_faults faults = {}, std::size_t credit = SIZE_MAX)
      : world{seed, faults}, hub{world.make_network()}, leaf{world.make_network()} {
    port = hub->listen({"hub", 1, ""}, [this, credit](shared_connection connection) {
      return far.take(std::move(connection), credit);
    });
    dial();
  }
  void dial() {
    leaf->dial({"ws://hub:1/", ""}, [this](shared_connection connection, const dial_trouble& trouble) {
      near.trouble = trouble.text;
      return near.take(std::move(connection));
    });
    world.run(100);
  }

  side near;
  side far;
  loopback_world world;
  std::unique_ptr<loopback_network> hub;
  std::unique_ptr<loopback_network> leaf;
  std::unique_ptr<listener> port;
};

} // namespace

BOOST_AUTO_TEST_CASE(frames_arrive_in_order_and_only_in_steps) {
  pair_of_nodes nodes{1};
  for (int number = 0; number < 10; ++number) {
    BOOST_TEST(nodes.near.open->send(bytes_of(std::to_string(number))));
  }
  BOOST_TEST(nodes.far.frames.empty());
  nodes.world.run(100);
  const std::vector<std::string> expected{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  BOOST_TEST(nodes.far.frames == expected, boost::test_tools::per_element());
  BOOST_TEST(nodes.near.drained == 1);
  BOOST_TEST(!nodes.world.step());
}

BOOST_AUTO_TEST_CASE(without_credit_frames_wait_and_send_refuses_at_last) {
  pair_of_nodes nodes{1, {}, 0};
  const auto big = bytes_of(std::string(limits::mib, 'x'));
  std::size_t sent = 0;
  while (nodes.near.open->send(big)) {
    ++sent;
  }
  BOOST_TEST(sent == limits::socket_unsent_bytes_max / limits::mib);
  nodes.world.run(100);
  BOOST_TEST(nodes.far.frames.empty());
  BOOST_TEST(nodes.near.open->unsent_bytes() == sent * limits::mib);
  nodes.far.open->grant(1);
  nodes.world.run(100);
  BOOST_TEST(nodes.far.frames.size() == 1);
  BOOST_TEST(nodes.near.open->send(big));
}

BOOST_AUTO_TEST_CASE(close_delivers_what_was_sent_and_tells_both_once) {
  pair_of_nodes nodes{3};
  nodes.near.open->send(bytes_of("last words"));
  nodes.near.open->close();
  BOOST_TEST(!nodes.near.open->send(bytes_of("too late")));
  nodes.world.run(100);
  BOOST_TEST(nodes.far.frames.size() == 1);
  BOOST_TEST(nodes.far.ends.size() == 1);
  BOOST_TEST(nodes.near.ends.size() == 1);
  BOOST_TEST((nodes.near.ends.front() == close_reason::local));
  BOOST_TEST((nodes.far.ends.front() == close_reason::peer));
  BOOST_TEST(nodes.world.open_connections() == 0);
}

BOOST_AUTO_TEST_CASE(dropping_the_last_reference_closes) {
  pair_of_nodes nodes{3};
  nodes.near.open.reset();
  nodes.world.run(100);
  BOOST_TEST(nodes.far.ends.size() == 1);
}

BOOST_AUTO_TEST_CASE(cut_and_blocked_hosts) {
  pair_of_nodes nodes{4};
  nodes.near.open->send(bytes_of("lost"));
  nodes.world.cut("hub");
  nodes.world.block("hub");
  nodes.world.run(100);
  BOOST_TEST(nodes.far.frames.empty());
  BOOST_TEST((nodes.near.ends.front() == close_reason::network));
  nodes.dial();
  BOOST_TEST(!nodes.near.open);
  BOOST_TEST(!nodes.near.trouble.empty());
  nodes.world.unblock("hub");
  nodes.dial();
  BOOST_TEST(!!nodes.near.open);
}

BOOST_AUTO_TEST_CASE(a_half_open_connection_is_noticed_later) {
  loopback_faults faults;
  faults.half_opens_per_million = 1'000'000;
  faults.half_open_steps = 50;
  pair_of_nodes nodes{5, faults};
  nodes.world.run(1'000);
  BOOST_TEST(nodes.near.ends.size() == 1);
  BOOST_TEST((nodes.near.ends.front() == close_reason::heartbeat_lost));
  BOOST_TEST(nodes.far.ends.size() == 1);
}

BOOST_AUTO_TEST_CASE(one_seed_one_history) {
  const auto history = [](std::uint64_t seed) {
    loopback_faults faults;
    faults.cuts_per_million = 20'000;
    pair_of_nodes nodes{seed, faults};
    std::string text;
    for (int number = 0; number < 200; ++number) {
      if (nodes.near.open) {
        nodes.near.open->send(bytes_of("n" + std::to_string(number)));
      }
      if (nodes.far.open) {
        nodes.far.open->send(bytes_of("f" + std::to_string(number)));
      }
      nodes.world.step();
      text += std::to_string(nodes.near.frames.size()) + "," + std::to_string(nodes.far.frames.size()) + "," +
              std::to_string(nodes.near.ends.size()) + ";";
      if (nodes.world.open_connections() == 0) {
        nodes.dial();
      }
    }
    return text;
  };
  BOOST_TEST(history(7) == history(7));
  BOOST_TEST(history(7) != history(8));
}

BOOST_AUTO_TEST_CASE(stopping_one_node_leaves_the_others) {
  pair_of_nodes nodes{9};
  nodes.leaf->stop();
  BOOST_TEST(nodes.near.ends.size() == 1);
  nodes.world.run(100);
  BOOST_TEST(nodes.far.ends.size() == 1);
  side third;
  const auto other = nodes.world.make_network();
  other->dial({"ws://hub:1/", ""}, [&third](shared_connection connection, const dial_trouble&) {
    return third.take(std::move(connection));
  });
  nodes.world.run(100);
  BOOST_TEST(!!third.open);
  BOOST_CHECK_THROW(other->listen({"hub", 1, ""}, {}), messages::failure);
  const auto free_one = other->listen({"hub", 0, ""}, {});
  BOOST_TEST(free_one->port() == 2);
}
