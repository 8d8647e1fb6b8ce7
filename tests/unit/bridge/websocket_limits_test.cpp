// Peers that are slow, silent, gone or too many.
#include <atomic>

#include <boost/test/unit_test.hpp>

#include "websocket_support.hpp"

using namespace tandem;
using namespace tandem::bridge;
using namespace tandem::bridge::test;

BOOST_AUTO_TEST_CASE(without_credit_nothing_is_read_and_send_refuses_at_last) {
  link_between link{{}, 0};
  BOOST_REQUIRE(link.is_open());
  const auto frame = bytes_of(std::string(64 * limits::kib, 'x'));
  // The operating system's buffers take some megabytes first.
  std::size_t sent = 0;
  const auto most = (limits::socket_unsent_bytes_max + 64 * limits::mib) / frame->size();
  // The refusal itself is waited for: the system may take another frame at any time until its buffers are full, so what
  // was unsent a moment ago tells nothing of the next call.
  BOOST_REQUIRE(link.near.wait([&] {
    while (sent < most) {
      if (!link.near.connection->send(frame)) {
        return true;
      }
      ++sent;
    }
    return false;
  }));
  BOOST_TEST(link.near.connection->unsent_bytes() <= limits::socket_unsent_bytes_max);
  BOOST_TEST(link.far.frames.empty());
  link.far.connection->grant(1);
  BOOST_TEST(link.far.wait_frames(1));
  link.far.connection->grant(SIZE_MAX);
  BOOST_TEST(link.far.wait_frames(sent));
}

BOOST_AUTO_TEST_CASE(credit_is_overdrawn_by_one_message_at_most) {
  side elsewhere;
  link_between link{{}, 10};
  BOOST_REQUIRE(link.is_open());
  const auto other = link.server->listen({}, elsewhere.accepting());
  // Whom the same server has let in since: what it would have read by then, it has read.
  const auto has_gone_on = [&] {
    side late;
    const auto client = make_websocket_network();
    client->dial({other->url(), ""}, late.dialing());
    return late.wait_open();
  };
  for (int number = 0; number < 5; ++number) {
    link.near.connection->send(bytes_of("eight by"));
  }
  BOOST_REQUIRE(link.far.wait_frames(2));
  BOOST_REQUIRE(link.near.wait([&] { return link.near.connection->unsent_bytes() == 0; }));
  BOOST_REQUIRE(has_gone_on());
  BOOST_TEST(link.far.frame_count() == 2);
  link.far.connection->grant(7); // pays the debt of 6
  BOOST_REQUIRE(link.far.wait_frames(3));
  BOOST_REQUIRE(has_gone_on());
  BOOST_TEST(link.far.frame_count() == 3);
}

BOOST_AUTO_TEST_CASE(a_message_over_the_limit_closes_its_connection) {
  side far;
  side near;
  side again;
  websocket_options small;
  small.frame_bytes_max = 1'000;
  const auto server = make_websocket_network(small);
  const auto client = make_websocket_network();
  const auto port = server->listen({}, far.accepting());
  client->dial({port->url(), ""}, near.dialing());
  BOOST_REQUIRE(near.wait_open() && far.wait_open());
  BOOST_TEST(near.connection->send(bytes_of(std::string(1'000, 'x'))));
  BOOST_TEST(far.wait_frames(1));
  BOOST_TEST(near.connection->send(bytes_of(std::string(1'001, 'x'))));
  BOOST_REQUIRE(far.wait_closed());
  BOOST_TEST((far.ends.front() == close_reason::protocol_error));
  BOOST_TEST(far.end_text.find("1000") != std::string::npos, far.end_text);
  BOOST_TEST(near.wait_closed());
  BOOST_TEST(far.frames.size() == 1);
  BOOST_TEST(!far.connection->send(bytes_of("x")));
  client->dial({port->url(), ""}, again.dialing());
  BOOST_TEST(again.wait_open());
  BOOST_TEST(!again.connection->send(bytes_of(std::string(limits::frame_bytes_max + 1, 'x'))));
}

BOOST_AUTO_TEST_CASE(a_silent_peer_is_noticed) {
  side far;
  websocket_options impatient;
  impatient.heartbeat_interval = std::chrono::milliseconds{50};
  impatient.heartbeat_deadline = std::chrono::milliseconds{200};
  const auto server = make_websocket_network(impatient);
  const auto port = server->listen({}, far.accepting());
  raw_client mute{port->port()};
  BOOST_TEST(mute.send(upgrade_request()));
  BOOST_REQUIRE(far.wait_open());
  BOOST_REQUIRE(far.wait_closed());
  BOOST_TEST((far.ends.front() == close_reason::heartbeat_lost));
}

BOOST_AUTO_TEST_CASE(an_idle_peer_that_answers_pings_stays) {
  websocket_options impatient;
  impatient.heartbeat_interval = std::chrono::milliseconds{20};
  impatient.heartbeat_deadline = std::chrono::milliseconds{500};
  bool has_stayed =
      false; // A machine that stands still for the deadline ends the link rightly: then it is tried again.
  for (int tries = 0; tries < 10 && !has_stayed; ++tries) {
    side mute_side;
    link_between link{impatient};
    BOOST_REQUIRE(link.is_open());
    // Another connection that falls silent later than this one would tells that enough time is over.
    const auto port = link.server->listen({}, mute_side.accepting());
    raw_client mute{port->port()};
    mute.send(upgrade_request());
    BOOST_REQUIRE(mute_side.wait_closed());
    has_stayed = link.near.end_count() == 0 && link.far.end_count() == 0;
  }
  BOOST_TEST(has_stayed);
}

BOOST_AUTO_TEST_CASE(a_vanished_peer_is_noticed) {
  side far;
  const auto server = make_websocket_network();
  const auto port = server->listen({}, far.accepting());
  raw_client crashing{port->port()};
  crashing.send(upgrade_request());
  BOOST_REQUIRE(far.wait_open());
  crashing.reset();
  BOOST_REQUIRE(far.wait_closed());
  BOOST_TEST((far.ends.front() == close_reason::network));
}

BOOST_AUTO_TEST_CASE(connections_are_counted) {
  side far;
  side first;
  side second;
  side third;
  websocket_options few;
  few.connections_max = 2;
  std::vector<shared_connection> kept; // `far` keeps the last one only, and one that nobody keeps is closed.
  std::atomic<int> taken{0};
  const auto server = make_websocket_network(few);
  const auto client = make_websocket_network();
  const auto port = server->listen({}, [&, tell = far.accepting()](shared_connection opened) {
    kept.push_back(opened);
    ++taken;
    return tell(std::move(opened));
  });
  client->dial({port->url(), ""}, first.dialing());
  client->dial({port->url(), ""}, second.dialing());
  BOOST_REQUIRE(first.wait_open() && second.wait_open() && far.wait([&] { return taken == 2; }));
  client->dial({port->url(), ""}, third.dialing());
  BOOST_TEST(!third.wait_open());
  BOOST_TEST(third.trouble.find("as many connections") != std::string::npos, third.trouble);
}

BOOST_AUTO_TEST_CASE(handshakes_are_bounded_in_number_and_time) {
  side far;
  websocket_options strict;
  strict.handshakes_max = 2;
  strict.handshake_deadline = std::chrono::milliseconds{200};
  const auto server = make_websocket_network(strict);
  const auto port = server->listen({}, far.accepting());
  std::vector<std::unique_ptr<raw_client>> dawdlers;
  for (int number = 0; number < 6; ++number) {
    dawdlers.push_back(std::make_unique<raw_client>(port->port()));
    dawdlers.back()->send("GET / HTTP/1.1\r\n");
  }
  bool came_in = false; // A stall of the caller's own costs a try.
  for (int tries = 0; tries < 10 && !came_in; ++tries) {
    side near;
    const auto client = make_websocket_network();
    client->dial({port->url(), ""}, near.dialing());
    came_in = near.wait_open();
  }
  BOOST_TEST(came_in);
  for (const auto& dawdler : dawdlers) {
    BOOST_TEST(dawdler->read_to_end().empty());
  }
}

BOOST_AUTO_TEST_CASE(a_server_that_says_nothing_is_given_up) {
  side far;
  side near;
  websocket_options strict;
  strict.handshake_deadline = std::chrono::milliseconds{100};
  const auto client = make_websocket_network(strict);
  websocket_options stuffed;
  stuffed.handshakes_max = 0; // takes nobody
  const auto server = make_websocket_network(stuffed);
  const auto port = server->listen({}, far.accepting());
  client->dial({port->url(), ""}, near.dialing());
  BOOST_TEST(!near.wait_open());
  BOOST_TEST(near.trouble.find("no answer") != std::string::npos, near.trouble);
}
