#include "storage/text_merging.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "messages/limits.hpp"
#include "storage/text_comparing.hpp"

namespace tandem::storage {
namespace {

/// A text in pieces. Equal pieces of the three texts have equal numbers.
struct pieces {
  std::string_view text;
  std::vector<std::size_t> starts;
  std::vector<std::uint32_t> numbers;

  [[nodiscard]] std::string_view slice(std::size_t begin, std::size_t end) const {
    return text.substr(starts[begin], starts[end] - starts[begin]);
  }
};

/// What one side makes of some pieces of the base.
struct edit {
  std::size_t base_begin, base_end, begin, end;
};

class weaver {
public:
  weaver(text_pieces kind, compare_budget& budget) : kind_{kind}, budget_{budget} {}

  /// Nothing: both changed the same words, or (`is_torn`) lines or words would run together.
  std::optional<std::string> weave(std::string_view base, std::string_view earlier, std::string_view later) {
    std::unordered_map<std::string_view, std::uint32_t> numbers;
    for (std::size_t i = 0; i < texts_.size(); ++i)
      texts_[i] = cut(std::array{base, earlier, later}[i], numbers);
    for (std::size_t i = 0; i < sides; ++i) {
      changes_[i] = changes_between(texts_[0].numbers, texts_[1 + i].numbers, budget_);
      next_[i] = 0;
    }
    woven_.clear();
    done_ = 0;
    while (has_next(0) || has_next(1))
      if (!take_next())
        return std::nullopt;
    if (!append(texts_[0].slice(done_, texts_[0].numbers.size())))
      return std::nullopt;
    return std::move(woven_);
  }

  bool is_torn = false;

private:
  static constexpr std::size_t sides = 2;

  pieces cut(std::string_view text, std::unordered_map<std::string_view, std::uint32_t>& numbers) const {
    pieces result{text, piece_starts(text, kind_), {}};
    result.numbers.reserve(result.starts.size());
    for (std::size_t i = 0; i + 1 < result.starts.size(); ++i)
      result.numbers.push_back(
          numbers.emplace(result.slice(i, i + 1), static_cast<std::uint32_t>(numbers.size())).first->second);
    return result;
  }

  [[nodiscard]] bool has_next(std::size_t side) const { return next_[side] < changes_[side].size(); }
  [[nodiscard]] const text_change& next(std::size_t side) const { return changes_[side][next_[side]]; }

  // True if the next change of `side` comes before all that the other one still does. What is put in where the other
  // side's change begins or ends, stands before or behind that.
  [[nodiscard]] bool is_alone(std::size_t side) const {
    if (!has_next(side))
      return false;
    if (!has_next(1 - side))
      return true;
    const auto& mine = next(side);
    const auto& other = next(1 - side);
    const bool is_same_place =
        mine.base_begin == mine.base_end && other.base_begin == other.base_end && mine.base_begin == other.base_begin;
    return mine.base_end <= other.base_begin && !is_same_place;
  }

  bool take_next() {
    for (std::size_t side = 0; side < sides; ++side)
      if (is_alone(side)) {
        const auto& change = next(side);
        ++next_[side];
        return take_base(change.base_begin, change.base_end) &&
               append(texts_[1 + side].slice(change.side_begin, change.side_end));
      }
    return take_both();
  }

  /// The base up to here is not changed by anybody.
  bool take_base(std::size_t begin, std::size_t end) {
    const auto unchanged = texts_[0].slice(done_, begin);
    done_ = end;
    return append(unchanged);
  }

  // Changes of both sides that reach into each other.
  bool take_both() {
    std::array<edit, sides> edits{};
    auto begin = std::min(next(0).base_begin, next(1).base_begin);
    auto end = std::max(next(0).base_end, next(1).base_end);
    const std::array first = next_;
    for (std::size_t side = 0; side < sides; ++side)
      ++next_[side];
    for (bool grows = true; grows;) {
      grows = false;
      for (std::size_t side = 0; side < sides; ++side)
        for (; has_next(side) && next(side).base_begin < end; ++next_[side]) {
          end = std::max(end, next(side).base_end);
          grows = true;
        }
    }
    for (std::size_t side = 0; side < sides; ++side) {
      // What lies between the changes, and before and behind them, is as in the base.
      const auto& opening = changes_[side][first[side]];
      const auto& closing = changes_[side][next_[side] - 1];
      edits[side] = {begin, end, opening.side_begin - (opening.base_begin - begin),
                     closing.side_end + (end - closing.base_end)};
    }
    if (!take_base(begin, end))
      return false;
    return begin == end ? put_in_both(edits[0], edits[1]) : settle(edits[0], edits[1]);
  }

  bool settle(const edit& earlier, const edit& later) {
    const auto one = texts_[1].slice(earlier.begin, earlier.end);
    const auto other = texts_[2].slice(later.begin, later.end);
    if (one == other)
      return append(one);
    if (kind_ == text_pieces::words)
      return false;
    const auto by_word =
        weaver{text_pieces::words, budget_}.weave(texts_[0].slice(earlier.base_begin, earlier.base_end), one, other);
    return by_word && append(*by_word);
  }

  // Spaces that words have in common are not yet something in common.
  [[nodiscard]] bool is_space(const pieces& of, std::size_t piece) const {
    return kind_ == text_pieces::words && is_blank(of.slice(piece, piece + 1));
  }

  // Both put something in at one place; what is equal at the beginning or the end of it is put in once.
  bool put_in_both(edit earlier, edit later) {
    const auto& one = texts_[1];
    const auto& other = texts_[2];
    const auto from = earlier.begin;
    while (earlier.begin < earlier.end && later.begin < later.end &&
           one.numbers[earlier.begin] == other.numbers[later.begin]) {
      ++earlier.begin;
      ++later.begin;
    }
    for (; earlier.begin > from && is_space(one, earlier.begin - 1); --earlier.begin)
      --later.begin;
    const auto to = earlier.end;
    while (earlier.begin < earlier.end && later.begin < later.end &&
           one.numbers[earlier.end - 1] == other.numbers[later.end - 1]) {
      --earlier.end;
      --later.end;
    }
    for (; earlier.end < to && is_space(one, earlier.end); ++earlier.end)
      ++later.end;
    return append(one.slice(from, earlier.begin)) &&
           put_in(one.slice(earlier.begin, earlier.end), other.slice(later.begin, later.end)) &&
           append(one.slice(earlier.end, to));
  }

  bool put_in(std::string_view earlier, std::string_view later) {
    if (kind_ == text_pieces::lines && !earlier.empty() && !later.empty() && earlier.back() != '\n') {
      // The last line of a text may lack its ending; it is a line all the same.
      if (const auto by_word = weaver{text_pieces::words, budget_}.weave({}, earlier, later))
        return append(*by_word);
      if (woven_.empty())
        return false;
      return append(earlier) && (woven_ += line_ending(), append(later));
    }
    return append(earlier) && append(later);
  }

  /// As in the line before the one that was just appended.
  [[nodiscard]] std::string_view line_ending() const {
    const auto last = woven_.rfind('\n');
    return last != std::string::npos && last > 0 && woven_[last - 1] == '\r' ? "\r\n" : "\n";
  }

  bool append(std::string_view part) {
    const bool runs_together = kind_ == text_pieces::lines ? !woven_.empty() && !part.empty() && woven_.back() != '\n'
                                                           : runs_into(woven_, part);
    woven_ += part;
    is_torn = is_torn || runs_together;
    return !runs_together;
  }

  text_pieces kind_;
  compare_budget& budget_;
  std::array<pieces, 1 + sides> texts_;
  std::array<std::vector<text_change>, sides> changes_;
  std::array<std::size_t, sides> next_{};
  std::string woven_;
  std::size_t done_ = 0; ///< pieces of the base
};

} // namespace

text_merge merge_texts(std::string_view base, std::string_view earlier, std::string_view later) {
  for (const auto& each : {base, earlier, later})
    if (each.size() > limits::merged_text_bytes_max)
      return {{}, "too large"};
  if (earlier == later || later == base)
    return {std::string{earlier}, {}};
  if (earlier == base)
    return {std::string{later}, {}};
  if (!base.empty() && (earlier.empty() || later.empty()))
    return {{}, "one side emptied it"};
  compare_budget budget{limits::text_compare_steps_max};
  weaver by_line{text_pieces::lines, budget};
  auto result = by_line.weave(base, earlier, later);
  if (!result && by_line.is_torn)
    result = weaver{text_pieces::words, budget}.weave(base, earlier, later);
  if (!result)
    return {{}, "both changed the same words"};
  if (result->size() > limits::merged_text_bytes_max)
    return {{}, "too large"};
  return {std::move(result), {}};
}

} // namespace tandem::storage
