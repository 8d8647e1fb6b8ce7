// Digests: one hash per row, added up, so that the order of rows and of columns makes no difference.
#include <algorithm>
#include <map>

#include <xxhash.h>

#include "storage/inspecting.hpp"
#include "storage/row_hashing.hpp"

namespace tandem::storage {
namespace {

std::string hex(row_hash hash) {
  site_id bytes; // for its hex digits
  for (unsigned i = 0; i < 8; ++i) {
    bytes.bytes[i] = static_cast<std::uint8_t>(hash.high >> (56 - 8 * i));
    bytes.bytes[8 + i] = static_cast<std::uint8_t>(hash.low >> (56 - 8 * i));
  }
  return bytes.to_hex();
}

} // namespace

std::vector<std::pair<std::string, std::string>> digests_of(core& c) {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& [id, table] : c.tables) {
    row_hasher hasher{table->info};
    row_hash sum;
    each_row(c, *table,
             [&](std::string_view key, const std::vector<value_view>& cells) { sum.add(hasher(key, cells)); });
    result.emplace_back(table->info.name, hex(sum));
  }
  std::ranges::sort(result);
  return result;
}

std::string digest_of(const std::vector<std::pair<std::string, std::string>>& tables) {
  std::string all;
  for (const auto& [name, digest] : tables)
    all += name + "\n" + digest + "\n";
  const auto hash = XXH3_128bits(all.data(), all.size());
  return hex({hash.low64, hash.high64});
}

findings compare_rows(core& left, core& right, std::size_t findings_max) {
  findings result;
  const auto report = [&](std::string text) {
    if (result.size() < findings_max)
      result.push_back(std::move(text));
  };
  for (const auto& [id, table] : left.tables)
    if (!right.table_named(table->info.name))
      report("table " + quoted(table->info.name) + " is tracked in " + left.db.path() + " only");
  for (const auto& [id, owned] : right.tables) {
    const auto table = owned.get();
    const auto other = left.table_named(table->info.name);
    if (!other) {
      report("table " + quoted(table->info.name) + " is tracked in " + right.db.path() + " only");
      continue;
    }
    std::map<std::string, row_hash> rows;
    row_hasher hash_left{other->info};
    row_hasher hash_right{table->info};
    each_row(left, *other, [&](std::string_view key, const std::vector<value_view>& cells) {
      rows[std::string{key}] = hash_left(key, cells);
    });
    each_row(right, *table, [&](std::string_view key, const std::vector<value_view>& cells) {
      const auto found = rows.find(std::string{key});
      if (found == rows.end()) {
        report("row " + key_to_json(key) + " of " + quoted(table->info.name) + " is in " + right.db.path() + " only");
        return;
      }
      if (!(found->second == hash_right(key, cells)))
        report("row " + key_to_json(key) + " of " + quoted(table->info.name) + " differs");
      rows.erase(found);
    });
    for (const auto& [key, hash] : rows)
      report("row " + key_to_json(key) + " of " + quoted(table->info.name) + " is in " + left.db.path() + " only");
  }
  return result;
}

} // namespace tandem::storage
