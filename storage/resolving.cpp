#include "storage/resolving.hpp"

#include <array>

#include <nlohmann/json.hpp>

#include "messages/limits.hpp"
#include "storage/choices.hpp"
#include "storage/counting.hpp"
#include "storage/drifting.hpp"
#include "storage/reinserting.hpp"

namespace tandem::storage {
namespace {

/// What shall stand: of a cell its value; of a row its cells as pack_named_cells, or NULL for no row.
using target = value;

class resolver {
public:
  resolver(core& c, admission& admitted, conflict_store& conflicts, const resolution& choice)
      : c_{c}, admitted_{admitted}, conflicts_{conflicts}, choice_{choice}, found_{conflicts.find(choice.id)} {}

  std::string carry_out() {
    if (choice_.who.size() > limits::label_bytes_max)
      throw failure{failure_code::limit, "the user's name has more than " + std::to_string(limits::label_bytes_max) +
                                             " bytes; give a shorter one"};
    if (!found_.trouble.empty()) {
      dismiss();
      return found_.id;
    }
    sides_ = conflicts_.sides_of(found_.id);
    table_ = &c_.tracked(sides_.table);
    choices_ = choices_of(c_, found_.id);
    check_state();
    read_present();
    if (choice_.take == resolution::kind::undo)
      undo();
    else
      settle();
    return found_.id;
  }

private:
  using kind = resolution::kind;

  // Somebody has to be able to get it out of everyone's inbox.
  void dismiss() {
    if (choice_.take != kind::take_current)
      throw failure{failure_code::usage, "nothing can be done about conflict " + found_.id + ", for " + found_.trouble +
                                             "; take current to mark it as settled"};
    conflicts_.settle(found_.id, "resolved", c_.self.site.to_short(), "current", choice_.who);
  }

  void check_state() const {
    if (sides_.kind == conflict_kind::constraint)
      throw failure{failure_code::usage,
                    "row " + key_to_json(sides_.key) + " of " + storage::quoted(sides_.table) +
                        " is in quarantine; it comes back by itself once the row that stands in its way is changed or "
                        "removed, or its parent exists (`tandem conflicts DB show ID` names it)"};
    const bool is_open = found_.state == "open" || found_.state == "overtaken";
    if (choice_.take == kind::undo && is_open)
      throw failure{failure_code::usage, "conflict " + found_.id + " is open: there is no settlement to undo"};
    if (choice_.take != kind::undo && found_.state == "resolved" && !choice_.is_forced)
      throw failure{failure_code::usage,
                    "conflict " + found_.id + " was settled already, by " +
                        (found_.settled_who.empty() ? "site " + found_.settled_by : found_.settled_who) + " (" +
                        found_.choice + "); undo that first, or force it"};
  }

  // --- what there is ---------------------------------------------------------------------------

  void read_present() {
    present_.assign(table_->info.cells.size(), {});
    if (auto record = table_->record(sides_.key)) {
      is_alive_ = true;
      present_ = record->is_quarantined ? admitted_.quarantined_values(*table_, sides_.key)
                                        : table_->read(sides_.key).value_or(present_);
    } else if (auto remains = c_.find_tombstone(*table_, sides_.key)) {
      present_ = remains->values;
    }
    if (const auto last = last_write(c_, *table_, sides_.key, sides_.column); last && last->site != 0)
      present_stamp_ = c_.stamp_of(*last);
  }

  [[nodiscard]] bool is_cell() const { return sides_.kind == conflict_kind::cell; }

  [[nodiscard]] target present() const {
    if (!is_alive_)
      return {};
    if (!is_cell())
      return value{value_view::of_blob(pack_named_cells(table_->info, present_))};
    const auto column = table_->info.column_named(sides_.column);
    const auto place = column ? table_->cell_index(column->id) : -1;
    return place < 0 ? target{} : present_[static_cast<std::size_t>(place)];
  }

  // --- what a person wants ---------------------------------------------------------------------

  void settle() {
    switch (choice_.take) {
    case kind::take_current:
      // Of what was written anew since, the newer stands.
      carry_out(found_.is_overtaken ? present() : sides_.current, "current", {});
      break;
    case kind::take_other:
      carry_out(sides_.other, "other", {});
      break;
    case kind::take_value:
      carry_out(given_value(), "value", {});
      break;
    case kind::take_fields:
      carry_out(given_fields(), "fields", choice_.value_json);
      break;
    case kind::reinsert:
      reinsert();
      break;
    case kind::undo:
      break;
    }
    conflicts_.settle(found_.id, "resolved", c_.self.site.to_short(), taken_, choice_.who, stamp_);
  }

  target given_value() const {
    if (!is_cell())
      throw failure{failure_code::usage,
                    "a value settles conflicts of one cell; this one is about a whole row: take current or other, or "
                    "say which fields to take"};
    auto result = value_from_json(choice_.value_json);
    check_size(result);
    return result;
  }

  static void check_size(const value& given) {
    if (given.bytes.size() > limits::value_bytes_max)
      throw failure{failure_code::limit, "the value has more than " + std::to_string(limits::value_bytes_max) +
                                             " bytes, which is more than a cell that syncs can hold"};
  }

  /// One side of the conflict as a row.
  [[nodiscard]] std::map<std::uint32_t, value> row_of(const value& side) const {
    std::map<std::uint32_t, value> result;
    if (side.type != value_type::blob)
      return result;
    const auto flat = unpacked_values(side.bytes);
    for (std::size_t i = 0; i + 1 < flat.size(); i += 2)
      if (const auto column = flat[i].type == value_type::text ? table_->info.column_named(flat[i].bytes) : nullptr;
          column && table_->cell_index(column->id) >= 0)
        result[column->id] = value{flat[i + 1]};
    return result;
  }

  target given_fields() const {
    if (is_cell())
      throw failure{failure_code::usage, "fields settle conflicts of whole rows; this one is about one cell: take "
                                         "current or other, or give a value"};
    const auto wanted = nlohmann::json::parse(choice_.value_json, nullptr, false);
    if (!wanted.is_object() || wanted.empty())
      throw failure{failure_code::usage,
                    "fields want a JSON object of columns, each with \"current\", \"other\" or {\"value\": V}"};
    auto values =
        is_alive_ ? row_of(present()) : row_of(sides_.current.type == value_type::blob ? sides_.current : sides_.other);
    for (const auto& [name, how] : wanted.items()) {
      const auto column = table_->info.column_named(name);
      if (!column || table_->cell_index(column->id) < 0)
        throw failure{failure_code::usage, "table " + storage::quoted(sides_.table) + " has no column " +
                                               storage::quoted(name) + " outside its key; nothing was changed"};
      values[column->id] = field(name, column->id, how);
    }
    std::string packed;
    for (const auto& [column, each] : values) {
      append_value(packed, value_view::of_text(table_->info.column_with_id(column)->name));
      append_value(packed, each.view());
    }
    return value{value_view::of_blob(packed)};
  }

  [[nodiscard]] value field(const std::string& name, std::uint32_t column, const nlohmann::json& how) const {
    if (how.is_object() && how.size() == 1 && how.contains("value")) {
      auto result = value_from_json(how["value"].dump());
      check_size(result);
      return result;
    }
    if (how != "current" && how != "other")
      throw failure{failure_code::usage, "field " + storage::quoted(name) +
                                             " wants \"current\", \"other\" or {\"value\": V}; nothing was changed"};
    const auto side = row_of(how == "current" ? sides_.current : sides_.other);
    const auto found = side.find(column);
    if (found == side.end())
      throw failure{failure_code::usage, "that side of the conflict has no " + storage::quoted(name) +
                                             ": there the row was deleted, or had no such column; nothing was changed"};
    return found->second;
  }

  // --- undo ------------------------------------------------------------------------------------

  void undo() {
    if (found_.is_overtaken && !choice_.is_forced)
      throw failure{failure_code::usage,
                    "row " + key_to_json(sides_.key) + " of " + storage::quoted(sides_.table) +
                        " was written anew by site " + present_stamp_.site.to_short() +
                        " after the conflict was settled; undoing it would write over that: force it if that is meant"};
    const auto last = static_cast<int>(choices_.size()) - 1;
    if (last < 0) {
      carry_out(sides_.other, choice_undo, {});
      conflicts_.settle(found_.id, "undone", c_.self.site.to_short(), choice_undo, choice_.who, stamp_);
      return;
    }
    const auto& undone = choices_.back();
    if (undone.choice == choice_reinserted)
      undo_reinsertion(undone);
    else
      carry_out(undone.replaced, choice_undo, {});
    auto all = choices_;
    all.emplace_back();
    all.back().follows = undone.id;
    all.back().choice = choice_undo;
    const auto [state, choice] = in_force(all, last + 1);
    conflicts_.settle(found_.id, state, c_.self.site.to_short(), choice, choice_.who, stamp_);
  }

  // --- writes ----------------------------------------------------------------------------------

  /// Writes the choice down and carries it out, with one stamp.
  void carry_out(const target& wanted, std::string_view taken, std::string detail) {
    note_choice(wanted, taken, std::move(detail));
    if (is_cell())
      write_cell(wanted.view());
    else if (wanted.type == value_type::null)
      remove_row();
    else
      write_row(row_of(wanted));
  }

  void note_choice(const target& wanted, std::string_view taken, std::string detail) {
    taken_ = taken;
    stamp_ = c_.next_stamp();
    choice_entry entry;
    entry.conflict = found_.id;
    entry.follows = choices_.empty() ? std::string{} : choices_.back().id;
    entry.table = sides_.table;
    entry.key = sides_.key;
    entry.column = sides_.column;
    entry.rule = sides_.rule;
    entry.choice = taken;
    entry.who = choice_.who;
    entry.detail = std::move(detail);
    entry.stands = wanted;
    entry.replaced = present();
    entry.replaced_stamp = present_stamp_;
    record_choice(c_, std::move(entry), stamp_);
  }

  void reinsert() {
    if (sides_.kind != conflict_kind::insert)
      throw failure{failure_code::usage, "only the row that lost when two were inserted under one key can be inserted "
                                         "again under another; take current or other"};
    const auto key = key_for_reinsertion(c_, *table_, choice_.value_json);
    nlohmann::json detail{{"key", nlohmann::json::parse(key_to_json(key), nullptr, false)}};
    note_choice(sides_.current, choice_reinserted,
                detail.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    reinserter{c_, admitted_, *table_, stamp_}.insert(sides_.key, key, row_of(sides_.other), sides_.other_stamp);
    counter_book{c_, admitted_, conflicts_}.count_written(*table_, key, table_->info.own_cells, stamp_);
  }

  void undo_reinsertion(const choice_entry& undone) {
    const auto detail = nlohmann::json::parse(undone.detail, nullptr, false);
    if (!detail.is_object() || !detail.contains("key"))
      throw failure{failure_code::usage, "the settlement does not say under which key the row was inserted again; "
                                         "delete it with SQL"};
    const auto key = key_from_json(detail["key"].dump());
    note_choice(present(), choice_undo, {});
    const auto site = c_.site_index(undone.written.site);
    reinserter{c_, admitted_, *table_, stamp_}.take_back(sides_.key, key, {undone.written.hlc, site},
                                                         choice_.is_forced);
  }

  void write_cell(const value_view& given) {
    const auto column = table_->info.column_named(sides_.column);
    if (choice_.take == kind::take_current && (!is_alive_ || !column || table_->cell_index(column->id) < 0))
      return; // there is nothing left to write
    if (!column || table_->cell_index(column->id) < 0)
      throw failure{failure_code::schema,
                    storage::quoted(sides_.table) + " no longer has column " + storage::quoted(sides_.column)};
    if (!is_alive_)
      throw failure{failure_code::not_found, "row " + key_to_json(sides_.key) + " of " + storage::quoted(sides_.table) +
                                                 " was deleted since; nothing was changed"};
    write_cells({{column->id, value{given}}});
  }

  /// A row that is gone comes back whole: what the side does not name is as it was last.
  void write_row(std::map<std::uint32_t, value> cells) {
    if (!is_alive_)
      for (std::size_t i = 0; i < present_.size(); ++i)
        cells.try_emplace(table_->info.columns[table_->info.cells[i]].id, present_[i]);
    if (is_alive_ && cells.empty())
      return; // a row that is all key has nothing else to bring back
    write_cells(cells);
  }

  void write_cells(const std::map<std::uint32_t, value>& cells) {
    std::vector<std::uint32_t> columns;
    std::vector<value_view> values;
    for (const auto& [column, each] : cells) {
      columns.push_back(column);
      values.push_back(each.view());
    }
    auto record = table_->record(sides_.key);
    if (record && record->is_quarantined) {
      write_hidden(*record, cells);
    } else {
      admitted_.note_vacated(*table_, sides_.key);
      write_here(c_, *table_, sides_.key, columns, values, stamp_);
      admitted_.note_written(*table_, sides_.key);
    }
    // Where the question was whether the row exists, that is chosen too.
    record = table_->record(sides_.key);
    if (is_alive_ && (sides_.kind == conflict_kind::deletion || sides_.kind == conflict_kind::refused)) {
      record->write(life(), {stamp_, c_.head, via_here}, table_->info.all_cells);
      table_->put_record(sides_.key, *record);
    }
    counter_book{c_, admitted_, conflicts_}.count_written(*table_, sides_.key, table_->info.own_cells, stamp_);
  }

  void write_hidden(row_record record, const std::map<std::uint32_t, value>& cells) {
    column_set columns;
    auto values = present_;
    for (const auto& [column, each] : cells) {
      columns.add(column);
      values[static_cast<std::size_t>(table_->cell_index(column))] = each;
    }
    record.write(columns, {stamp_, c_.append_log(*table_, sides_.key, via_here), via_here}, table_->info.all_cells);
    table_->put_record(sides_.key, record);
    admitted_.put_quarantined_values(*table_, sides_.key, values);
  }

  void remove_row() {
    auto record = table_->record(sides_.key);
    if (record) {
      if (record->is_quarantined)
        admitted_.drop_quarantined(*table_, sides_.key, "deleted");
      else
        table_->remove(sides_.key);
      record->is_quarantined = false;
      table_->remove_record(sides_.key);
      admitted_.note_vacated(*table_, sides_.key);
    } else if (auto remains = c_.find_tombstone(*table_, sides_.key)) {
      record = remains->record;
    } else {
      return; // deleted, and forgotten by all
    }
    record->write(life(), {stamp_, c_.append_log(*table_, sides_.key, via_here), via_here}, table_->info.all_cells);
    c_.put_tombstone(*table_, sides_.key, {*record, present_});
  }

  static column_set life() {
    column_set result;
    result.add(life_column);
    return result;
  }

  core& c_;
  admission& admitted_;
  conflict_store& conflicts_;
  const resolution& choice_;
  conflict found_;
  conflict_store::sides sides_;
  std::vector<choice_entry> choices_;
  tracked_table* table_ = nullptr;
  bool is_alive_ = false;
  row_values present_;
  stamp present_stamp_;
  local_stamp stamp_;
  std::string taken_;
};

} // namespace

std::string carry_out(core& c, admission& admitted, conflict_store& conflicts, const resolution& choice) {
  return resolver{c, admitted, conflicts, choice}.carry_out();
}

} // namespace tandem::storage
