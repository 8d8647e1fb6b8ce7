#include "tests/property/ground_truth.hpp"

#include <algorithm>
#include <span>

#include <nlohmann/json.hpp>

#include "messages/row_block.hpp"
#include "storage/packing.hpp"

namespace tandem::property {
namespace {

using nlohmann::json;

std::string packed(const row& key) {
  std::vector<messages::value_view> views;
  for (const auto& each : key)
    views.push_back(each.view());
  return storage::packed_values(views);
}

bool is_same_json(const std::string& left, const std::string& right) {
  return json::parse(left, nullptr, false) == json::parse(right, nullptr, false);
}

bool object_holds(const std::string& object, const std::string& column, const std::string& value_json) {
  const auto parsed = json::parse(object, nullptr, false);
  return parsed.is_object() && parsed.contains(column) && parsed[column] == json::parse(value_json, nullptr, false);
}

} // namespace

ground_truth::ground_truth(world& all, const schema_spec& schema) : all_{all}, schema_{schema}, states_{all.size()} {}

ground_truth::image ground_truth::read(std::size_t at) {
  image result;
  for (const auto& table : schema_.tables) {
    std::vector<std::string> names;
    std::vector<std::string> keys;
    for (const auto& column : table.columns) {
      if (!column.is_generated)
        names.push_back(column.name);
      if (column.is_key)
        keys.push_back(column.name);
    }
    for (const auto& each : read_table(all_.at(at).app(), table.name, names, keys)) {
      row key;
      row_cells cells;
      std::size_t index = 0;
      for (const auto& column : table.columns) {
        if (column.is_generated)
          continue;
        if (column.is_key)
          key.push_back(each[index]);
        else
          cells[column.name] = each[index];
        ++index;
      }
      result[{table.name, packed(key)}] = std::move(cells);
    }
  }
  return result;
}

std::string ground_truth::described(const cell_write& write) const {
  std::string site = write.written.site.to_short();
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (all_.at(i).site() == write.written.site)
      site = all_.at(i).name();
  return write.row.first + " " + storage::key_to_json(write.row.second) + " " +
         (write.column.empty() ? "life" : sql_name(write.column)) + " = " + messages::to_display(write.plain.view()) +
         " by " + site + " at " + std::to_string(write.written.hlc);
}

write_index ground_truth::add(cell_write write) {
  const auto [found, is_new] = index_.try_emplace({write.row, write.column, write.written}, writes_.size());
  if (is_new) {
    known_rows_.insert(write.row);
    writes_.push_back(std::move(write));
  } else if (auto& known = writes_[found->second]; known.is_hidden && !write.is_hidden) {
    known.plain = std::move(write.plain);
    known.bytes = std::move(write.bytes);
    known.is_hidden = false;
  }
  return found->second;
}

void ground_truth::note_seen(device_state& state, const row_id& row, write_index write) {
  auto& seen = state.seen[row];
  seen.insert(writes_[write].past.begin(), writes_[write].past.end());
  seen.insert(write);
}

// Whatever this device wrote to the row after `head_before` (an app's write, or a merge that brings a row back).
void ground_truth::note_writes(std::size_t at, const row_id& row, std::uint64_t head_before, const image& now) {
  auto& state = states_[at];
  const auto self = all_.at(at).site();
  const auto report = all_.at(at).core().why(row.first, storage::key_to_json(row.second));
  const auto visible = now.find(row);
  const auto past = state.seen[row];
  for (const auto& cell : report.cells) {
    if (cell.written.site != self || cell.pos <= head_before || index_.contains({row, cell.column, cell.written}))
      continue;
    cell_write write{row, cell.column, cell.written, {}, {}, past};
    write.is_hidden = !cell.column.empty() && visible == now.end();
    if (!write.is_hidden)
      write.plain = cell.column.empty() ? of_integer(visible != now.end()) : visible->second.at(cell.column);
    write.bytes = encoded(write.plain);
    note_seen(state, row, add(std::move(write)));
  }
}

void ground_truth::must_be_stamped(std::size_t at, const row_id& row, const image& before, const image& now,
                                   std::uint64_t head_before) {
  const auto was = before.find(row);
  const auto is = now.find(row);
  const auto report = all_.at(at).core().why(row.first, storage::key_to_json(row.second));
  const auto where = row.first + " " + storage::key_to_json(row.second) + " at " + all_.at(at).name();
  const std::string state = is == now.end() ? "deleted" : "live";
  must(report.state == state, "why says '" + report.state + "' of a row that is " + state + ": " + where);
  const auto must_be_new = [&](const std::string& column) {
    const auto cell = std::ranges::find(report.cells, column, &storage::row_report::cell::column);
    must(cell != report.cells.end(), "why knows no cell '" + column + "' of " + where);
    must(cell->pos > head_before && cell->written.site == all_.at(at).site(),
         "the cell '" + column + "' changed, but was not stamped anew: " + where);
  };
  if ((was == before.end()) != (is == now.end()))
    must_be_new("");
  if (is == now.end())
    return;
  for (const auto& [column, each] : is->second)
    if (was == before.end() || encoded(was->second.at(column)) != encoded(each))
      must_be_new(column);
}

void ground_truth::stamped(std::size_t at, std::uint64_t head_before) {
  const auto now = read(at);
  const auto& before = states_[at].visible;
  for (const auto& [row, cells] : now) {
    known_rows_.insert(row);
    const auto was = before.find(row);
    const auto differs = [&, &row_now = cells] {
      return std::ranges::any_of(
          row_now, [&](const auto& each) { return encoded(was->second.at(each.first)) != encoded(each.second); });
    };
    if (was == before.end() || differs())
      must_be_stamped(at, row, before, now, head_before);
  }
  for (const auto& [row, cells] : before)
    if (!now.contains(row))
      must_be_stamped(at, row, before, now, head_before);
  for (const auto& row : known_rows_)
    note_writes(at, row, head_before, now);
  states_[at].visible = now;
}

void ground_truth::delivered(std::size_t at, const packet& message, const delivery& result, std::uint64_t head_before) {
  const auto now = read(at);
  const auto& before = states_[at].visible;
  if (result.kind != delivery::kind::merged) {
    must(now.size() == before.size() && all_.at(at).core().head() == head_before,
         "a repeated or refused bundle changed something at " + all_.at(at).name());
    return;
  }
  for (const auto& block : message.blocks)
    messages::read_row_block(block, [&](const messages::row_change& change) {
      const auto table = std::ranges::find(message.schema.tables, change.table, &messages::table_schema::id);
      must(table != message.schema.tables.end(), "a row of a table that the sender's schema does not name");
      const row_id row{table->name, storage::packed_values(change.key)};
      if (std::ranges::find(schema_.tables, table->name, &table_spec::name) == schema_.tables.end())
        return; // the audit trail
      // Pos 0 makes a row whole for a receiver that never heard of it; others pass over such cells.
      const bool is_new_row = !states_[at].seen.contains(row);
      std::size_t place = 0;
      for (const auto& group : change.groups)
        for (const auto id : group.columns) {
          const auto& plain = change.values[place++];
          if (group.pos <= result.cursor_before && !is_new_row)
            continue;
          const auto column = std::ranges::find(table->columns, id, &messages::column_schema::id);
          // A null site is the sender's own.
          const stamp written{group.written.hlc, group.written.site.is_null() ? message.from : group.written.site};
          cell_write write{row, id ? column->name : "", written, {}, value{plain}, {}};
          write.bytes = encoded(write.plain);
          note_seen(states_[at], row, add(std::move(write)));
        }
    });
  for (const auto& row : known_rows_)
    note_writes(at, row, head_before, now);
  states_[at].visible = now;
}

void ground_truth::check_cells(std::size_t at) {
  const auto now = read(at);
  std::map<std::pair<row_id, std::string>, write_index> largest;
  for (write_index i = 0; i < writes_.size(); ++i) {
    const auto [found, is_new] = largest.try_emplace({writes_[i].row, writes_[i].column}, i);
    if (!is_new && writes_[i].written > writes_[found->second].written)
      found->second = i;
  }
  for (const auto& [cell, index] : largest) {
    const auto& write = writes_[index];
    const auto visible = now.find(write.row);
    if (write.column.empty()) {
      must((visible != now.end()) == (write.plain.integer != 0),
           "at " + all_.at(at).name() + " this does not hold: " + described(write));
      continue;
    }
    if (visible == now.end() || write.is_hidden)
      continue;
    must(encoded(visible->second.at(write.column)) == write.bytes,
         "at " + all_.at(at).name() + " stands " + messages::to_display(visible->second.at(write.column).view()) +
             " instead of the latest write: " + described(write));
  }
}

bool ground_truth::is_in_audit(const cell_write& write, const std::vector<storage::conflict>& audit) const {
  const auto key = storage::key_to_json(write.row.second);
  const auto plain = storage::value_to_json(write.plain.view());
  return std::ranges::any_of(audit, [&](const storage::conflict& each) {
    if (each.table != write.row.first || !is_same_json(each.key_json, key))
      return false;
    if (each.column == write.column && (each.current == write.written || each.other == write.written))
      return true;
    return each.column.empty() && (write.column.empty() || object_holds(each.current_json, write.column, plain) ||
                                   object_holds(each.other_json, write.column, plain));
  });
}

void ground_truth::check_losses() {
  const auto audit = all_.at(0).core().conflicts();
  for (write_index i = 0; i < writes_.size(); ++i) {
    const auto& write = writes_[i];
    const auto is_answered = [&](const cell_write& other) {
      const bool is_same_cell = other.row == write.row && (other.column == write.column || other.column.empty());
      // A row that is updated and deleted in one group: the delete has seen the update, both carry one stamp.
      if (is_same_cell && other.column.empty() && !write.column.empty() && other.plain.integer == 0 &&
          other.written == write.written)
        return true;
      // Seen by a later write, or both wrote the same.
      return is_same_cell && (other.past.contains(i) || (other.column == write.column &&
                                                         other.written > write.written && other.bytes == write.bytes));
    };
    const bool is_largest = std::ranges::none_of(writes_, [&](const cell_write& other) {
      return other.row == write.row && other.column == write.column && other.written > write.written;
    });
    if (is_largest) {
      // A latest value can still vanish with its row; then the delete must have seen it.
      const auto& visible = states_[0].visible;
      if (write.column.empty() || visible.contains(write.row))
        continue;
    }
    must(std::ranges::any_of(writes_, is_answered) || is_in_audit(write, audit),
         "lost without a trace: " + described(write));
  }
}

void ground_truth::check_audit(const storage::conflict& each) {
  if (each.kind != storage::conflict_kind::cell)
    return;
  const row_id row{each.table, storage::key_from_json(each.key_json)};
  const auto current = index_.find({row, each.column, each.current});
  const auto other = index_.find({row, each.column, each.other});
  must(current != index_.end() && other != index_.end(),
       "a conflict names a write that nobody made: " + each.table + " " + each.key_json + " " + each.column +
           " current " + std::to_string(each.current.hlc) + " other " + std::to_string(each.other.hlc));
  const auto& one = writes_[current->second];
  const auto& two = writes_[other->second];
  must(!one.past.contains(other->second) && !two.past.contains(current->second),
       "a false conflict, one had seen the other: " + described(one) + " | " + described(two));
}

void ground_truth::check() {
  for (std::size_t i = 0; i < all_.size(); ++i)
    check_cells(i);
  check_losses();
  for (const auto& each : all_.at(0).core().conflicts())
    check_audit(each);
}

} // namespace tandem::property
