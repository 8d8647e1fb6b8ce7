#include "actors/switchboard.hpp"

namespace tandem::actors {
namespace {

void raise_to(std::atomic<std::uint64_t>& peak, std::uint64_t value) {
  auto seen = peak.load(std::memory_order_relaxed);
  while (seen < value && !peak.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

} // namespace

void mailbox_load::add(std::size_t size) {
  raise_to(items_peak, items.fetch_add(1, std::memory_order_relaxed) + 1);
  raise_to(bytes_peak, bytes.fetch_add(size, std::memory_order_relaxed) + size);
}

void mailbox_load::remove(std::size_t size) {
  items.fetch_sub(1, std::memory_order_relaxed);
  bytes.fetch_sub(size, std::memory_order_relaxed);
}

void switchboard::connect(messages::address where, std::shared_ptr<mailbox> actor, std::shared_ptr<mailbox_load> load) {
  const std::lock_guard lock{mutex_};
  entries_.insert_or_assign(where, entry{std::move(actor), std::move(load)});
}

void switchboard::disconnect(messages::address where) {
  entry gone; // Destroyed outside of the lock.
  const std::lock_guard lock{mutex_};
  if (const auto found = entries_.find(where); found != entries_.end()) {
    gone = std::move(found->second);
    entries_.erase(found);
  }
}

void switchboard::clear() {
  std::map<messages::address, entry> gone;
  const std::lock_guard lock{mutex_};
  gone.swap(entries_);
}

bool switchboard::send(messages::address to, const messages::frame& message, bool is_urgent) {
  entry receiver;
  {
    const std::lock_guard lock{mutex_};
    const auto found = entries_.find(to);
    if (found == entries_.end())
      return false;
    receiver = found->second;
  }
  receiver.load->add(message.size());
  receiver.actor->put(message, is_urgent);
  return true;
}

std::vector<switchboard::load_entry> switchboard::loads() const {
  std::vector<load_entry> result;
  const std::lock_guard lock{mutex_};
  for (const auto& [where, entry] : entries_)
    result.push_back({where, entry.load->items, entry.load->bytes, entry.load->items_peak, entry.load->bytes_peak});
  return result;
}

} // namespace tandem::actors
