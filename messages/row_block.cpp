#include "messages/row_block.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <utility>

#include <zstd.h>

#include "messages/codec.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"

namespace tandem::messages {
namespace {

// First byte of a block.
constexpr char plain_block = 0;
constexpr char zstd_block = 1;

// Below this a zstd frame's own header eats what compression saves.
constexpr std::size_t worth_compressing_bytes = 200;
constexpr int compress_level = 3;

[[noreturn]] void refuse(const std::string& what) {
  throw failure{failure_code::protocol, "a row block is malformed: " + what + "; nothing of its bundle was applied"};
}

/// Integers that mostly rise by little: the first as it is, the others as differences.
class series_writer {
public:
  void add(std::uint64_t number) {
    all_equal_ = all_equal_ && (count_ == 0 || number == last_);
    if (count_++ == 0)
      first_ = number;
    differences_.integer(static_cast<std::int64_t>(number - last_));
    last_ = number;
  }
  void write(encoder& out) const {
    if (all_equal_)
      out.unsigned_integer(first_);
    else
      out.blob(differences_.bytes());
  }
  [[nodiscard]] std::size_t size() const { return differences_.size(); }

private:
  encoder differences_;
  std::uint64_t first_ = 0;
  std::uint64_t last_ = 0;
  std::size_t count_ = 0;
  bool all_equal_ = true;
};

class series_reader {
public:
  explicit series_reader(decoder& in) : differences_{std::string_view{}} {
    if (in.next_is_blob())
      differences_ = decoder{in.blob()};
    else {
      last_ = in.unsigned_integer();
      is_constant_ = true;
    }
  }
  std::uint64_t next() {
    if (!is_constant_)
      last_ += static_cast<std::uint64_t>(differences_.integer());
    return last_;
  }

private:
  decoder differences_;
  std::uint64_t last_ = 0;
  bool is_constant_ = false;
};

/// Rows of one table with the same columns in the same groups.
struct run_builder {
  struct group {
    std::vector<std::uint32_t> columns;
    series_writer sites, hlcs, positions;
  };
  std::uint32_t table = 0;
  std::uint64_t rows = 0;
  std::vector<group> groups;
  std::vector<encoder> keys;
  std::vector<encoder> values;

  explicit run_builder(const row_change& first) : table{first.table} {
    for (const auto& given : first.groups)
      groups.push_back({{given.columns.begin(), given.columns.end()}, {}, {}, {}});
    keys.resize(first.key.size());
    values.resize(first.values.size());
  }

  [[nodiscard]] bool fits(const row_change& change) const {
    if (table != change.table || keys.size() != change.key.size() || groups.size() != change.groups.size())
      return false;
    for (std::size_t i = 0; i < groups.size(); ++i)
      if (!std::ranges::equal(groups[i].columns, change.groups[i].columns))
        return false;
    return true;
  }

  void write(encoder& out) const {
    out.unsigned_integer(table);
    out.unsigned_integer(rows);
    out.unsigned_integer(keys.size());
    out.array(groups.size());
    for (const auto& each : groups) {
      out.array(each.columns.size());
      for (const auto column : each.columns)
        out.unsigned_integer(column);
      each.sites.write(out);
      each.hlcs.write(out);
      each.positions.write(out);
    }
    for (const auto& column : keys)
      out.blob(column.bytes());
    for (const auto& column : values)
      out.blob(column.bytes());
  }
};

std::string compressed(const std::string& plain) {
  std::string result(1, plain_block);
  if (plain.size() >= worth_compressing_bytes) {
    result.resize(1 + ZSTD_compressBound(plain.size()));
    const auto size = ZSTD_compress(result.data() + 1, result.size() - 1, plain.data(), plain.size(), compress_level);
    if (!ZSTD_isError(size) && size < plain.size()) {
      result.resize(1 + size);
      result[0] = zstd_block;
      return result;
    }
    result.resize(1);
    result[0] = plain_block;
  }
  return result + plain;
}

std::string decompressed(std::string_view packed) {
  const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
    refuse("its compressed bytes do not tell their size");
  if (size > limits::block_bytes_max)
    throw failure{failure_code::limit, "a row block would unpack to " + std::to_string(size) +
                                           " bytes, over the limit of " + std::to_string(limits::block_bytes_max) +
                                           "; nothing of its bundle was applied"};
  std::string result(size, '\0');
  const auto written = ZSTD_decompress(result.data(), result.size(), packed.data(), packed.size());
  if (ZSTD_isError(written) || written != size)
    refuse("its compressed bytes are damaged");
  return result;
}

} // namespace

struct row_block_writer::implementation {
  std::vector<site_id> sites;
  std::deque<run_builder> runs;
  run_builder* last = nullptr;
  std::multimap<std::pair<std::uint32_t, std::size_t>, run_builder*> by_shape;
  std::size_t bytes = 0;
  std::uint64_t rows = 0;

  std::uint64_t site_index(const site_id& site) {
    const auto found = std::ranges::find(sites, site);
    if (found != sites.end())
      return static_cast<std::uint64_t>(found - sites.begin());
    sites.push_back(site);
    return sites.size() - 1;
  }

  run_builder& run_for(const row_change& change) {
    if (last && last->fits(change))
      return *last;
    const std::pair shape{change.table, change.values.size()};
    const auto [begin, end] = by_shape.equal_range(shape);
    for (auto it = begin; it != end; ++it)
      if (it->second->fits(change))
        return *(last = it->second);
    last = &runs.emplace_back(change);
    by_shape.emplace(shape, last);
    bytes += 16;
    return *last;
  }
};

row_block_writer::row_block_writer() : implementation_{std::make_unique<implementation>()} {}
row_block_writer::~row_block_writer() = default;
row_block_writer::row_block_writer(row_block_writer&&) noexcept = default;
row_block_writer& row_block_writer::operator=(row_block_writer&&) noexcept = default;

void row_block_writer::add(const row_change& change) {
  auto& run = implementation_->run_for(change);
  std::size_t grown = 0;
  for (std::size_t i = 0; i < change.groups.size(); ++i) {
    auto& group = run.groups[i];
    group.sites.add(implementation_->site_index(change.groups[i].written.site));
    group.hlcs.add(change.groups[i].written.hlc);
    group.positions.add(change.groups[i].pos);
    grown += 4;
  }
  const auto append = [&grown](encoder& column, const value_view& value) {
    const auto before = column.size();
    column.value(value);
    grown += column.size() - before;
  };
  for (std::size_t i = 0; i < change.key.size(); ++i)
    append(run.keys[i], change.key[i]);
  for (std::size_t i = 0; i < change.values.size(); ++i)
    append(run.values[i], change.values[i]);
  ++run.rows;
  ++implementation_->rows;
  implementation_->bytes += grown;
}

std::size_t row_block_writer::bytes() const {
  return implementation_->bytes;
}
std::uint64_t row_block_writer::rows() const {
  return implementation_->rows;
}

std::string row_block_writer::finish() {
  encoder out;
  out.array(implementation_->sites.size());
  for (const auto& site : implementation_->sites)
    if (site.is_null())
      out.nil();
    else
      out.blob(site.view());
  out.unsigned_integer(implementation_->runs.size());
  for (const auto& run : implementation_->runs)
    run.write(out);
  implementation_ = std::make_unique<implementation>();
  return compressed(out.bytes());
}

namespace {

class run_reader {
public:
  run_reader(decoder& in, const std::vector<site_id>& sites) : sites_{sites} {
    table_ = static_cast<std::uint32_t>(in.unsigned_integer());
    rows_ = in.unsigned_integer();
    const auto key_columns = in.unsigned_integer();
    if (key_columns == 0 || key_columns > limits::columns_max)
      refuse("a key has " + std::to_string(key_columns) + " columns");
    read_groups(in);
    read_columns(in, key_columns, keys_);
    read_columns(in, value_count_, values_);
    // Each key value is one byte at least, so that a lying count costs nothing.
    if (rows_ > keys_.front().bytes_left())
      refuse("it announces more rows than it has keys");
  }

  void visit(const std::function<void(const row_change&)>& visit_row, const keys_ahead& ahead) {
    std::vector<value_view> key(keys_.size());
    std::vector<value_view> values(values_.size());
    std::vector<cell_group> cells(groups_.size());
    for (std::size_t i = 0; i < groups_.size(); ++i)
      cells[i].columns = groups_[i].columns;
    for (std::uint64_t row = 0; row < rows_; ++row) {
      if (ahead && row % limits::rows_at_once == 0)
        look_ahead(std::min<std::uint64_t>(limits::rows_at_once, rows_ - row), ahead);
      for (std::size_t i = 0; i < groups_.size(); ++i)
        read_group_row(groups_[i], cells[i]);
      for (std::size_t i = 0; i < keys_.size(); ++i)
        key[i] = keys_[i].value();
      for (std::size_t i = 0; i < values_.size(); ++i)
        values[i] = values_[i].value();
      visit_row({table_, key, cells, values});
    }
    for (const auto& column : keys_)
      column.end();
    for (const auto& column : values_)
      column.end();
  }

private:
  struct group {
    std::vector<std::uint32_t> columns;
    series_reader sites, hlcs, positions;
  };

  void look_ahead(std::uint64_t rows, const keys_ahead& ahead) const {
    auto columns = keys_; // Readers of their own: they move on.
    std::vector<value_view> keys;
    keys.reserve(rows * columns.size());
    for (std::uint64_t row = 0; row < rows; ++row)
      for (auto& column : columns)
        keys.push_back(column.value());
    ahead(table_, keys, columns.size());
  }

  void read_groups(decoder& in) {
    const auto count = in.array();
    if (count == 0 || count > limits::columns_max + 1)
      refuse("a row change has " + std::to_string(count) + " groups of cells");
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<std::uint32_t> columns(checked_column_count(in.array()));
      for (auto& column : columns)
        column = static_cast<std::uint32_t>(in.unsigned_integer());
      if (std::ranges::adjacent_find(columns, std::greater_equal<>{}) != columns.end())
        refuse("columns are out of order");
      value_count_ += columns.size();
      series_reader sites{in};
      series_reader hlcs{in};
      series_reader positions{in};
      groups_.push_back({std::move(columns), sites, hlcs, positions});
    }
  }

  static std::size_t checked_column_count(std::size_t count) {
    if (count == 0 || count > limits::columns_max + 1)
      refuse("a group has " + std::to_string(count) + " columns");
    return count;
  }

  static void read_columns(decoder& in, std::size_t count, std::vector<decoder>& columns) {
    if (count > in.bytes_left())
      refuse("it announces more columns than it has bytes");
    for (std::size_t i = 0; i < count; ++i)
      columns.emplace_back(in.blob());
  }

  void read_group_row(group& from, cell_group& to) const {
    const auto site = from.sites.next();
    if (site >= sites_.size())
      refuse("it names a site that it does not list");
    to.written = {from.hlcs.next(), sites_[site]};
    to.pos = from.positions.next();
  }

  const std::vector<site_id>& sites_;
  std::uint32_t table_ = 0;
  std::uint64_t rows_ = 0;
  std::size_t value_count_ = 0;
  std::vector<group> groups_;
  std::vector<decoder> keys_;
  std::vector<decoder> values_;
};

void read_plain_block(std::string_view bytes, const std::function<void(const row_change&)>& visit,
                      const keys_ahead& ahead) {
  decoder in{bytes};
  const auto site_count = in.array();
  if (site_count > limits::sites_max)
    refuse("it lists " + std::to_string(site_count) + " sites");
  std::vector<site_id> sites(site_count);
  for (auto& site : sites) {
    if (in.next_is_nil())
      in.nil();
    else
      site = site_id::from_bytes(in.blob());
  }
  const auto runs = in.unsigned_integer();
  for (std::uint64_t i = 0; i < runs; ++i)
    run_reader{in, sites}.visit(visit, ahead);
  in.end();
}

} // namespace

void read_row_block(std::string_view block, const std::function<void(const row_change&)>& visit,
                    const keys_ahead& ahead) {
  if (block.empty())
    refuse("it is empty");
  if (block.size() > limits::block_bytes_max)
    throw failure{failure_code::limit, "a row block has " + std::to_string(block.size()) +
                                           " bytes, over the limit of " + std::to_string(limits::block_bytes_max)};
  const auto rest = block.substr(1);
  if (block.front() == plain_block)
    read_plain_block(rest, visit, ahead);
  else if (block.front() == zstd_block)
    read_plain_block(decompressed(rest), visit, ahead);
  else
    refuse("its first byte is " + std::to_string(static_cast<int>(block.front())) + ", which names no packing");
}

} // namespace tandem::messages
