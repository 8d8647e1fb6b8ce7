// Row changes, packed: what the parts of a bundle hold. Written by storage at the sender, read by
// storage at the receiver, opened by nobody in between. The bytes are described in docs/protocol.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/site.hpp"
#include "messages/value.hpp"

namespace tandem::messages {

/// Cells of one row that were written together: one stamp, one pos of the sender's log.
struct cell_group {
  stamp written;
  std::uint64_t pos = 0;                  ///< 0: no news, only there so that a receiver without the row has it whole
  std::span<const std::uint32_t> columns; ///< the sender's column ids, ascending; 0 is the row's life
};

/// One row change. `values` follow the groups' columns in order; the life cell's value is the
/// integer 1 (alive) or 0 (deleted).
struct row_change {
  std::uint32_t table = 0; ///< the sender's table id
  std::span<const value_view> key;
  std::span<const cell_group> groups;
  std::span<const value_view> values;
};

/// Collects row changes column by column, so that equal things lie side by side and compress well.
class row_block_writer {
public:
  row_block_writer();
  ~row_block_writer();
  row_block_writer(row_block_writer&&) noexcept;
  row_block_writer& operator=(row_block_writer&&) noexcept;

  /// Copies what it is given.
  void add(const row_change& change);
  /// About how many bytes `finish` will return before compression.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::uint64_t rows() const;
  /// The block, compressed with zstd where that makes it smaller; the writer is empty again.
  std::string finish();

private:
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

/// Called with the keys of rows that will be visited next, one after the other: `columns` values each.
using keys_ahead = std::function<void(std::uint32_t table, std::span<const value_view> keys, std::size_t columns)>;

/// Calls `visit` for each row of `block`. Everything that a row_change points to is valid only
/// during its call. Throws failure (protocol or limit) on bytes that are no row block; rows that came
/// before the fault have been visited by then, so visit within a transaction.
/// Where `ahead` is given, it hears of each key before its row is visited, up to limits::rows_at_once of them at once.
void read_row_block(std::string_view block, const std::function<void(const row_change&)>& visit,
                    const keys_ahead& ahead = {});

} // namespace tandem::messages
