// Two networks that keep to the rules.
#include <random>

#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "websocket_support.hpp"

using namespace tandem;
using namespace tandem::bridge;
using namespace tandem::bridge::test;

BOOST_AUTO_TEST_CASE(frames_go_both_ways) {
  link_between link;
  link.far.echoes = true;
  BOOST_REQUIRE(link.is_open());
  BOOST_TEST(link.near.connection->peer_name() == link.port->url());
  BOOST_TEST(link.far.connection->peer_name().starts_with("127.0.0.1:"));
  for (int number = 0; number < 1'000; ++number) {
    BOOST_REQUIRE(link.near.connection->send(bytes_of("frame " + std::to_string(number))));
  }
  BOOST_REQUIRE(link.near.wait_frames(1'000));
  for (int number = 0; number < 1'000; ++number) {
    BOOST_REQUIRE(*link.near.frames[number] == "frame " + std::to_string(number));
  }
  BOOST_TEST(link.near.wait([&] { return link.near.drained > 0; }));
  BOOST_TEST(link.near.connection->unsent_bytes() == 0);
}

BOOST_AUTO_TEST_CASE(frames_of_all_sizes_come_whole) {
  link_between link;
  link.far.echoes = true;
  BOOST_REQUIRE(link.is_open());
  std::mt19937 random{42};
  std::vector<std::string> sent;
  for (const std::size_t size : {0, 1, 125, 126, 127, 65'535, 65'536, 65'537, 300'000, 1'000'001}) {
    std::string bytes(size, '\0');
    for (auto& byte : bytes) {
      byte = static_cast<char>(random());
    }
    sent.push_back(bytes);
    BOOST_REQUIRE(link.near.connection->send(bytes_of(bytes)));
  }
  sent.emplace_back(limits::frame_bytes_max, 'x');
  BOOST_REQUIRE(link.near.connection->send(bytes_of(sent.back())));
  BOOST_REQUIRE(link.near.wait_frames(sent.size()));
  for (std::size_t at = 0; at < sent.size(); ++at) {
    BOOST_TEST((*link.near.frames[at] == sent[at]));
  }
}

BOOST_AUTO_TEST_CASE(close_sends_what_is_queued_and_tells_both_once) {
  websocket_options patient;
  patient.close_deadline = patience;
  link_between link{patient};
  BOOST_REQUIRE(link.is_open());
  for (int number = 0; number < 20; ++number) {
    BOOST_REQUIRE(link.near.connection->send(bytes_of(std::string(100'000, 'x'))));
  }
  link.near.connection->close();
  link.near.connection->close();
  BOOST_TEST(!link.near.connection->send(bytes_of("too late")));
  BOOST_REQUIRE(link.near.wait_closed());
  BOOST_REQUIRE(link.far.wait_closed());
  BOOST_TEST(link.far.frames.size() == 20);
  BOOST_TEST((link.near.ends.front() == close_reason::local));
  BOOST_TEST((link.far.ends.front() == close_reason::peer));
  link.server->stop();
  link.client->stop();
  BOOST_TEST(link.near.end_count() == 1);
  BOOST_TEST(link.far.end_count() == 1);
}

BOOST_AUTO_TEST_CASE(dropping_the_last_reference_closes) {
  link_between link;
  BOOST_REQUIRE(link.is_open());
  link.near.connection.reset();
  BOOST_TEST(link.far.wait_closed());
  BOOST_TEST(link.near.wait_closed());
}

BOOST_AUTO_TEST_CASE(a_token_lets_in) {
  link_between link{{}, SIZE_MAX / 4, "open sesame"};
  BOOST_TEST(link.is_open());
}

BOOST_AUTO_TEST_CASE(a_wrong_token_is_told_and_a_missing_one_too) {
  side far;
  const auto server = make_websocket_network();
  listen_options where;
  where.token = "right";
  const auto port = server->listen(where, far.accepting());
  for (const std::string token : {"", "wrong", "rightright"}) {
    side near;
    const auto client = make_websocket_network();
    client->dial({port->url(), token}, near.dialing());
    BOOST_TEST(!near.wait_open());
    BOOST_TEST(near.trouble.find("token") != std::string::npos, near.trouble);
    BOOST_TEST(near.is_refusal);
  }
  BOOST_TEST(!far.connection);
  BOOST_TEST(server->troubles().refused == 3U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_dialed_is_told) {
  websocket_options brief;
  brief.handshake_deadline = std::chrono::seconds{5}; // Less than what a resolver without a server takes.
  std::string nobody;
  {
    side far;
    const auto server = make_websocket_network();
    nobody = server->listen({}, far.accepting())->url();
  }
  for (const auto& url : {nobody, std::string{"ws://no.such.host.invalid:1/"}, std::string{"http://x/"}}) {
    side near;
    const auto client = make_websocket_network(brief);
    client->dial({url, ""}, near.dialing());
    BOOST_TEST(!near.wait_open());
    BOOST_TEST(near.trouble.find(url) != std::string::npos, near.trouble);
  }
}

BOOST_AUTO_TEST_CASE(a_port_in_use_is_refused_and_free_after_stop) {
  side far;
  const auto server = make_websocket_network();
  const auto port = server->listen({}, far.accepting());
  listen_options same;
  same.port = port->port();
  BOOST_CHECK_EXCEPTION(server->listen(same, far.accepting()), messages::failure, [](const messages::failure& trouble) {
    return trouble.code() == messages::failure_code::network &&
           std::string{trouble.what()}.find("another port") != std::string::npos;
  });
  port->stop();
  BOOST_CHECK_NO_THROW(server->listen(same, far.accepting()));
}

BOOST_AUTO_TEST_CASE(a_public_address_needs_a_token) {
  side far;
  const auto server = make_websocket_network();
  for (const auto* host : {"0.0.0.0", "::"}) {
    listen_options where;
    where.host = host;
    BOOST_CHECK_EXCEPTION(server->listen(where, far.accepting()), messages::failure,
                          [](const messages::failure& trouble) {
                            return trouble.code() == messages::failure_code::denied &&
                                   std::string{trouble.what()}.find("token") != std::string::npos;
                          });
  }
  listen_options elsewhere;
  elsewhere.host = "203.0.113.1";
  elsewhere.token = "t";
  BOOST_CHECK_THROW(server->listen(elsewhere, far.accepting()), messages::failure);
}

BOOST_AUTO_TEST_CASE(stop_amid_traffic_ends_everything_once) {
  for (int round = 0; round < 10; ++round) {
    link_between link;
    link.far.echoes = true;
    BOOST_REQUIRE(link.is_open());
    const auto frame = bytes_of(std::string(50'000, 'x'));
    while (link.near.connection->send(frame)) {
    }
    side late;
    link.client->dial({link.port->url(), ""}, late.dialing());
    (round % 2 == 0 ? link.client : link.server)->stop();
    BOOST_TEST(link.near.wait_closed());
    BOOST_TEST(link.far.wait_closed());
    link.client->stop();
    link.server->stop();
    BOOST_TEST(link.near.end_count() == 1);
    BOOST_TEST(link.far.end_count() == 1);
    BOOST_TEST(!link.near.connection->send(frame));
    link.near.connection->grant(1);
    link.near.connection->close();
  }
}

BOOST_AUTO_TEST_CASE(a_connection_outlives_its_network) {
  shared_connection kept;
  {
    link_between link;
    BOOST_REQUIRE(link.is_open());
    kept = link.near.connection;
    link.client->stop();
    link.server->stop();
  }
  BOOST_TEST(!kept->send(bytes_of("x")));
  BOOST_TEST(kept->unsent_bytes() == 0);
}
