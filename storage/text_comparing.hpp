// Where a text differs from another: both are taken apart into lines or words, and compared piece by piece.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tandem::storage {

enum class text_pieces {
  lines, ///< each with its line ending
  words, ///< words, runs of spaces, line endings; an ideograph is a word of its own
};

/// Where the pieces begin, and at last the end of the text. No character of UTF-8 is torn.
std::vector<std::size_t> piece_starts(std::string_view text, text_pieces kind);

/// True if `right`, put behind `left`, would make one word of two.
bool runs_into(std::string_view left, std::string_view right);

/// True for spaces and line endings.
bool is_blank(std::string_view piece);

/// Pieces [base_begin, base_end) of one text stand for pieces [side_begin, side_end) of the other. One of both may be
/// empty.
struct text_change {
  std::size_t base_begin = 0, base_end = 0, side_begin = 0, side_end = 0;
};

/// What may be spent on comparing texts, in comparisons of two pieces. Where it comes to its end, all that lies between
/// the first and the last difference counts as one change.
struct compare_budget {
  std::size_t steps = 0;
};

/// The changes from `base` to `side`, both given as numbers of their pieces: as few pieces as possible, in order, with
/// an equal piece between any two changes.
std::vector<text_change> changes_between(std::span<const std::uint32_t> base, std::span<const std::uint32_t> side,
                                         compare_budget& budget);

} // namespace tandem::storage
