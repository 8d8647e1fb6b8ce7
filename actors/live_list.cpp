#include "actors/live_list.hpp"

#include <algorithm>

#include <xxhash.h>

namespace tandem::actors {
namespace {

constexpr std::int64_t nowhere = -1;

/// Marks the longest run of `olds` that is in order; all others have to move. `nowhere` never is.
std::vector<bool> in_order(const std::vector<std::int64_t>& olds) {
  std::vector<std::size_t> ends; // of the best run of each length, by index into olds
  std::vector<std::size_t> before(olds.size(), olds.size());
  for (std::size_t i = 0; i < olds.size(); ++i) {
    if (olds[i] == nowhere)
      continue;
    const auto place = std::lower_bound(ends.begin(), ends.end(), olds[i],
                                        [&](std::size_t end, std::int64_t old) { return olds[end] < old; });
    if (place != ends.begin())
      before[i] = *(place - 1);
    if (place == ends.end())
      ends.push_back(i);
    else
      *place = i;
  }
  std::vector<bool> result(olds.size(), false);
  for (auto i = ends.empty() ? olds.size() : ends.back(); i < olds.size(); i = before[i])
    result[i] = true;
  return result;
}

} // namespace

void live_rows::add(const std::vector<messages::value_view>& values) {
  const auto begin = encoded_.size();
  for (const auto& each : values)
    encoded_.value(each);
  row added;
  added.end = encoded_.size();
  added.values = static_cast<std::uint32_t>(values.size());
  const auto content = std::string_view{encoded_.bytes()}.substr(begin);
  added.content = XXH3_64bits(content.data(), content.size());
  key_.clear();
  for (const auto column : key_columns_)
    key_.value(values[column]);
  const auto named = key_columns_.empty() ? content : std::string_view{key_.bytes()};
  const auto hash = XXH3_128bits(named.data(), named.size());
  added.identity = {hash.low64, hash.high64};
  // Rows that are alike are told apart by their order.
  added.identity.high += seen_[added.identity]++;
  rows_.push_back(added);
}

std::string_view live_rows::bytes_of(std::size_t index) const {
  const auto begin = index == 0 ? 0 : rows_[index - 1].end;
  return std::string_view{encoded_.bytes()}.substr(begin, rows_[index].end - begin);
}

/// For each fresh row the place where it is shown and can stay; `nowhere`: it has to be put in.
std::vector<std::int64_t> live_list::stays(const live_rows& fresh) const {
  const auto& rows = fresh.rows_;
  std::vector<std::int64_t> result(rows.size(), nowhere);
  const auto shorter = std::min(rows.size(), shown_.size());
  std::size_t head = 0;
  for (; head < shorter && rows[head].identity == shown_[head].identity; ++head)
    result[head] = static_cast<std::int64_t>(head);
  std::size_t tail = 0;
  for (; tail < shorter - head && rows[rows.size() - 1 - tail].identity == shown_[shown_.size() - 1 - tail].identity;
       ++tail)
    result[rows.size() - 1 - tail] = static_cast<std::int64_t>(shown_.size() - 1 - tail);

  std::unordered_map<row_identity, std::int64_t, row_identity_hash> places;
  for (auto i = head; i < shown_.size() - tail; ++i)
    places.emplace(shown_[i].identity, static_cast<std::int64_t>(i));
  std::vector<std::int64_t> middle(rows.size() - tail - head, nowhere);
  for (std::size_t i = 0; i < middle.size(); ++i)
    if (const auto found = places.find(rows[head + i].identity); found != places.end())
      middle[i] = found->second;
  const auto keeps = in_order(middle);
  for (std::size_t i = 0; i < middle.size(); ++i)
    result[head + i] = keeps[i] ? middle[i] : nowhere;
  return result;
}

live_difference live_list::become(const live_rows& fresh, std::size_t bytes_target) {
  const auto places = stays(fresh);
  live_difference result;
  std::vector<bool> is_kept(shown_.size(), false);
  std::vector<row> next;
  next.reserve(fresh.size());
  std::size_t bytes = 0;
  const auto has_room = [&](std::size_t index) {
    const auto size = fresh.bytes_of(index).size();
    if (bytes != 0 && bytes + size > bytes_target) {
      result.is_all = false;
      return false;
    }
    bytes += size;
    return true;
  };
  const auto add = [&](std::vector<std::uint32_t>& indexes, messages::page::encoded_values& values, std::size_t index) {
    indexes.push_back(static_cast<std::uint32_t>(next.size()));
    values.bytes.items(fresh.bytes_of(index));
    values.count += fresh.rows_[index].values;
  };
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const auto& now = fresh.rows_[i];
    row shown{now.identity, now.content};
    if (places[i] == nowhere) {
      if (!has_room(i))
        continue;
      add(result.inserted, result.inserted_values, i);
    } else {
      const auto place = static_cast<std::size_t>(places[i]);
      is_kept[place] = true;
      if (shown_[place].content != now.content) {
        if (has_room(i))
          add(result.changed, result.changed_values, i);
        else
          shown.content = shown_[place].content;
      }
    }
    next.push_back(shown);
  }
  for (std::size_t i = 0; i < is_kept.size(); ++i)
    if (!is_kept[i])
      result.removed.push_back(static_cast<std::uint32_t>(i));
  result.total = static_cast<std::uint32_t>(next.size());
  shown_ = std::move(next);
  return result;
}

} // namespace tandem::actors
