#include "storage/row_record.hpp"

#include <algorithm>

#include "messages/failure.hpp"
#include "storage/packing.hpp"

namespace tandem::storage {
namespace {

constexpr std::uint64_t quarantined_flag = 1;

void append_origin(std::string& out, const cell_origin& origin) {
  append_fixed64(out, origin.written.hlc);
  append_varint(out, origin.written.site);
  append_varint(out, origin.pos);
  append_varint(out, origin.via);
}

cell_origin take_origin(std::string_view& in) {
  cell_origin result;
  result.written.hlc = take_fixed64(in);
  result.written.site = static_cast<std::uint32_t>(take_varint(in));
  result.pos = take_varint(in);
  result.via = static_cast<std::uint32_t>(take_varint(in));
  return result;
}

} // namespace

row_record row_record::unpack(std::string_view packed) {
  row_record result;
  const auto flags = take_varint(packed);
  result.is_quarantined = flags & quarantined_flag;
  result.groups_.push_back({take_origin(packed), {}});
  while (!packed.empty()) {
    group next{take_origin(packed), {}};
    const auto words = take_varint(packed);
    for (std::uint64_t i = 0; i < words; ++i)
      next.columns.set_word(i, take_varint(packed));
    result.groups_.push_back(std::move(next));
  }
  return result;
}

std::string row_record::pack() const {
  std::string result;
  append_varint(result, is_quarantined ? quarantined_flag : 0);
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    append_origin(result, groups_[i].origin);
    if (i == 0)
      continue;
    const auto& columns = groups_[i].columns;
    append_varint(result, columns.words());
    for (std::size_t word = 0; word < columns.words(); ++word)
      append_varint(result, columns.word_at(word));
  }
  return result;
}

const cell_origin& row_record::of(std::uint32_t column) const {
  for (std::size_t i = 1; i < groups_.size(); ++i)
    if (groups_[i].columns.has(column))
      return groups_[i].origin;
  return groups_.front().origin;
}

column_set row_record::cells_of(std::size_t index, const column_set& all) const {
  if (index != 0)
    return groups_[index].columns;
  auto result = all;
  for (std::size_t i = 1; i < groups_.size(); ++i)
    result.remove(groups_[i].columns);
  return result;
}

void row_record::write(const column_set& cells, const cell_origin& origin, const column_set& all) {
  if (groups_.empty() || cells.covers(all)) {
    groups_.assign(1, {origin, {}});
    return;
  }
  for (std::size_t i = 1; i < groups_.size(); ++i)
    groups_[i].columns.remove(cells);
  const auto same =
      std::find_if(groups_.begin() + 1, groups_.end(), [&](const group& each) { return each.origin == origin; });
  if (same != groups_.end())
    same->columns.add(cells);
  else
    groups_.push_back({origin, cells});
  groups_.erase(
      std::remove_if(groups_.begin() + 1, groups_.end(), [](const group& each) { return each.columns.empty(); }),
      groups_.end());
}

} // namespace tandem::storage
