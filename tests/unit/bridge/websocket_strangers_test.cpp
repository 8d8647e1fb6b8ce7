// Clients that do not keep to the rules, at the level of TCP.
#include <random>

#include <boost/test/unit_test.hpp>

#include "websocket_support.hpp"

using namespace tandem;
using namespace tandem::bridge;
using namespace tandem::bridge::test;

namespace {

struct server_alone {
  explicit server_alone(const std::string& token = {}) : network{make_websocket_network()} {
    listen_options where;
    where.token = token;
    port = network->listen(where, far.accepting());
  }
  std::string answer_to(const std::string& request) const {
    raw_client client{port->port()};
    client.send(request);
    return client.read_to_end();
  }
  /// A decent peer still gets in.
  bool is_well(const std::string& token = {}) const {
    side near;
    const auto client = make_websocket_network();
    client->dial({port->url(), token}, near.dialing());
    return near.wait_open();
  }

  side far;
  std::unique_ptr<bridge::network> network;
  std::unique_ptr<listener> port;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_browser_is_told_what_this_is) {
  const server_alone server;
  const auto answer = server.answer_to("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 426"), answer);
  BOOST_TEST(has(answer, "This is a Tandem node"), answer);
}

BOOST_AUTO_TEST_CASE(another_subprotocol_is_refused_with_a_text) {
  const server_alone server;
  for (const auto* protocol : {"", "tandem.2", "chat, superchat"}) {
    const auto answer = server.answer_to(upgrade_request("", protocol));
    BOOST_TEST(answer.starts_with("HTTP/1.1 400"), answer);
    BOOST_TEST(has(answer, "tandem.1"), answer);
  }
  raw_client newer{server.port->port()};
  newer.send(upgrade_request("", "tandem.2, tandem.1"));
  const auto answer = newer.read_until("\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 101"), answer);
  BOOST_TEST(has(answer, "Sec-WebSocket-Protocol: tandem.1\r\n"), answer);
}

BOOST_AUTO_TEST_CASE(the_token_comes_before_anything_else) {
  const server_alone server{"secret"};
  for (const auto& request :
       {std::string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n"}, upgrade_request("", "chat"), upgrade_request(),
        upgrade_request("Authorization: Bearer wrong\r\n"),
        upgrade_request("", "tandem.1, tandem.token.d3Jvbmc, tandem.token., tandem.token.secret")}) {
    const auto answer = server.answer_to(request);
    BOOST_TEST(answer.starts_with("HTTP/1.1 401"), answer);
    BOOST_TEST(!has(answer, "secret"));
  }
  BOOST_TEST(server.answer_to("nonsense\r\n\r\n").empty());
  BOOST_TEST(server.answer_to("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n").empty());
  BOOST_TEST(server.is_well("secret"));
}

BOOST_AUTO_TEST_CASE(a_browser_shows_the_token_as_a_subprotocol) {
  const server_alone server{"secret"};
  raw_client page{server.port->port()};
  page.send(upgrade_request("Origin: https://app.example\r\n", "tandem.1, tandem.token.c2VjcmV0"));
  const auto answer = page.read_until("\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 101"), answer);
  BOOST_TEST(has(answer, "Sec-WebSocket-Protocol: tandem.1\r\n"), answer);
}

BOOST_AUTO_TEST_CASE(pages_of_other_machines_are_refused) {
  const server_alone server;
  const auto answer = server.answer_to(upgrade_request("Origin: https://evil.example\r\n"));
  BOOST_TEST(answer.starts_with("HTTP/1.1 403"), answer);
  raw_client page{server.port->port()};
  page.send(upgrade_request("Origin: http://localhost:5173\r\n"));
  BOOST_TEST(page.read_until("\r\n\r\n").starts_with("HTTP/1.1 101"));
}

BOOST_AUTO_TEST_CASE(large_headers_are_refused) {
  const server_alone server;
  const auto answer = server.answer_to("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 431"), answer);
  std::string endless = "GET / HTTP/1.1\r\n";
  for (int number = 0; number < 10'000; ++number) {
    endless += "X-" + std::to_string(number) + ": y\r\n";
  }
  server.answer_to(endless);
  BOOST_TEST(server.is_well());
}

BOOST_AUTO_TEST_CASE(frames_ahead_of_the_answer_are_refused) {
  const server_alone server;
  const auto answer = server.answer_to(upgrade_request() + "\x82\x81\x01\x02\x03\x04\x60");
  BOOST_TEST(answer.starts_with("HTTP/1.1 400"), answer);
}

BOOST_AUTO_TEST_CASE(random_bytes_do_no_harm) {
  const server_alone server;
  const auto seed = std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 100; ++round) {
    // Some as the first bytes of all, some cut out of a good request, some behind a good handshake.
    auto bytes = round % 3 == 0 ? std::string{} : upgrade_request();
    if (round % 3 == 1) {
      bytes.resize(random() % bytes.size());
    }
    const auto count = random() % 2'000;
    for (std::size_t number = 0; number < count; ++number) {
      bytes.push_back(static_cast<char>(random()));
    }
    raw_client client{server.port->port()};
    client.send(bytes);
    if (round % 2 == 0) {
      client.reset();
    }
  }
  BOOST_TEST(server.is_well());
}

BOOST_AUTO_TEST_CASE(text_messages_and_broken_frames_close_the_connection) {
  using namespace std::string_literals;
  for (const auto& frame : {"\x81\x81\x01\x02\x03\x04\x60"s,                             // text
                            "\x82\x01x"s,                                                // not masked
                            "\xf2\x81\x01\x02\x03\x04\x60"s,                             // reserved bits
                            "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04"s, // a length beyond all
                            "\x83\x81\x01\x02\x03\x04\x60"s}) {                          // an unknown opcode
    server_alone server;
    raw_client client{server.port->port()};
    client.send(upgrade_request());
    BOOST_REQUIRE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101"));
    client.send(frame);
    client.end_sending();
    BOOST_REQUIRE(server.far.wait_closed());
    BOOST_TEST((server.far.ends.front() == close_reason::protocol_error), server.far.end_text);
    BOOST_TEST(server.far.frames.empty());
  }
}
