// A set of column ids. Nearly all tables have fewer than 64 columns, so the first word is inline.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace tandem::storage {

class column_set {
public:
  column_set() = default;
  static column_set of_word(std::uint64_t word) {
    column_set result;
    result.first_ = word;
    return result;
  }

  void add(std::uint32_t column) { word(column / 64) |= bit(column); }
  void add(const column_set& other) {
    first_ |= other.first_;
    if (more_.size() < other.more_.size())
      more_.resize(other.more_.size());
    for (std::size_t i = 0; i < other.more_.size(); ++i)
      more_[i] |= other.more_[i];
  }
  void remove(const column_set& other) {
    first_ &= ~other.first_;
    for (std::size_t i = 0; i < more_.size() && i < other.more_.size(); ++i)
      more_[i] &= ~other.more_[i];
  }
  void keep(const column_set& other) {
    first_ &= other.first_;
    for (std::size_t i = 0; i < more_.size(); ++i)
      more_[i] &= i < other.more_.size() ? other.more_[i] : 0;
  }
  [[nodiscard]] bool has(std::uint32_t column) const {
    const auto index = column / 64;
    if (index == 0)
      return first_ & bit(column);
    return index <= more_.size() && (more_[index - 1] & bit(column));
  }
  [[nodiscard]] bool empty() const {
    if (first_)
      return false;
    for (const auto each : more_)
      if (each)
        return false;
    return true;
  }
  [[nodiscard]] bool covers(const column_set& other) const {
    auto rest = other;
    rest.remove(*this);
    return rest.empty();
  }
  template <class Visit>
  void each(Visit visit) const {
    visit_word(first_, 0, visit);
    for (std::size_t i = 0; i < more_.size(); ++i)
      visit_word(more_[i], static_cast<std::uint32_t>(64 * (i + 1)), visit);
  }
  /// Words from the first to the last that is not zero.
  [[nodiscard]] std::size_t words() const {
    for (auto i = more_.size(); i > 0; --i)
      if (more_[i - 1])
        return i + 1;
    return 1;
  }
  [[nodiscard]] std::uint64_t word_at(std::size_t index) const { return index == 0 ? first_ : more_[index - 1]; }
  void set_word(std::size_t index, std::uint64_t bits) { word(index) = bits; }

private:
  static std::uint64_t bit(std::uint32_t column) { return std::uint64_t{1} << (column % 64); }
  std::uint64_t& word(std::size_t index) {
    if (index == 0)
      return first_;
    if (more_.size() < index)
      more_.resize(index);
    return more_[index - 1];
  }
  template <class Visit>
  static void visit_word(std::uint64_t bits, std::uint32_t base, Visit& visit) {
    for (; bits; bits &= bits - 1)
      visit(base + static_cast<std::uint32_t>(std::countr_zero(bits)));
  }

  std::uint64_t first_ = 0;
  std::vector<std::uint64_t> more_;
};

} // namespace tandem::storage
