// Rows of our own memory as a table that SQL can join. One statement over hundreds of rows opens its cursors once,
// and so costs half of what hundreds of statements cost.
#pragma once

#include <cstddef>
#include <vector>

#include "messages/value.hpp"

namespace tandem::storage {

class database;

/// What `tandem_feed(?1)` shows, bound by statement::bind_feed: the column `n` is a row's number from 0 on, `c0`, `c1`,
/// ... are its cells. What the cells point to must outlive the statement's run.
class row_feed {
public:
  /// `width` is the number of cells of each row, at most limits::feed_columns_max.
  explicit row_feed(std::size_t width) : width_{width} {}
  void clear() { cells_.clear(); }
  /// Adds the next cell; rows are filled one after the other.
  void add(const messages::value_view& cell) { cells_.push_back(cell); }
  [[nodiscard]] std::size_t rows() const { return cells_.size() / width_; }
  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] const messages::value_view& cell(std::size_t row, std::size_t column) const {
    return cells_[row * width_ + column];
  }

  /// Makes tandem_feed known to a connection of ours.
  static void install(database& db);

private:
  std::size_t width_;
  std::vector<messages::value_view> cells_;
};

} // namespace tandem::storage
