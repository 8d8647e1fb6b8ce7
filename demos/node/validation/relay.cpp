#include "demos/node/validation/relay.hpp"

#include <array>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "messages/failure.hpp"

namespace tandem::node {

namespace {

/// How soon the threads notice that they are to end.
constexpr int look_ms = 50;

sockaddr_in here(std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  result.sin_port = htons(port);
  return result;
}

const sockaddr* as_address(const sockaddr_in& of) {
  return reinterpret_cast<const sockaddr*>(&of);
}

void set_no_delay(const socket_handle& of) {
  const int yes = 1;
  setsockopt(of.number(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

bool send_all(int to, const char* bytes, std::size_t count) {
  while (count > 0) {
    const auto sent = send(to, bytes, count, MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes += sent;
    count -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool can_read(const socket_handle& from) {
  pollfd waiting{from.number(), POLLIN, 0};
  return poll(&waiting, 1, look_ms) > 0;
}

} // namespace

socket_handle::~socket_handle() {
  if (number_ >= 0) {
    close(number_);
  }
}

socket_handle::socket_handle(socket_handle&& other) noexcept : number_{std::exchange(other.number_, -1)} {}

socket_handle& socket_handle::operator=(socket_handle&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

counting_relay::counting_relay(std::uint16_t to_port) : listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  auto address = here(0);
  socklen_t size = sizeof address;
  if (bind(listener_.number(), as_address(address), size) != 0 || listen(listener_.number(), 1) != 0 ||
      getsockname(listener_.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw messages::failure{messages::failure_code::network, "no port of 127.0.0.1 can be listened at"};
  }
  port_ = ntohs(address.sin_port);
  worker_ = std::thread{[this, to_port] {
    work(to_port);
  }};
}

counting_relay::~counting_relay() {
  is_over_ = true;
  worker_.join();
}

std::string counting_relay::url() const {
  return "ws://127.0.0.1:" + std::to_string(port_) + "/";
}

void counting_relay::pass_on(const socket_handle& from, const socket_handle& to, std::atomic<std::uint64_t>& counted) {
  std::array<char, 65'536> bytes{};
  while (!is_over_) {
    if (!can_read(from)) {
      continue;
    }
    const auto count = recv(from.number(), bytes.data(), bytes.size(), 0);
    if (count <= 0) {
      break;
    }
    counted += static_cast<std::uint64_t>(count);
    if (!send_all(to.number(), bytes.data(), static_cast<std::size_t>(count))) {
      break;
    }
  }
  // The other side ends too, and with it the other thread.
  shutdown(to.number(), SHUT_RDWR);
  shutdown(from.number(), SHUT_RDWR);
}

void counting_relay::work(std::uint16_t to_port) {
  while (!is_over_ && !can_read(listener_)) {
  }
  if (is_over_) {
    return;
  }
  const socket_handle near{accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC)};
  const socket_handle far{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = here(to_port);
  if (connect(far.number(), as_address(address), sizeof address) != 0) {
    return; // The device finds no hub, and the measurement ends at its deadline.
  }
  set_no_delay(near);
  set_no_delay(far);
  std::thread back{[&] {
    pass_on(far, near, answered_);
  }};
  pass_on(near, far, sent_);
  back.join();
}

} // namespace tandem::node
