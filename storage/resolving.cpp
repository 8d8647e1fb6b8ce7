#include "storage/resolving.hpp"

#include <array>

namespace tandem::storage {
namespace {

class resolver {
public:
  resolver(core& c, admission& admitted, conflict_store& conflicts)
      : c_{c}, admitted_{admitted}, conflicts_{conflicts} {}

  void carry_out(const resolution& choice) {
    const auto found = conflicts_.find(choice.id);
    sides_ = conflicts_.sides_of(found.id);
    table_ = &c_.tracked(sides_.table);
    std::string taken;
    switch (choice.take) {
    case resolution::kind::take_current:
      taken = "current";
      if (found.choice == "other" || found.choice == "value")
        take_side(true);
      break;
    case resolution::kind::take_other:
      taken = "other";
      take_side(false);
      break;
    case resolution::kind::take_value:
      taken = "value";
      take_value(choice.value_json);
      break;
    case resolution::kind::undo:
      undo(found);
      conflicts_.settle(found.id, "undone", c_.self.site.to_short(), found.choice == "other" ? "current" : "other");
      return;
    }
    conflicts_.settle(found.id, "resolved", c_.self.site.to_short(), taken);
  }

private:
  // What the policy settled is undone by bringing the other side back; what a person chose, by going back to
  // what stood before.
  void undo(const conflict& found) { take_side(found.choice == "other" || found.choice == "value"); }

  void take_side(bool current) {
    const auto& side = current ? sides_.current : sides_.other;
    switch (sides_.kind) {
    case conflict_kind::cell:
      write_cell(side.view());
      break;
    case conflict_kind::insert:
    case conflict_kind::row:
      write_row(unpack_named_cells(table_->info, side.bytes));
      break;
    case conflict_kind::deletion:
    case conflict_kind::refused: // written anew, and judged by the rules anew
      if (side.type == value_type::null)
        remove_row();
      else
        write_row(unpack_named_cells(table_->info, side.bytes));
      break;
    case conflict_kind::constraint:
      throw failure{failure_code::usage,
                    "row " + key_to_json(sides_.key) + " of " + quoted(sides_.table) +
                        " is in quarantine; it comes back by itself once the row that stands in its way is changed or "
                        "removed, or its parent exists (`tandem conflicts DB show ID` names it)"};
    }
  }

  void take_value(const std::string& json) {
    if (sides_.kind != conflict_kind::cell)
      throw failure{failure_code::usage,
                    "--value settles conflicts of one cell; this one is about a whole row: take current "
                    "or other, and edit the row with SQL"};
    const auto given = value_from_json(json);
    write_cell(given.view());
  }

  void write_cell(const value_view& given) {
    const auto column = table_->info.column_named(sides_.column);
    if (!column || column->key_position)
      throw failure{failure_code::schema, quoted(sides_.table) + " no longer has column " + quoted(sides_.column)};
    auto record = live_record();
    if (record.is_quarantined) {
      auto values = admitted_.quarantined_values(*table_, sides_.key);
      values[static_cast<std::size_t>(table_->cell_index(column->id))] = value{given};
      write_hidden(record, values);
      return;
    }
    const std::array columns{column->id};
    const std::array values{given};
    admitted_.note_vacated(*table_, sides_.key);
    write_here(c_, *table_, sides_.key, columns, values);
    admitted_.note_written(*table_, sides_.key);
  }

  void write_row(const row_values& values) {
    std::vector<std::uint32_t> columns;
    for (const auto index : table_->info.cells)
      columns.push_back(table_->info.columns[index].id);
    const auto record = table_->record(sides_.key);
    if (record && record->is_quarantined) {
      write_hidden(*record, values);
      return;
    }
    if (record && columns.empty())
      return; // a row that is all key has nothing else to bring back
    admitted_.note_vacated(*table_, sides_.key);
    write_here(c_, *table_, sides_.key, columns, views_of(values));
    admitted_.note_written(*table_, sides_.key);
  }

  void write_hidden(row_record record, const row_values& values) {
    const auto stamp = c_.next_stamp();
    auto cells = table_->info.own_cells;
    column_set life;
    life.add(life_column);
    cells.remove(life);
    record.write(cells, {stamp, c_.append_log(*table_, sides_.key, via_here), via_here}, table_->info.all_cells);
    table_->put_record(sides_.key, record);
    admitted_.put_quarantined_values(*table_, sides_.key, values);
  }

  void remove_row() {
    auto record = live_record();
    const auto values = record.is_quarantined
                            ? admitted_.quarantined_values(*table_, sides_.key)
                            : table_->read(sides_.key).value_or(row_values(table_->info.cells.size()));
    if (record.is_quarantined)
      admitted_.drop_quarantined(*table_, sides_.key, "deleted");
    else
      table_->remove(sides_.key);
    column_set life;
    life.add(life_column);
    const auto stamp = c_.next_stamp();
    record.write(life, {stamp, c_.append_log(*table_, sides_.key, via_here), via_here}, table_->info.all_cells);
    record.is_quarantined = false;
    table_->remove_record(sides_.key);
    c_.put_tombstone(*table_, sides_.key, {record, values});
    admitted_.note_vacated(*table_, sides_.key);
  }

  row_record live_record() {
    if (auto record = table_->record(sides_.key))
      return *record;
    throw failure{failure_code::not_found, "row " + key_to_json(sides_.key) + " of " + quoted(sides_.table) +
                                               " was deleted since; nothing was changed"};
  }

  core& c_;
  admission& admitted_;
  conflict_store& conflicts_;
  conflict_store::sides sides_;
  tracked_table* table_ = nullptr;
};

} // namespace

void carry_out(core& c, admission& admitted, conflict_store& conflicts, const resolution& choice) {
  resolver{c, admitted, conflicts}.carry_out(choice);
}

} // namespace tandem::storage
