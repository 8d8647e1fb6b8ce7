#include <boost/test/unit_test.hpp>

#include "bridge/address.hpp"
#include "messages/failure.hpp"

using namespace tandem;
using bridge::parse_url;

BOOST_AUTO_TEST_CASE(urls_are_read_and_written) {
  const auto name = parse_url("ws://hub.example:8080/");
  BOOST_TEST(name.host == "hub.example");
  BOOST_TEST(name.port == 8080);
  BOOST_TEST(bridge::to_url(name) == "ws://hub.example:8080/");
  BOOST_TEST(parse_url("ws://127.0.0.1:1").port == 1);
  const auto ipv6 = parse_url("ws://[::1]:65535/");
  BOOST_TEST(ipv6.host == "::1");
  BOOST_TEST(bridge::to_url(ipv6) == "ws://[::1]:65535/");
}

BOOST_AUTO_TEST_CASE(urls_that_make_no_sense_are_refused_with_the_way_out) {
  for (const auto* url : {"", "ws://", "ws://host", "ws://host:", "ws://host:0/", "ws://host:65536/", "ws://host:80x/",
                          "ws://:80/", "http://host:80/", "wss://host:80/", "ws://host:80/path", "ws://ho st:80/",
                          "ws://[::1:80/", "ws://[]:80/", "ws://[::1]80/", "ws://user@host:80/", "ws://host:-1/"}) {
    BOOST_CHECK_EXCEPTION(parse_url(url), messages::failure, [](const messages::failure& trouble) {
      return trouble.code() == messages::failure_code::usage &&
             std::string{trouble.what()}.find("ws://HOST:PORT/") != std::string::npos;
    });
  }
  BOOST_CHECK_THROW(parse_url("ws://" + std::string(5'000, 'a') + ":80/"), messages::failure);
}

BOOST_AUTO_TEST_CASE(loopback_names_are_known) {
  for (const auto* host : {"localhost", "127.0.0.1", "127.1.2.3", "::1"}) {
    BOOST_TEST(bridge::is_loopback(host));
  }
  for (const auto* host :
       {"", "0.0.0.0", "::", "127.evil.com", "127.0.0.1.evil.com", "10.0.0.1", "example.com", "128.0.0.1"}) {
    BOOST_TEST(!bridge::is_loopback(host));
  }
  BOOST_TEST(bridge::is_loopback_origin("http://localhost:5173"));
  BOOST_TEST(bridge::is_loopback_origin("http://[::1]:5173"));
  BOOST_TEST(!bridge::is_loopback_origin("https://evil.example"));
  BOOST_TEST(!bridge::is_loopback_origin("null"));
}

BOOST_AUTO_TEST_CASE(tokens_match_whole_or_not_at_all) {
  BOOST_TEST(bridge::authorizes("secret", "Bearer secret"));
  for (const auto* header : {"", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Bearer secretsecret",
                             "bearer secret", "Basic secret", "Bearer Secret", "secret"}) {
    BOOST_TEST(!bridge::authorizes("secret", header));
  }
  BOOST_TEST(!bridge::equal_in_constant_time("", "x"));
  BOOST_TEST(bridge::equal_in_constant_time("", ""));
}

BOOST_AUTO_TEST_CASE(a_token_is_a_subprotocol_to_browsers) {
  BOOST_TEST(bridge::token_subprotocol("secret") == "tandem.token.c2VjcmV0");
  BOOST_TEST(bridge::token_subprotocol("\xfb\xef\xff>?") == "tandem.token.--__Pj8");
}

BOOST_AUTO_TEST_CASE(strangers_text_is_made_printable) {
  BOOST_TEST(bridge::printable("a\x1b[31mb\n\xff", 100) == "a?[31mb??");
  BOOST_TEST(bridge::printable("abcdef", 3) == "abc");
}
