#include "storage/record_store.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <xxhash.h>

#include "messages/limits.hpp"
#include "storage/packing.hpp"

namespace tandem::storage {

record_store::record_store(database& db, const table& info, const bool& has_tombstones)
    : info_{info}, has_tombstones_{has_tombstones} {
  const auto own = info.rows_table();
  const auto id = std::to_string(info.id);
  const std::string what = info.has_integer_key ? "rec" : "rec, k";
  get_ = {db, "SELECT " + what + " FROM " + own + " WHERE slot = ?1"};
  get_many_ = {db, "SELECT c0, " + what + " FROM tandem_feed(?1) CROSS JOIN " + own + " ON slot = c0"};
  put_many_ = {db, "REPLACE INTO " + own + "(slot, " + what + ") SELECT c0, c1" + (info.has_integer_key ? "" : ", c2") +
                       " FROM tandem_feed(?1)"};
  remove_ = {db, "DELETE FROM " + own + " WHERE slot = ?1"};
  dead_key_ = {db, "SELECT k FROM tandem_dead WHERE t = " + id + " AND slot = ?1"};
  dead_keys_ = {db, "SELECT c0, k FROM tandem_feed(?1) CROSS JOIN tandem_dead ON t = " + id + " AND slot = c0"};
}

// --- one row -----------------------------------------------------------------------------------

std::int64_t record_store::first_slot(std::string_view key) const {
  return info_.has_integer_key ? unpacked_values(key).front().integer
                               : static_cast<std::int64_t>(XXH3_64bits(key.data(), key.size()));
}

record_store::place& record_store::at(std::int64_t slot) {
  const auto [found, is_new] = places_.try_emplace(slot);
  auto& there = found->second;
  if (is_new) {
    const statement_guard guard{get_};
    get_.bind(slot);
    if (get_.step()) {
      there.is_taken = true;
      there.record = get_.blob(0);
      if (!info_.has_integer_key)
        there.key = get_.blob(1);
      bytes_ += there.record.size() + there.key.size();
    }
  }
  return there;
}

record_store::place& record_store::locate(std::string_view key) {
  if (located_ && key == located_key_)
    return *located_;
  keep_within_bounds(1);
  auto slot = first_slot(key);
  while (true) {
    auto& there = at(slot);
    if (info_.has_integer_key || is_of(key, slot, there)) {
      located_ = &there;
      located_slot_ = slot;
      located_key_ = key;
      return there;
    }
    // Another key with the same hash.
    slot = static_cast<std::int64_t>(static_cast<std::uint64_t>(slot) + 1);
  }
}

bool record_store::is_of(std::string_view key, std::int64_t slot, place& there) {
  if (there.is_taken)
    return there.key == key;
  const auto& dead = dead_key_at(slot, there);
  return !dead || *dead == key;
}

const std::optional<std::string>& record_store::dead_key_at(std::int64_t slot, place& there) {
  if (!there.is_dead_known && has_tombstones_) {
    const statement_guard guard{dead_key_};
    dead_key_.bind(slot);
    there.dead_key = dead_key_.step() ? std::optional{std::string{dead_key_.blob(0)}} : std::nullopt;
    there.is_dead_known = true;
  }
  return there.dead_key;
}

std::optional<row_record> record_store::record(std::string_view key) {
  const auto& there = locate(key);
  return there.is_taken ? std::optional{row_record::unpack(there.record)} : std::nullopt;
}

void record_store::put(std::string_view key, const row_record& record) {
  auto& there = locate(key);
  there.is_taken = there.is_changed = has_changes_ = true;
  there.record = record.pack();
  if (!info_.has_integer_key)
    there.key = key;
  bytes_ += there.record.size() + there.key.size();
}

void record_store::remove(std::string_view key) {
  auto& there = locate(key);
  there.is_taken = false;
  there.is_changed = has_changes_ = true;
}

std::int64_t record_store::slot_of(std::string_view key) {
  locate(key);
  return located_slot_;
}

std::optional<row_record> record_store::record_at(std::int64_t slot, std::string& key) {
  if (!places_.contains(slot))
    keep_within_bounds(1);
  const auto& there = at(slot);
  if (!there.is_taken)
    return std::nullopt;
  if (info_.has_integer_key) {
    key.clear();
    append_value(key, value_view::of_integer(slot));
  } else {
    key = there.key;
  }
  return row_record::unpack(there.record);
}

bool record_store::may_be_dead(std::string_view key) {
  if (!has_tombstones_)
    return false;
  auto& there = locate(key);
  return there.is_taken || dead_key_at(located_slot_, there).has_value();
}

void record_store::forget_dead(std::string_view key) {
  auto& there = locate(key);
  there.is_dead_known = false;
  there.dead_key.reset();
}

// --- many rows ---------------------------------------------------------------------------------

void record_store::keep_within_bounds(std::size_t more) {
  if (places_.size() + more <= limits::records_at_hand_max && bytes_ <= limits::records_at_hand_bytes_max)
    return;
  flush();
  forget();
}

void record_store::read_ahead(std::span<const std::string> keys) {
  std::vector<std::int64_t> slots;
  slots.reserve(keys.size());
  for (const auto& key : keys)
    slots.push_back(first_slot(key));
  read_ahead(slots);
}

void record_store::read_ahead(std::span<const std::int64_t> slots) {
  keep_within_bounds(slots.size());
  std::vector<std::int64_t> unknown;
  for (const auto slot : slots)
    if (places_.try_emplace(slot).second)
      unknown.push_back(slot);
  // Neighbours in the tree one after the other.
  std::ranges::sort(unknown);
  slots_.clear();
  for (const auto slot : unknown)
    slots_.add(value_view::of_integer(slot));
  read_fed();
  if (!has_tombstones_)
    return;
  read_dead_fed();
}

void record_store::read_fed() {
  const statement_guard guard{get_many_};
  get_many_.bind_feed(1, slots_);
  while (get_many_.step()) {
    auto& there = places_.at(get_many_.integer(0));
    there.is_taken = true;
    there.record = get_many_.blob(1);
    if (!info_.has_integer_key)
      there.key = get_many_.blob(2);
    bytes_ += there.record.size() + there.key.size();
  }
}

void record_store::read_dead_fed() {
  for (std::size_t i = 0; i < slots_.rows(); ++i)
    places_.at(slots_.cell(i, 0).integer).is_dead_known = true;
  const statement_guard guard{dead_keys_};
  dead_keys_.bind_feed(1, slots_);
  while (dead_keys_.step())
    places_.at(dead_keys_.integer(0)).dead_key = dead_keys_.blob(1);
}

void record_store::flush() {
  if (!std::exchange(has_changes_, false))
    return;
  std::vector<std::pair<std::int64_t, place*>> changed;
  for (auto& [slot, there] : places_)
    if (std::exchange(there.is_changed, false))
      changed.emplace_back(slot, &there);
  std::ranges::sort(changed, {}, [](const auto& each) { return each.first; });
  row_feed puts{info_.has_integer_key ? std::size_t{2} : std::size_t{3}};
  for (const auto& [slot, there] : changed) {
    if (!there->is_taken) {
      remove_.bind(slot).run();
      continue;
    }
    puts.add(value_view::of_integer(slot));
    puts.add(value_view::of_blob(there->record));
    if (!info_.has_integer_key)
      puts.add(value_view::of_blob(there->key));
  }
  if (puts.rows() == 0)
    return;
  put_many_.bind_feed(1, puts);
  put_many_.run();
}

void record_store::forget() {
  places_.clear();
  bytes_ = 0;
  has_changes_ = false;
  located_ = nullptr;
  located_key_.clear();
}

} // namespace tandem::storage
