// A road between a device and its hub that counts what passes.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace tandem::node {

/// Closes what it holds.
class socket_handle {
public:
  socket_handle() = default;
  explicit socket_handle(int number) : number_{number} {}
  ~socket_handle();
  socket_handle(socket_handle&& other) noexcept;
  socket_handle& operator=(socket_handle&& other) noexcept;
  [[nodiscard]] int number() const { return number_; }

private:
  int number_ = -1;
};

/// Takes one connection, on a port of its own, and hands every byte on to a port of this machine.
class counting_relay {
public:
  /// Throws messages::failure (network) if there is no port.
  explicit counting_relay(std::uint16_t to_port);
  ~counting_relay();
  counting_relay(const counting_relay&) = delete;
  counting_relay& operator=(const counting_relay&) = delete;

  /// Where to connect to: "ws://127.0.0.1:PORT/".
  [[nodiscard]] std::string url() const;
  /// Bytes that the one who connected has sent.
  [[nodiscard]] std::uint64_t sent() const { return sent_; }

private:
  void work(std::uint16_t to_port);
  void pass_on(const socket_handle& from, const socket_handle& to, std::atomic<std::uint64_t>& counted);

  socket_handle listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> is_over_{false};
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> answered_{0};
  std::thread worker_;
};

} // namespace tandem::node
