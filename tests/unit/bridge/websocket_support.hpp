// Real networks on loopback, and what their connections heard; waits have deadlines, never fixed times.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bridge/websocket.hpp"

namespace tandem::bridge::test {

constexpr std::chrono::seconds patience{20};

inline shared_bytes bytes_of(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

/// One side's connection, and all that it heard.
class side {
public:
  explicit side(std::size_t credit = SIZE_MAX / 4) : credit_{credit} {}

  accept_handler accepting() {
    return [this](shared_connection connection) {
      return take(std::move(connection), "");
    };
  }
  dialed_handler dialing() {
    return [this](shared_connection connection, const dial_trouble& why) {
      is_refusal = why.is_refusal;
      return take(std::move(connection), why.text);
    };
  }

  template <typename Condition>
  bool wait(Condition condition) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return condition(); });
  }
  bool wait_open() {
    return wait([this] { return connection != nullptr || !trouble.empty(); }) && connection != nullptr;
  }
  bool wait_frames(std::size_t count) {
    return wait([this, count] { return frames.size() >= count; });
  }
  bool wait_closed() {
    return wait([this] { return !ends.empty(); });
  }
  std::size_t frame_count() {
    const std::lock_guard lock{mutex_};
    return frames.size();
  }
  std::size_t end_count() {
    const std::lock_guard lock{mutex_};
    return ends.size();
  }

  // Read after a wait.
  shared_connection connection;
  std::string trouble;
  bool is_refusal = false;
  std::vector<shared_bytes> frames;
  std::vector<close_reason> ends;
  std::string end_text;
  std::size_t drained = 0;
  bool echoes = false;

private:
  connection_events take(shared_connection opened, std::string why) {
    {
      const std::lock_guard lock{mutex_};
      trouble = std::move(why);
      connection = opened;
      changed_.notify_all(); // Within the lock: who waited may end this side as soon as it has it.
    }
    if (!opened) {
      return {};
    }
    opened->grant(credit_);
    const std::weak_ptr<bridge::connection> weak{opened};
    connection_events events;
    events.on_frame = [this, weak](shared_bytes frame) {
      if (const auto open = weak.lock(); echoes && open) {
        open->send(frame);
      }
      const std::lock_guard lock{mutex_};
      frames.push_back(std::move(frame));
      changed_.notify_all();
    };
    events.on_drained = [this] {
      const std::lock_guard lock{mutex_};
      ++drained;
      changed_.notify_all();
    };
    events.on_closed = [this](close_reason reason, std::string text) {
      const std::lock_guard lock{mutex_};
      ends.push_back(reason);
      end_text = std::move(text);
      changed_.notify_all();
    };
    return events;
  }

  const std::size_t credit_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// A listening network and a dialing one, with one connection between them.
struct link_between {
  explicit link_between(const websocket_options& options = {}, std::size_t far_credit = SIZE_MAX / 4,
                        const std::string& token = {})
      : far{far_credit}, server{make_websocket_network(options)}, client{make_websocket_network(options)} {
    listen_options where;
    where.token = token;
    port = server->listen(where, far.accepting());
    client->dial({port->url(), token}, near.dialing());
  }
  bool is_open() { return near.wait_open() && far.wait_open(); }

  side near;
  side far;
  std::unique_ptr<network> server;
  std::unique_ptr<network> client;
  std::unique_ptr<listener> port;
};

/// A TCP client that knows no rules.
class raw_client {
public:
  explicit raw_client(std::uint16_t port);
  ~raw_client();
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  /// False once the other side has hung up.
  bool send(const std::string& bytes);
  /// All that comes until the other side hangs up; throws where it does not.
  std::string read_to_end();
  /// Until the bytes have been seen.
  std::string read_until(const std::string& bytes);
  /// Says that no more bytes will come.
  void end_sending();
  /// Ends the connection with a reset, as a crash would.
  void reset();

private:
  int descriptor_;
};

/// An upgrade request as it should be, with extra headers.
std::string upgrade_request(const std::string& extra = {}, const std::string& protocol = "tandem.1");

} // namespace tandem::bridge::test
