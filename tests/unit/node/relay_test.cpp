#include <array>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>

#include "demos/node/validation/relay.hpp"

using namespace tandem::node;

namespace {

sockaddr_in here(std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  result.sin_port = htons(port);
  return result;
}

socket_handle make_socket() {
  return socket_handle{socket(AF_INET, SOCK_STREAM, 0)};
}

std::string receive(const socket_handle& from, std::size_t count) {
  std::string result(count, ' ');
  return recv(from.number(), result.data(), count, MSG_WAITALL) == static_cast<ssize_t>(count) ? result : std::string{};
}

} // namespace

BOOST_AUTO_TEST_SUITE(relay)

BOOST_AUTO_TEST_CASE(every_byte_passes_and_what_the_caller_sends_is_counted) {
  const auto listener = make_socket();
  auto address = here(0);
  socklen_t size = sizeof address;
  BOOST_REQUIRE(bind(listener.number(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  BOOST_REQUIRE(listen(listener.number(), 1) == 0);
  BOOST_REQUIRE(getsockname(listener.number(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const counting_relay road{ntohs(address.sin_port)};
  const auto url = road.url();
  BOOST_REQUIRE(url.starts_with("ws://127.0.0.1:"));
  const auto entry = here(static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1))));
  const auto caller = make_socket();
  BOOST_REQUIRE(connect(caller.number(), reinterpret_cast<const sockaddr*>(&entry), sizeof entry) == 0);
  const socket_handle answerer{accept(listener.number(), nullptr, nullptr)};
  constexpr std::string_view asked = "what is the time?";
  BOOST_REQUIRE(send(caller.number(), asked.data(), asked.size(), 0) == static_cast<ssize_t>(asked.size()));
  BOOST_TEST(receive(answerer, asked.size()) == asked);
  BOOST_TEST(road.sent() == asked.size());
  BOOST_REQUIRE(send(answerer.number(), "noon", 4, 0) == 4);
  BOOST_TEST(receive(caller, 4) == "noon");
  BOOST_TEST(road.sent() == asked.size());
}

BOOST_AUTO_TEST_CASE(a_road_that_nobody_takes_ends) {
  const counting_relay road{1};
  BOOST_TEST(road.sent() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
