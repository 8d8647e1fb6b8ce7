// What stands where two writes met: the policy decides. Where it departs from the larger stamp, what stands is
// written anew by this replica, with a stamp above both. Both ends of a link may do so at once: they compute the
// same value from the same facts, and writes of equal values are no conflict.
#include <algorithm>

#include "storage/choices.hpp"
#include "storage/drifting.hpp"
#include "storage/merging.hpp"

namespace tandem::storage {

void merger::restate(incoming_cell& cell, const value_view& stands) {
  if (!settled_)
    settled_ = c_.next_stamp();
  cell.sent = cell.given;
  cell.given = kept_.emplace_back(stands).view();
  cell.wins = true;
  cell.is_restated = true;
}

// Two people have settled a conflict of this row at once.
bool merger::are_choices(std::string_view key, const local_stamp& left, const local_stamp& right) {
  return left.site != 0 && right.site != 0 && is_choice(c_, *table_, key, left) && is_choice(c_, *table_, key, right);
}

// The write that a settlement by keep_first goes back to.
local_stamp merger::first_of(std::string_view key, std::uint32_t column, const local_stamp& written) {
  const auto origin = conflicts_.settled_from(*table_, key, column, written);
  return origin ? *origin : written;
}

void merger::settle_cell(std::string_view key, local_row& local, incoming_cell& cell, bool is_recorded) {
  if (table_->info.name == conflicts_table)
    return; // what people settle twice at once is itself last-writer-wins
  const auto stored = value_here(local, key, cell.column);
  if (messages::identical(stored.view(), cell.given))
    return;
  const auto rule = policy_ ? policy_->of(cell.column) : cell_policy::lww;
  if (rule == cell_policy::counter && !is_uncountable(stored.view()) && !is_uncountable(cell.given))
    return; // `counters_` adds up once all that was counted is here
  both_sides sides{stored, value{cell.given}, origin_of(table_->info, *local.record, cell.column).written, cell.written,
                   cell.wins};
  auto rule_name = name_of(rule);
  bool is_open = false;
  if (are_choices(key, sides.here_written, sides.given_written)) {
    rule_name = later_choice; // whatever the policy: people have chosen
  } else if (rule == cell_policy::keep_first) {
    sides.here_written = first_of(key, cell.column, sides.here_written);
    sides.given_written = first_of(key, cell.column, sides.given_written);
    if (sides.here_written == sides.given_written)
      return;
    sides.given_stands = c_.is_later(sides.here_written, sides.given_written);
  } else if (rule == cell_policy::max || rule == cell_policy::min) {
    const auto order = compare_values(cell.given, sides.here.view());
    if (order != 0)
      sides.given_stands = (order > 0) == (rule == cell_policy::max);
  } else if (rule == cell_policy::ask) {
    is_open = true;
  } else if (rule == cell_policy::callback && is_recorded) {
    settle_by_host(key, cell, std::move(sides));
    return;
  } else if (merges_text(rule) && is_recorded) {
    settle_texts(key, local, cell, std::move(sides), rule == cell_policy::text_ask);
    return;
  }
  if (sides.given_stands != cell.wins)
    restate(cell, sides.given_stands ? sides.given.view() : sides.here.view());
  if (is_recorded)
    record_conflict(conflict_kind::cell, key, cell.column, std::move(sides), rule_name, is_open);
}

/// What the row's cells are after this merge.
row_values merger::standing(row_values here) const {
  for (const auto& cell : cells_)
    if (const auto place = cell.column == life_column ? -1 : table_->cell_index(cell.column); place >= 0 && cell.wins)
      here[static_cast<std::size_t>(place)] = value{cell.given};
  return here;
}

// Two inserts of one key: both rows are kept whole in the audit trail, whichever stands.
void merger::settle_insert(std::string_view key, local_row& local, incoming_cell& life) {
  if (table_->info.name == conflicts_table)
    return;
  const auto rule = policy_ ? policy_->all : cell_policy::lww;
  const auto life_here = local.record->of(life_column).written;
  const auto life_given = life.written;
  const auto here = values_of(local, key);
  auto given = here;
  overlay_given(given, cells_);
  both_sides sides{value{value_view::of_blob(pack_named_cells(table_->info, here))},
                   value{value_view::of_blob(pack_named_cells(table_->info, given))}, life_here, life_given, life.wins};
  if (rule == cell_policy::keep_first) {
    sides.here_written = first_of(key, life_column, life_here);
    sides.given_written = first_of(key, life_column, life_given);
    sides.given_stands = c_.is_later(sides.here_written, sides.given_written);
    if (sides.given_stands != life.wins && !(sides.here_written == sides.given_written))
      restate(life, value_view::of_integer(1));
  }
  for (auto& cell : cells_) {
    const auto& have = origin_of(table_->info, *local.record, cell.column);
    if (cell.column == life_column || have.written == cell.written || is_known(have))
      continue;
    // Cells that were written after their row's insert are writes of their own: another replica may have seen
    // the same two inserts without them, and the two records are one.
    settle_cell(key, local, cell, !(cell.written == life_given && have.written == life_here));
  }
  if (const auto stands = standing(here); stands == given || stands == here)
    sides.given_stands = stands == given;
  if (here != given && !(sides.here_written == sides.given_written))
    record_conflict(conflict_kind::insert, key, life_column, std::move(sides), name_of(rule), rule == cell_policy::ask);
}

local_stamp merger::latest_of(const row_record& record) const {
  local_stamp result;
  for (std::size_t i = 0; i < record.groups().size(); ++i) {
    auto cells = record.cells_of(i, table_->info.all_cells);
    column_set life;
    life.add(life_column);
    cells.remove(life);
    const auto& written = record.groups()[i].origin.written;
    if (!cells.empty() && (result.site == 0 || c_.is_later(written, result)))
      result = written;
  }
  return result;
}

// Rows that merge as a whole: the row with the latest cell stands with all its cells. Senders send such rows
// whole, so that both ends know both. False if only one side changed the row.
bool merger::settle_row(std::string_view key, local_row& local) {
  const auto is_news = [](const incoming_cell& cell) {
    return cell.column != life_column;
  };
  if (!local.is_alive || std::ranges::none_of(cells_, is_news) || !has_unknown_column(*local.record) ||
      std::ranges::any_of(cells_, [](const auto& cell) { return cell.column == life_column && !cell.given.integer; }))
    return false;
  const auto here = values_of(local, key);
  auto given = here;
  overlay_given(given, passed_over_);
  overlay_given(given, cells_);
  local_stamp latest_given;
  for (const auto* part : {&passed_over_, &cells_})
    for (const auto& cell : *part) {
      if (!is_news(cell))
        continue;
      if (latest_given.site == 0 || c_.is_later(cell.written, latest_given))
        latest_given = cell.written;
    }
  const auto differs = [&](const incoming_cell& cell) {
    return is_news(cell) && !messages::identical(value_here(local, key, cell.column).view(), cell.given);
  };
  if (std::ranges::none_of(passed_over_, differs) && std::ranges::none_of(cells_, differs))
    return true;
  both_sides sides{value{value_view::of_blob(pack_named_cells(table_->info, here))},
                   value{value_view::of_blob(pack_named_cells(table_->info, given))}, latest_of(*local.record),
                   latest_given, false};
  if (sides.here_written == sides.given_written)
    return false;
  sides.given_stands = c_.is_later(sides.given_written, sides.here_written);
  // Of the sender's cells that are no news, those that differ were written here.
  for (const auto& cell : passed_over_)
    if (std::ranges::none_of(cells_, [&](const auto& each) { return each.column == cell.column; }))
      cells_.push_back({cell.column, cell.written, cell.given});
  for (auto& cell : cells_) {
    if (differs(cell) && sides.given_stands != cell.wins)
      restate(cell, sides.given_stands ? cell.given : value_here(local, key, cell.column).view());
  }
  record_conflict(conflict_kind::row, key, life_column, std::move(sides), "row", false);
  return true;
}

void merger::count_conflict(conflict_kind kind, bool is_new) {
  report.conflicts += is_new;
  report.conflicts_by_kind.at(static_cast<std::size_t>(kind)) += is_new;
}

std::string merger::record_conflict(conflict_kind kind, std::string_view key, std::uint32_t column, both_sides sides,
                                    std::string_view rule, bool is_open) {
  if (!sides.given_stands) {
    std::swap(sides.here, sides.given);
    std::swap(sides.here_written, sides.given_written);
  }
  conflict_entry entry;
  entry.kind = kind;
  entry.table = table_;
  entry.key = key;
  entry.column = column;
  entry.rule = rule;
  entry.current = std::move(sides.given);
  entry.current_stamp = sides.given_written;
  entry.other = std::move(sides.here);
  entry.other_stamp = sides.here_written;
  entry.base = std::move(sides.base);
  entry.is_open = is_open;
  bool is_new = false;
  const auto id = conflicts_.record(entry, &is_new);
  count_conflict(kind, is_new);
  if (settled_)
    conflicts_.note_result(id, *settled_);
  return id;
}

} // namespace tandem::storage
