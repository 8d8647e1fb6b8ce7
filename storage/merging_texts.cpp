// Where a column's policy is `text`: what both sides changed becomes one text, if their common base is known. Part of
// `merger`. Both ends of a link compute the same from the same three texts. Where they know of different bases, and so
// come to different texts, the later one stands.
#include <algorithm>

#include "storage/choices.hpp"
#include "storage/drifting.hpp"
#include "storage/merging.hpp"
#include "storage/text_merging.hpp"

namespace tandem::storage {

// The merged text, and the rule as the audit trail tells it.
merger::answer merger::merge_sides(std::string_view key, std::uint32_t column, const both_sides& sides, bool asks) {
  std::string trouble;
  const auto round = next_round(key, column, sides, trouble);
  if (trouble.empty()) {
    if (sides.here.type != value_type::text || sides.given.type != value_type::text) {
      trouble = "one is no text";
    } else if (!sides.base) {
      trouble = "no common base is known";
    } else {
      const bool given_is_later = c_.is_later(sides.given_written, sides.here_written);
      auto merged = merge_texts(sides.base->bytes, given_is_later ? sides.here.bytes : sides.given.bytes,
                                given_is_later ? sides.given.bytes : sides.here.bytes);
      if (merged.text)
        return {value{value_view::of_text(*merged.text)}, "text", round, false};
      trouble = merged.trouble;
    }
  }
  return {{}, "text: " + trouble + (asks ? "; ask" : "; lww"), 0, asks};
}

void merger::settle_texts(std::string_view key, local_row& local, incoming_cell& cell, both_sides sides, bool asks) {
  const auto& have = origin_of(table_->info, *local.record, cell.column);
  sides.base = bases_.base_for(table_->info, key, cell.column, have, sides.here, link_, ack_);
  const auto found = merge_sides(key, cell.column, sides, asks);
  settle_by_answer(key, cell, std::move(sides), found, choice_text);
}

// The texts that the row at hand has, ahead of all changes to it.
void merger::note_texts(std::string_view key, local_row& local) {
  stood_.clear();
  for (const auto& cell : cells_) {
    if (cell.column == life_column || !table_->info.based.has(cell.column))
      continue;
    const auto& have = origin_of(table_->info, *local.record, cell.column);
    if (cell.wins)
      stood_.emplace_back(cell.column, value_here(local, key, cell.column));
    else if (!(have.written == cell.written))
      bases_.keep_heard(table_->info, key, cell.column, link_, cell.given, have.pos, false);
  }
}

// `pos` and `own_pos` are those of the writes that take their place.
void merger::keep_bases(std::string_view key, const row_record& before, std::uint64_t pos, std::uint64_t own_pos) {
  for (const auto& [column, value] : stood_) {
    const auto cell = std::ranges::find(cells_, column, &incoming_cell::column);
    const auto until = cell->is_restated ? own_pos : pos;
    bases_.keep(table_->info, key, column, origin_of(table_->info, before, column), value.view(), until);
    if (cell->is_restated)
      bases_.keep_heard(table_->info, key, column, link_, cell->sent, until, true);
  }
}

} // namespace tandem::storage
