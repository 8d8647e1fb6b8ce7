#include "storage/merging.hpp"

#include <algorithm>

#include <sqlite3.h>

#include "messages/limits.hpp"
#include "storage/drifting.hpp"

namespace tandem::storage {

merger::merger(core& c, admission& admitted, conflict_store& conflicts, const peer_binding& binding,
               const site_id& peer, const messages::bundle_header& header, std::uint64_t cursor)
    : c_{c}, admitted_{admitted}, conflicts_{conflicts}, binding_{binding}, cursor_{cursor}, link_{c.site_index(peer)},
      ack_{header.ack_epoch == c.self.epoch ? header.ack : 0}, hlc_max_{messages::hlc_of_ms(
                                                                   std::max(c.now_ms(), c.meta("clock_ms")) +
                                                                   limits::hlc_future_ms_max)},
      head_before_{c.head}, counters_{c, admitted, conflicts}, bases_{c},
      has_rules_{c.db.integer("SELECT EXISTS (SELECT 1 FROM tandem_rules)") != 0}, policies_{c} {}

// --- what comes in -----------------------------------------------------------------------------

std::pair<const peer_binding::bound_table*, std::string> merger::locate(const messages::row_change& change) {
  const auto bound = binding_.tables.find(change.table);
  if (bound == binding_.tables.end())
    throw failure{failure_code::protocol, "a bundle names table " + std::to_string(change.table) +
                                              ", which its sender never described; nothing of it was applied"};
  table_ = c_.table_with_id(bound->second.id);
  if (!table_)
    throw failure{failure_code::schema, "a table that the peer sends rows of is no longer tracked here; nothing of the "
                                        "bundle was applied"};
  if (change.key.size() != table_->info.key.size())
    throw failure{failure_code::protocol, "a key of " + quoted(table_->info.name) + " came with " +
                                              std::to_string(change.key.size()) +
                                              " values; nothing of the bundle was applied"};
  if (table_->info.has_integer_key && change.key.front().type != value_type::integer)
    throw failure{failure_code::protocol,
                  "a key of " + quoted(table_->info.name) + " is no integer; nothing of the bundle was applied"};
  for (const auto& part : change.key)
    if (part.type == value_type::null)
      throw failure{failure_code::protocol,
                    "a key of " + quoted(table_->info.name) + " is NULL; nothing of the bundle was applied"};
  ++report.rows;
  touched_.insert(table_->info.id);
  return {&bound->second, packed_values(change.key)};
}

void merger::take(const messages::row_change& change) {
  const auto [bound, key] = locate(change);
  policy_ = policies_.of(table_->info.id);
  if (is_snapshot_)
    note_named(key);
  auto local = find_local(key);
  read_incoming(change, *bound, !local.record);
  if (cells_.empty())
    return;
  const bool is_refused = has_rules_ && !is_own_table(table_->info.name) && refuse(key, local);
  note_counters(key, local, is_refused);
  if (is_refused)
    return;
  if (local.record)
    take_known(key, local);
  else if (has_life())
    take_new(key);
  // Else it is an update of a row that was deleted and forgotten here: its sender has yet to hear of that, by our
  // snapshot, and sends the whole row then, if it lets it live.
}

void merger::note_counters(std::string_view key, const local_row& local, bool is_refused) {
  has_new_policies_ = has_new_policies_ || table_->info.name == policies_table;
  if (c_.counters.empty())
    return;
  if (table_->info.name == counts_table) {
    counters_.note_count(key);
    return;
  }
  const auto columns = c_.counters.find(table_->info.id);
  if (columns == c_.counters.end())
    return;
  const bool is_concurrent = local.record && std::ranges::any_of(columns->second, [&](std::uint32_t column) {
                               return !is_known(origin_of(table_->info, *local.record, column));
                             });
  counters_.note_received(*table_, key, is_concurrent, is_refused);
}

void merger::add_up() {
  // The policy may also have been here before its table or column was.
  const auto schema = c_.meta("schema");
  if (has_new_policies_ || c_.meta("counters_schema") != schema) {
    counters_.level(false);
    level_bases(c_);
    c_.set_meta("counters_schema", schema);
  }
  counters_.show_received(head_before_);
}

bool merger::has_life() const {
  return std::ranges::any_of(cells_, [](const incoming_cell& each) { return each.column == life_column; });
}

void merger::look_ahead(std::uint32_t table, std::span<const value_view> keys, std::size_t columns) {
  const auto bound = binding_.tables.find(table);
  const auto own = bound == binding_.tables.end() ? nullptr : c_.table_with_id(bound->second.id);
  if (!own || columns != own->info.key.size() || keys.size() <= columns ||
      (own->info.has_integer_key &&
       std::ranges::any_of(keys, [](const value_view& key) { return key.type != value_type::integer; })))
    return; // `take` tells what is wrong
  std::vector<std::string> packed;
  for (std::size_t i = 0; i + columns <= keys.size(); i += columns)
    packed.push_back(packed_values(keys.subspan(i, columns)));
  own->records.read_ahead(packed);
}

void merger::read_incoming(const messages::row_change& change, const peer_binding::bound_table& bound, bool take_all) {
  cells_.clear();
  passed_over_.clear();
  kept_.clear();
  // A row that is unknown here, and of which nothing is news, was deleted and forgotten.
  if (std::ranges::none_of(change.groups, [&](const messages::cell_group& each) { return each.pos > cursor_; }))
    return;
  std::size_t index = 0;
  for (const auto& group : change.groups) {
    const local_stamp written{group.written.hlc,
                              group.written.site.is_null() ? link_ : c_.site_index(group.written.site)};
    check_clock(written);
    for (const auto column : group.columns) {
      if (index >= change.values.size())
        throw failure{failure_code::protocol,
                      "a row change has fewer values than columns; nothing of its bundle was applied"};
      const auto& given = change.values[index++];
      // What is at or below our cursor was merged before; again, it would look concurrent with what was
      // written on top of it.
      if (group.pos <= cursor_ && !take_all) {
        if (policy_ && policy_->is_row && bound.columns.contains(column))
          passed_over_.push_back({bound.columns.at(column), written, given});
        continue;
      }
      if (column == life_column) {
        if (given.type != value_type::integer)
          throw failure{failure_code::protocol, "a row's life is no integer; nothing of its bundle was applied"};
        cells_.push_back({life_column, written, given});
        continue;
      }
      const auto own = bound.columns.find(column);
      if (own == bound.columns.end() || !table_->info.all_cells.has(own->second))
        throw failure{failure_code::schema, "a bundle names a column of " + quoted(table_->info.name) +
                                                " that is not here; nothing of it was applied"};
      cells_.push_back({own->second, written, given});
    }
  }
}

void merger::check_clock(const local_stamp& written) {
  if (written.hlc > hlc_max_)
    throw failure{
        failure_code::clock,
        "a write of site " + c_.site_at(written.site).to_short() + " is stamped " +
            std::to_string((messages::ms_of_hlc(written.hlc) - c_.now_ms()) / 1000) +
            " s in the future; set that device's clock (or this one's), the bundle is taken once time has come"};
  c_.hlc = std::max(c_.hlc, written.hlc);
  c_.received_hlc = std::max(c_.received_hlc, written.hlc);
}

merger::local_row merger::find_local(std::string_view key) {
  local_row result;
  result.record = table_->record(key);
  if (result.record) {
    result.is_alive = true;
  } else if (auto remains = c_.find_tombstone(*table_, key)) {
    result.record = std::move(remains->record);
    result.values = std::move(remains->values);
  }
  return result;
}

const row_values& merger::values_of(local_row& row, std::string_view key) {
  if (!row.values) {
    if (row.record->is_quarantined)
      row.values = admitted_.quarantined_values(*table_, key);
    else
      row.values = table_->read(key);
    if (!row.values)
      throw failure{failure_code::corrupt, "row " + key_to_json(key) + " of " + quoted(table_->info.name) +
                                               " has a record but is not in its table; run `tandem verify " +
                                               c_.db.path() + "`"};
  }
  return *row.values;
}

value merger::value_here(local_row& row, std::string_view key, std::uint32_t column) {
  const auto place = table_->cell_index(column);
  return place < 0 ? aside_value(c_, *table_, key, column) : values_of(row, key)[static_cast<std::size_t>(place)];
}

void merger::overlay_given(row_values& values, std::span<const incoming_cell> cells) const {
  for (const auto& cell : cells)
    if (const auto place = cell.column == life_column ? -1 : table_->cell_index(cell.column); place >= 0)
      values[static_cast<std::size_t>(place)] = value{cell.given};
}

// --- rows that were never heard of -------------------------------------------------------------

void merger::take_new(std::string_view key) {
  bool is_alive = true;
  new_values_.clear();
  for (const auto index : table_->info.cells)
    new_values_.push_back(table_->info.columns[index].fallback.view());
  row_record record;
  auto missing = table_->info.all_cells;
  const auto pos = c_.append_log(*table_, key, link_);
  for (std::size_t i = 0; i < cells_.size();) {
    column_set group;
    const auto written = cells_[i].written;
    for (; i < cells_.size() && cells_[i].written == written; ++i) {
      group.add(cells_[i].column);
      if (cells_[i].column == life_column)
        is_alive = cells_[i].given.integer != 0;
      else if (const auto cell = table_->cell_index(cells_[i].column); cell >= 0)
        new_values_[static_cast<std::size_t>(cell)] = cells_[i].given;
      else
        put_aside(c_, *table_, key, cells_[i].column, cells_[i].given);
    }
    record.write(group, {written, pos, link_}, table_->info.all_cells);
    missing.remove(group);
  }
  // The sender's version of the app does not have these columns: they stay at their default here.
  if (!missing.empty())
    record.write(missing, unwritten, table_->info.all_cells);
  ++report.applied;
  if (!is_alive) {
    row_values remains;
    for (const auto& each : new_values_)
      remains.emplace_back(each);
    c_.put_tombstone(*table_, key, {record, std::move(remains)});
    return;
  }
  table_->put_record(key, record);
  if (table_->insert(key, new_values_)) {
    row_values values;
    for (const auto& each : new_values_)
      values.emplace_back(each);
    admitted_.set_aside_new(*table_, key, values);
  } else {
    admitted_.note_written(*table_, key);
  }
}

// --- rows that are here, or were ---------------------------------------------------------------

bool merger::is_known(const cell_origin& have) const {
  return have.via == link_ || have.pos <= ack_;
}

bool merger::has_unknown_column(const row_record& record) const {
  for (std::size_t i = 0; i < record.groups().size(); ++i) {
    if (is_known(record.groups()[i].origin))
      continue;
    auto cells = record.cells_of(i, table_->info.all_cells);
    column_set life;
    life.add(life_column);
    cells.remove(life);
    if (!cells.empty())
      return true;
  }
  return false;
}

void merger::judge_cells(std::string_view key, local_row& local) {
  settled_.reset();
  incoming_cell* concurrent_insert = nullptr;
  // An insert writes cells along with the row's life; a revival writes the life alone.
  const auto is_insert = [&](const incoming_cell& life) {
    return std::ranges::any_of(cells_, [&](const incoming_cell& other) {
      return other.column != life_column && other.written == life.written;
    });
  };
  for (auto& cell : cells_) {
    const auto& have = origin_of(table_->info, *local.record, cell.column);
    if (have.written == cell.written)
      continue;
    // Who has seen what is here and writes something else has the last word, whatever the stamps say: a clock that was
    // ahead may have been set right in between.
    cell.wins = is_known(have) || c_.is_later(cell.written, have.written);
    if (cell.column == life_column && cell.given.integer && local.is_alive && !is_known(have) && is_insert(cell))
      concurrent_insert = &cell;
  }
  if (policy_ && policy_->is_row && settle_row(key, local))
    return;
  if (concurrent_insert && !are_choices(key, concurrent_insert->written, local.record->of(life_column).written)) {
    settle_insert(key, local, *concurrent_insert);
    return;
  }
  for (auto& cell : cells_) {
    const auto& have = origin_of(table_->info, *local.record, cell.column);
    if (cell.column != life_column && !(have.written == cell.written) && !is_known(have))
      settle_cell(key, local, cell, true);
  }
}

void merger::take_known(std::string_view key, local_row& local) {
  if (is_back_from_absence(local)) {
    take_back(key, local);
    return;
  }
  judge_cells(key, local);
  const incoming_cell* update = nullptr;
  const incoming_cell* life = nullptr;
  for (const auto& cell : cells_) {
    if (origin_of(table_->info, *local.record, cell.column).written == cell.written)
      continue;
    if (cell.column == life_column)
      life = &cell;
    else if (!update || c_.is_later(cell.written, update->written))
      update = &cell;
  }
  const auto life_here = local.record->of(life_column);
  const bool says_dead = life && life->given.integer == 0;
  // An entry that was removed from the audit trail stays removed.
  const bool delete_wins = table_->info.name == conflicts_table || (policy_ && policy_->delete_wins);
  const bool update_met_delete = !local.is_alive && !is_known(life_here) && update && !says_dead;
  const bool delete_met_update = says_dead && local.is_alive && has_unknown_column(*local.record);
  const bool is_chosen =
      life && (update_met_delete || delete_met_update) && are_choices(key, life->written, life_here.written);
  const bool must_revive = (update_met_delete || delete_met_update) && !delete_wins && !is_chosen;
  const bool lives_by_stamps = life && life->wins ? life->given.integer != 0 : local.is_alive;
  const bool lives = must_revive || lives_by_stamps;
  if (update_met_delete)
    record_deletion_conflict(key, local, update->written, life_here.written, true, lives, is_chosen);
  if (delete_met_update)
    record_deletion_conflict(key, local, latest_unknown(*local.record), life->written, false, lives, is_chosen);
  // A delete may also lose against nothing but the row's life: it came back elsewhere by a write that brought no
  // values along.
  if (life && !must_revive && !is_chosen && !is_known(life_here)) {
    if (says_dead && local.is_alive && !life->wins)
      record_deletion_conflict(key, local, life_here.written, life->written, false, lives);
    else if (!says_dead && !local.is_alive && life->wins)
      record_deletion_conflict(key, local, life->written, life_here.written, true, lives);
  }
  write_winners(key, local, lives);
  if (must_revive && !lives_by_stamps)
    revive(key, local);
}

void merger::write_winners(std::string_view key, local_row& local, bool becomes_alive) {
  const bool any = std::ranges::any_of(cells_, &incoming_cell::wins);
  if (!table_->info.based.empty())
    note_texts(key, local);
  if (!any && becomes_alive == local.is_alive)
    return;
  ++report.applied;
  change_visible(key, local, becomes_alive);
  auto& record = *local.record;
  if (any) {
    const bool any_received =
        std::ranges::any_of(cells_, [](const incoming_cell& cell) { return cell.wins && !cell.is_restated; });
    const auto pos = any_received ? c_.append_log(*table_, key, link_) : 0;
    const auto own_pos = settled_ ? c_.append_log(*table_, key, via_here) : 0;
    if (!table_->info.based.empty())
      keep_bases(key, record, pos, own_pos);
    for (const auto& cell : cells_) {
      if (!cell.wins)
        continue;
      column_set one;
      one.add(cell.column);
      if (cell.is_restated)
        record.write(one, {*settled_, own_pos, via_here}, table_->info.all_cells);
      else
        record.write(one, {cell.written, pos, link_}, table_->info.all_cells);
    }
  }
  if (!becomes_alive) {
    c_.put_tombstone(*table_, key, {record, *local.values});
  } else if (local.is_alive) {
    table_->put_record(key, record);
  }
}

// Brings the visible row (or its remains, or its place in quarantine) to what the merge decided. The record
// is written afterwards, except for rows that come back, which need one to be set aside under.
void merger::change_visible(std::string_view key, local_row& local, bool becomes_alive) {
  const bool was_alive = local.is_alive;
  const bool was_aside = local.record->is_quarantined;
  std::vector<std::uint32_t> columns;
  std::vector<value_view> given;
  for (const auto& cell : cells_)
    if (cell.wins && cell.column != life_column) {
      if (table_->cell_index(cell.column) < 0) {
        put_aside(c_, *table_, key, cell.column, cell.given);
        continue;
      }
      columns.push_back(cell.column);
      given.push_back(cell.given);
    }
  const auto overlay = [&](row_values& values) {
    for (std::size_t i = 0; i < columns.size(); ++i)
      values[static_cast<std::size_t>(table_->cell_index(columns[i]))] = value{given[i]};
  };
  if (was_alive && becomes_alive && !was_aside) {
    if (!columns.empty()) {
      admitted_.note_vacated(*table_, key);
      if (table_->update(key, columns, given)) {
        auto values = values_of(local, key);
        overlay(values);
        table_->remove(key);
        local.record->is_quarantined = true;
        admitted_.put_quarantined_values(*table_, key, values);
        return;
      }
    }
    admitted_.note_written(*table_, key);
    return;
  }
  auto values = values_of(local, key);
  overlay(values);
  local.values = values;
  if (!becomes_alive) {
    if (was_aside)
      admitted_.drop_quarantined(*table_, key, "deleted");
    else if (was_alive)
      table_->remove(key);
    if (was_alive) {
      table_->remove_record(key);
      admitted_.note_vacated(*table_, key);
    }
    local.record->is_quarantined = false;
    return;
  }
  if (was_aside) {
    admitted_.put_quarantined_values(*table_, key, values);
    return;
  }
  c_.remove_tombstone(*table_, key);
  table_->put_record(key, *local.record);
  local.is_alive = true;
  if (table_->insert(key, views_of(values))) {
    local.record->is_quarantined = true;
    admitted_.put_quarantined_values(*table_, key, values);
  } else {
    admitted_.note_written(*table_, key);
  }
}

// The row comes back, or stays, by a write that dominates both the delete and the update.
void merger::revive(std::string_view key, local_row& local) {
  column_set life;
  life.add(life_column);
  const auto stamp = c_.next_stamp();
  local.record->write(life, {stamp, c_.append_log(*table_, key, via_here), via_here}, table_->info.all_cells);
  table_->put_record(key, *local.record);
}

// --- conflicts ---------------------------------------------------------------------------------

void merger::record_deletion_conflict(std::string_view key, local_row& local, const local_stamp& update,
                                      const local_stamp& deletion, bool deletion_was_here, bool lives, bool is_chosen) {
  if (table_->info.name == conflicts_table)
    return;
  auto values = values_of(local, key);
  if (deletion_was_here)
    for (const auto& cell : cells_)
      if (cell.column != life_column && cell.wins && table_->cell_index(cell.column) >= 0)
        values[static_cast<std::size_t>(table_->cell_index(cell.column))] = value{cell.given};
  const bool is_by_policy = policy_ && policy_->delete_wins;
  const std::string_view rule = is_chosen      ? later_choice
                                : !lives       ? "delete_wins"
                                : is_by_policy ? "lww"
                                               : "update_wins";
  record_conflict(conflict_kind::deletion, key, life_column,
                  {value{value_view::of_blob(pack_named_cells(table_->info, values))}, {}, update, deletion, !lives},
                  rule, policy_ && policy_->all == cell_policy::ask && !is_chosen);
}

} // namespace tandem::storage
