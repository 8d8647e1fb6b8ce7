#include "storage/row_hashing.hpp"

#include <algorithm>

#include <xxhash.h>

#include "storage/drifting.hpp"

namespace tandem::storage {

row_hasher::row_hasher(const table& of) : of_{of}, order_(of.cells.size()) {
  for (std::size_t i = 0; i < order_.size(); ++i)
    order_[i] = i;
  std::ranges::sort(order_, {}, [&](std::size_t cell) { return of.columns[of.cells[cell]].name; });
}

row_hash row_hasher::operator()(std::string_view key, const std::vector<value_view>& cells) {
  pack(key, cells);
  return hash();
}

row_hash row_hasher::with_stamps(core& c, std::string_view key, const std::vector<value_view>& cells,
                                 const row_record& record) {
  pack(key, cells);
  const auto add = [&](std::uint32_t column) {
    const auto& written = origin_of(of_, record, column).written;
    append_fixed64(bytes_, written.hlc);
    if (written.site != 0)
      bytes_ += c.site_at(written.site).view();
  };
  add(life_column);
  for (const auto cell : order_)
    add(of_.columns[of_.cells[cell]].id);
  return hash();
}

void row_hasher::pack(std::string_view key, const std::vector<value_view>& cells) {
  bytes_.assign(key);
  for (const auto cell : order_) {
    const auto& name = of_.columns[of_.cells[cell]].name;
    append_varint(bytes_, name.size());
    bytes_ += name;
    // SQLite holds 0.0 and -0.0 for the same, so a change from one to the other is no write.
    const auto& each = cells[cell];
    append_value(bytes_, each.type == value_type::real && each.real == 0 ? value_view::of_real(0) : each);
  }
}

row_hash row_hasher::hash() const {
  const auto result = XXH3_128bits(bytes_.data(), bytes_.size());
  return {result.low64, result.high64};
}

std::uint64_t hash_of_key(std::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

} // namespace tandem::storage
