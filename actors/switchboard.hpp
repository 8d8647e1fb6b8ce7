// Where a frame for an address goes, and how much waits there.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "messages/frame.hpp"

namespace tandem::actors {

/// What waits in one mailbox, and the most that ever did.
struct mailbox_load {
  std::atomic<std::uint64_t> items{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> items_peak{0};
  std::atomic<std::uint64_t> bytes_peak{0};

  void add(std::size_t size);
  void remove(std::size_t size);
};

/// Where one actor's frames wait for it: CAF's, or another way to run an actor. Any thread may call it.
class mailbox {
public:
  virtual ~mailbox() = default;
  /// `is_urgent`: it jumps the queue.
  virtual void put(const messages::frame& message, bool is_urgent) = 0;
};

/// The node's address book. Actors know each other by address only, so that one that was restarted is
/// reached at once by all others. Any thread may use it; it holds no actor alive after `clear`.
class switchboard {
public:
  explicit switchboard(bool measures = true) : measures_{measures} {}
  /// Whether actors measure what they do.
  [[nodiscard]] bool measures() const { return measures_; }

  /// Puts an actor at an address; whoever was there is forgotten.
  void connect(messages::address where, std::shared_ptr<mailbox> actor, std::shared_ptr<mailbox_load> load);
  void disconnect(messages::address where);
  void clear();

  /// False if nobody is there: then the frame is dropped, as it would be on a cut wire.
  bool send(messages::address to, const messages::frame& message, bool is_urgent = false);

  struct load_entry {
    messages::address where;
    std::uint64_t items, bytes, items_peak, bytes_peak;
  };
  [[nodiscard]] std::vector<load_entry> loads() const;

private:
  struct entry {
    std::shared_ptr<mailbox> actor;
    std::shared_ptr<mailbox_load> load;
  };
  const bool measures_;
  mutable std::mutex mutex_;
  std::map<messages::address, entry> entries_;
};

} // namespace tandem::actors
