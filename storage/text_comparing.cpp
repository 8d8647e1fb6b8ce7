#include "storage/text_comparing.hpp"

#include <algorithm>

#include "messages/limits.hpp"

namespace tandem::storage {
namespace {

enum class character { other, space, carriage_return, line_feed, ideograph, mark };

struct decoded {
  character kind = character::other;
  std::size_t bytes = 1;
};

character kind_of(std::uint32_t code) {
  if (code == '\n')
    return character::line_feed;
  if (code == '\r')
    return character::carriage_return;
  if (code == ' ' || (code >= '\t' && code <= '\r') || code == 0xa0 || (code >= 0x2000 && code <= 0x200a) ||
      code == 0x3000)
    return character::space;
  // They belong to the character before.
  if ((code >= 0xfe00 && code <= 0xfe0f) || (code >= 0xe0100 && code <= 0xe01ef) || code == 0x3099 || code == 0x309a)
    return character::mark;
  // Scripts that put no spaces between words. Hangul does.
  if ((code >= 0x2e80 && code <= 0x9fff) || (code >= 0xf900 && code <= 0xfaff) || (code >= 0x20000 && code <= 0x3ffff))
    return character::ideograph;
  return character::other;
}

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

/// The character at `place`. Bytes that are no UTF-8 count as letters.
decoded character_at(std::string_view text, std::size_t place) {
  const auto first = static_cast<unsigned char>(text[place]);
  const std::size_t length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 1;
  if (length == 1)
    return {first < 0x80 ? kind_of(first) : character::other, 1};
  std::uint32_t code = first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (place + i >= text.size() || !is_continuation(text[place + i]))
      return {character::other, i};
    code = code << 6U | (static_cast<unsigned char>(text[place + i]) & 0x3fU);
  }
  return {kind_of(code), length};
}

bool is_blank(character kind) {
  return kind == character::space || kind == character::carriage_return || kind == character::line_feed;
}

bool is_boundary(character left, character right) {
  if (right == character::mark)
    return false;
  if (left == character::carriage_return && right == character::line_feed)
    return false;
  if (left == character::space && right == character::space)
    return false;
  const auto is_letter = [](character kind) {
    return kind == character::other || kind == character::mark;
  };
  return !is_letter(left) || right != character::other;
}

/// Who stands at the end of a text, marks aside: they are what they belong to.
character last_character(std::string_view text) {
  auto place = text.size();
  for (int marks = 0; place > 0 && marks < 4; ++marks) {
    --place;
    while (place > 0 && text.size() - place < 4 && is_continuation(text[place]))
      --place;
    const auto found = character_at(text, place).kind;
    if (found != character::mark)
      return found;
    text = text.substr(0, place);
  }
  return character::other;
}

using piece_numbers = std::span<const std::uint32_t>;

/// How far a path along one diagonal (index in the base less index in the side) has come: its index in the base.
/// One row for each number of edits d, with diagonals -d, -d + 2, ... d.
class furthest {
public:
  void begin_row() { rows_.emplace_back(rows_.size() + 1); }
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }
  std::ptrdiff_t& at(std::size_t edits, std::ptrdiff_t diagonal) {
    return rows_[edits][static_cast<std::size_t>(diagonal + static_cast<std::ptrdiff_t>(edits)) / 2];
  }
  /// True if the best way to this diagonal takes a piece of the side in, instead of leaving one of the base out.
  bool inserts(std::size_t edits, std::ptrdiff_t diagonal) {
    const auto end = static_cast<std::ptrdiff_t>(edits);
    return diagonal == -end || (diagonal != end && at(edits - 1, diagonal - 1) < at(edits - 1, diagonal + 1));
  }

private:
  std::vector<std::vector<std::ptrdiff_t>> rows_;
};

// The greedy search of E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986). False: too far apart.
bool search(piece_numbers base, piece_numbers side, furthest& found, compare_budget& budget) {
  const auto base_end = static_cast<std::ptrdiff_t>(base.size());
  const auto side_end = static_cast<std::ptrdiff_t>(side.size());
  for (std::size_t edits = 0; edits <= limits::text_edits_max; ++edits) {
    found.begin_row();
    const auto last = static_cast<std::ptrdiff_t>(edits);
    for (auto diagonal = -last; diagonal <= last; diagonal += 2) {
      std::ptrdiff_t x = 0;
      if (edits > 0)
        x = found.inserts(edits, diagonal) ? found.at(edits - 1, diagonal + 1) : found.at(edits - 1, diagonal - 1) + 1;
      const auto from = x;
      while (x < base_end && x - diagonal < side_end &&
             base[static_cast<std::size_t>(x)] == side[static_cast<std::size_t>(x - diagonal)])
        ++x;
      found.at(edits, diagonal) = x;
      if (x == base_end && x - diagonal == side_end)
        return true;
      const auto spent = 1 + static_cast<std::size_t>(x - from);
      if (spent > budget.steps)
        return false;
      budget.steps -= spent;
    }
  }
  return false;
}

/// Follows the path that was found back to its beginning; the changes come out last first.
std::vector<text_change> followed_back(furthest& found, std::size_t base_size, std::size_t side_size) {
  std::vector<text_change> result;
  auto x = static_cast<std::ptrdiff_t>(base_size);
  auto y = static_cast<std::ptrdiff_t>(side_size);
  for (auto edits = found.rows() - 1; edits > 0; --edits) {
    const auto diagonal = x - y;
    const bool inserts = found.inserts(edits, diagonal);
    const auto x_end = inserts ? found.at(edits - 1, diagonal + 1) : found.at(edits - 1, diagonal - 1) + 1;
    const auto y_end = x_end - diagonal;
    const auto begin_x = static_cast<std::size_t>(inserts ? x_end : x_end - 1);
    const auto begin_y = static_cast<std::size_t>(inserts ? y_end - 1 : y_end);
    const text_change step{begin_x, static_cast<std::size_t>(x_end), begin_y, static_cast<std::size_t>(y_end)};
    if (!result.empty() && result.back().base_begin == step.base_end && result.back().side_begin == step.side_end) {
      result.back().base_begin = step.base_begin;
      result.back().side_begin = step.side_begin;
    } else {
      result.push_back(step);
    }
    x = static_cast<std::ptrdiff_t>(begin_x);
    y = static_cast<std::ptrdiff_t>(begin_y);
  }
  return result;
}

} // namespace

std::vector<std::size_t> piece_starts(std::string_view text, text_pieces kind) {
  std::vector<std::size_t> result{0};
  if (kind == text_pieces::lines) {
    for (auto place = text.find('\n'); place != std::string_view::npos; place = text.find('\n', place + 1))
      result.push_back(place + 1);
  } else {
    auto last = character::other;
    for (std::size_t place = 0; place < text.size();) {
      const auto next = character_at(text, place);
      if (place > 0 && is_boundary(last, next.kind))
        result.push_back(place);
      if (next.kind != character::mark)
        last = next.kind;
      place += next.bytes;
    }
  }
  if (result.back() != text.size())
    result.push_back(text.size());
  return result;
}

bool runs_into(std::string_view left, std::string_view right) {
  if (left.empty() || right.empty())
    return false;
  const auto before = last_character(left);
  const auto after = character_at(right, 0).kind;
  return !is_blank(before) && !is_blank(after) && !is_boundary(before, after);
}

bool is_blank(std::string_view piece) {
  return !piece.empty() && is_blank(character_at(piece, 0).kind);
}

std::vector<text_change> changes_between(piece_numbers base, piece_numbers side, compare_budget& budget) {
  const auto start = static_cast<std::size_t>(std::ranges::mismatch(base, side).in1 - base.begin());
  base = base.subspan(start);
  side = side.subspan(start);
  std::size_t tail = 0;
  while (tail < std::min(base.size(), side.size()) && base[base.size() - 1 - tail] == side[side.size() - 1 - tail])
    ++tail;
  base = base.first(base.size() - tail);
  side = side.first(side.size() - tail);
  if (base.empty() && side.empty())
    return {};
  std::vector<text_change> result{{0, base.size(), 0, side.size()}};
  furthest found;
  if (!base.empty() && !side.empty() && search(base, side, found, budget))
    result = followed_back(found, base.size(), side.size());
  std::ranges::reverse(result);
  for (auto& each : result) {
    each.base_begin += start;
    each.base_end += start;
    each.side_begin += start;
    each.side_end += start;
  }
  return result;
}

} // namespace tandem::storage
