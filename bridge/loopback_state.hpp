// What a loopback world knows: its ports, dials and connections. Private to loopback*.cpp.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bridge/loopback.hpp"

namespace tandem::bridge {

/// One end of a pair. `incoming` holds what the other end has sent and nobody has handed over yet.
struct loopback_end {
  std::uint64_t owner = 0;
  std::string peer_name;
  std::string listener_host;
  connection_events events;
  std::deque<shared_bytes> incoming;
  std::size_t incoming_bytes = 0;
  std::size_t credit_bytes = 0;
  bool is_open = true;
  bool is_closing = false; ///< by its own side: closes when the other end has taken everything
  bool is_silent = false;  ///< half-open: takes frames and loses them
  bool owes_drained = false;
  std::optional<std::pair<close_reason, std::string>> end; ///< what on_closed will be told
  std::weak_ptr<loopback_end> other;
};

using shared_end = std::shared_ptr<loopback_end>;

struct loopback_dial {
  std::uint64_t owner = 0;
  dial_options options;
  dialed_handler on_dialed;
};

struct loopback_port {
  std::uint64_t owner = 0;
  std::string token;
  accept_handler on_accept;
};

using loopback_action = std::function<void()>;

struct loopback_world::implementation : std::enable_shared_from_this<implementation> {
  implementation(std::uint64_t seed, const loopback_faults& faults_) : random{seed}, faults{faults_} {}

  // mt19937_64's sequence is fixed by the standard; its distributions are not.
  std::uint64_t pick(std::uint64_t count) { return random() % count; }
  bool strikes(std::uint32_t per_million) { return per_million != 0 && pick(1'000'000) < per_million; }

  loopback_action next_action();
  loopback_action next_dial();
  loopback_action next_frame(const shared_end& end);
  loopback_action next_close(const shared_end& end);
  void strike_faults();
  void end_pair(const shared_end& end, close_reason here, const std::string& text_here, close_reason there,
                const std::string& text_there);
  void finish_closing();
  void cut_where(const std::function<bool(const loopback_end&)>& is_chosen, const std::string& text);
  loopback_action connect(loopback_dial& dialed);
  void stop_owner(std::uint64_t owner);

  mutable std::mutex mutex;
  std::mt19937_64 random;
  loopback_faults faults;
  std::uint64_t steps = 0;
  std::uint64_t frames = 0;
  std::uint64_t owners = 0;
  std::map<std::pair<std::string, std::uint16_t>, loopback_port> ports;
  std::set<std::string> blocked;
  std::set<std::uint64_t> not_reading; ///< owners
  std::deque<loopback_dial> dials;
  std::vector<shared_end> ends;
  std::map<std::uint64_t, std::vector<std::weak_ptr<loopback_end>>> silent_until; ///< by step
};

} // namespace tandem::bridge
