// Digests: one hash per row, added up, so that the order of rows and of columns makes no difference.
#include <algorithm>
#include <map>

#include <xxhash.h>

#include "storage/inspecting.hpp"

namespace tandem::storage {
namespace {

struct row_hash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const row_hash&) const = default;
};

/// Hashes rows of one table: their key, and their cells in the order of the columns' names.
class row_hasher {
public:
  explicit row_hasher(const table& of) : of_{of}, order_(of.cells.size()) {
    for (std::size_t i = 0; i < order_.size(); ++i)
      order_[i] = i;
    std::ranges::sort(order_, {}, [&](std::size_t cell) { return of.columns[of.cells[cell]].name; });
  }

  row_hash operator()(std::string_view key, const std::vector<value_view>& cells) {
    bytes_.assign(key);
    for (const auto cell : order_) {
      const auto& name = of_.columns[of_.cells[cell]].name;
      append_varint(bytes_, name.size());
      bytes_ += name;
      // SQLite holds 0.0 and -0.0 for the same, so a change from one to the other is no write.
      const auto& each = cells[cell];
      append_value(bytes_, each.type == value_type::real && each.real == 0 ? value_view::of_real(0) : each);
    }
    const auto hash = XXH3_128bits(bytes_.data(), bytes_.size());
    return {hash.low64, hash.high64};
  }

private:
  const table& of_;
  std::vector<std::size_t> order_;
  std::string bytes_;
};

/// Visits every row of the merged state: the visible ones and those set aside.
template <class Visit>
void each_row(core& c, tracked_table& table, Visit visit) {
  std::vector<std::string> names;
  for (const auto index : table.info.cells)
    names.push_back(quoted(table.info.columns[index].name));
  names.push_back(table.info.key_list());
  statement rows{c.db, "SELECT " + joined(names, ", ") + " FROM main." + quoted(table.info.name)};
  std::vector<value_view> cells(table.info.cells.size());
  const auto key_column = static_cast<int>(cells.size());
  while (rows.step()) {
    if (rows.is_null(key_column))
      continue; // a row without a key can't be named, and does not sync
    for (std::size_t i = 0; i < cells.size(); ++i)
      cells[i] = rows.value(static_cast<int>(i));
    visit(table.app_key(rows, key_column), cells);
  }
  statement aside{c.db, "SELECT k, vals FROM tandem_quarantine WHERE t = ?"};
  aside.bind(table.info.id);
  while (aside.step()) {
    const auto values = unpack_cells(table.info, aside.blob(1));
    visit(aside.blob(0), views_of(values));
  }
}

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
    each_row(c, *table, [&](std::string_view key, const std::vector<value_view>& cells) {
      const auto hash = hasher(key, cells);
      sum.low += hash.low;
      sum.high += hash.high;
    });
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
