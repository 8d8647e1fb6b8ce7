// Connections of a page's node: to its page within the module, and to peers by the browser's WebSockets.
//
// The page's script does what this module can't; it imports these functions (see lib_host.js) and calls `came` and
// `closed` in return.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "bridge/transport.hpp"

namespace tandem::wasm {

/// Numbers connections as the script does. One thread.
class browser_network final : public bridge::network {
public:
  browser_network();
  ~browser_network() override;

  std::unique_ptr<bridge::listener> listen(const bridge::listen_options& options,
                                           bridge::accept_handler on_accept) override;
  void dial(const bridge::dial_options& options, bridge::dialed_handler on_dialed) override;
  void stop() override {}

  /// A page of the same script connects, under a number that it chose from `dialed` on (all even numbers are its own).
  void open_page(std::uint32_t number, const bridge::page_handler& on_page);
  /// A socket that was dialed is open.
  void opened(std::uint32_t number);
  void came(std::uint32_t number, std::string bytes);
  /// From the other side.
  void closed(std::uint32_t number, const std::string& text);

private:
  class script_connection;
  struct line {
    std::weak_ptr<script_connection> open;
    bridge::connection_events events;
    bridge::dialed_handler on_dialed; ///< while it is being dialed
    std::string url;
  };
  void ended_here(std::uint32_t number);

  std::map<std::uint32_t, line> lines_;
  std::uint32_t last_dialed_ = 1; ///< odd numbers
};

} // namespace tandem::wasm
