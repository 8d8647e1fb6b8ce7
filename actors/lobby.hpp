// Where connections wait for their endpoint: transports bring them in, endpoints take them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/page_signals.hpp"
#include "actors/switchboard.hpp"
#include "bridge/transport.hpp"
#include "messages/internal.hpp"

namespace tandem::actors {

/// Gives each connection its link number and turns its events into frames. Any thread may use it.
class lobby : public std::enable_shared_from_this<lobby> {
public:
  explicit lobby(std::shared_ptr<switchboard> board);

  /// A connection that was accepted (`dialer` 0) or dialed. Tells the supervisor.
  bridge::connection_events admit(bridge::shared_connection connection, std::uint64_t dialer);
  /// A page that connected, with the token that its transport was shown.
  bridge::connection_events admit_page(bridge::shared_connection connection, std::string token);
  struct guest {
    bridge::shared_connection connection;
    std::uint64_t dialer = 0;
    std::shared_ptr<page_signals> page{}; ///< null: a node
    std::string token{};
  };
  [[nodiscard]] std::optional<guest> find(std::uint64_t link) const;
  void close(std::uint64_t link);
  void forget(std::uint64_t link);
  /// Closes and forgets all.
  void clear();
  /// Tells every page which tables have changed (none: any).
  void tell_pages(const std::vector<std::string>& tables, bool is_remote) const;
  /// Tells the pages that want to hear it that somebody has committed.
  void ring_pages() const;

private:
  std::uint64_t enter(guest who);
  [[nodiscard]] std::size_t count_pages() const;
  void frame_came(std::uint64_t link, bridge::shared_bytes bytes) const;
  void page_said(std::uint64_t link, page_signals& signals, bridge::shared_bytes bytes) const;
  void refuse(std::uint64_t link, const char* text) const;
  void connection_closed(std::uint64_t link, bridge::close_reason reason, const std::string& text,
                         const messages::end_link& farewell) const;
  void wake_pages(const std::function<bool(page_signals&)>& is_to_wake) const;

  std::shared_ptr<switchboard> board_;
  mutable std::mutex mutex_;
  std::uint64_t last_link_ = 0;
  std::map<std::uint64_t, guest> guests_;
};

} // namespace tandem::actors
