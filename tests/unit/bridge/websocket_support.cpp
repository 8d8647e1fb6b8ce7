#include "websocket_support.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace tandem::bridge::test {

raw_client::raw_client(std::uint16_t port) : descriptor_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval limit{patience.count(), 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::system_error{errno, std::generic_category(), "can't connect to the server under test"};
  }
}

raw_client::~raw_client() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

bool raw_client::send(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto count = ::send(descriptor_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) {
      return false;
    }
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

std::string raw_client::read_to_end() {
  return read_until({});
}

std::string raw_client::read_until(const std::string& bytes) {
  std::string text;
  std::array<char, 4096> chunk{};
  while (bytes.empty() || text.find(bytes) == std::string::npos) {
    const auto count = ::recv(descriptor_, chunk.data(), chunk.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      throw std::runtime_error{"nobody hung up, and nothing more came after: " + text};
    }
    if (count <= 0) {
      break;
    }
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return text;
}

void raw_client::end_sending() {
  ::shutdown(descriptor_, SHUT_WR);
}

void raw_client::reset() {
  const linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(descriptor_);
  descriptor_ = -1;
}

std::string upgrade_request(const std::string& extra, const std::string& protocol) {
  return "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         (protocol.empty() ? std::string{} : "Sec-WebSocket-Protocol: " + protocol + "\r\n") + extra + "\r\n";
}

} // namespace tandem::bridge::test
