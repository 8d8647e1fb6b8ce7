#include "tests/simulation/model.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "storage/packing.hpp"

namespace tandem::simulation {
namespace {

using nlohmann::json;
using property::encoded;

std::string json_of(const value& each) {
  return storage::value_to_json(each.view());
}

bool is_same(const std::string& left, const std::string& right) {
  return left == right || json::parse(left, nullptr, false) == json::parse(right, nullptr, false);
}

/// A row as a JSON object holds that value in that column.
bool holds(const std::string& object, const std::string& column, const std::string& value_json) {
  const auto parsed = json::parse(object, nullptr, false);
  return parsed.is_object() && parsed.contains(column) && parsed[column] == json::parse(value_json, nullptr, false);
}

/// SQLite holds 0.0 and -0.0 for the same: writing the one over the other changes nothing.
value with_one_zero(value each) {
  if (each.type == messages::value_type::real && each.real == 0)
    each.real = 0;
  return each;
}

std::string names_sql(const std::vector<std::string>& names) {
  std::string result;
  for (const auto& name : names)
    result += (result.empty() ? "" : ", ") + property::sql_name(name);
  return result;
}

void read_rows(property::app_database& app, const property::table_spec& table, image& into) {
  std::vector<std::string> names;
  for (const auto& column : table.columns)
    if (!column.is_generated)
      names.push_back(column.name);
  for (auto& values : app.query("SELECT " + names_sql(names) + " FROM " + property::sql_name(table.name))) {
    property::row key;
    std::vector<messages::value_view> views;
    row_now now;
    std::size_t place = 0;
    for (const auto& column : table.columns) {
      if (column.is_generated)
        continue;
      if (column.is_key)
        key.push_back(with_one_zero(values[place]));
      else
        now.cells[column.name] = with_one_zero(values[place]);
      ++place;
    }
    for (const auto& each : key)
      views.push_back(each.view());
    now.key_json = storage::key_to_json(storage::packed_values(views));
    into[{table.name, encoded(key)}] = std::move(now);
  }
}

} // namespace

image read_image(property::app_database& app, const property::schema_spec& schema) {
  image result;
  for (const auto& table : schema.tables)
    read_rows(app, table, result);
  return result;
}

knowledge read_knowledge(property::app_database& app) {
  knowledge result;
  for (const auto& each : app.query("SELECT writer, n FROM sim_seen"))
    result[each[0].bytes] = each[1].integer;
  return result;
}

bool model::has_seen(const touch& later, const touch& earlier) {
  if (&later == &earlier || (later.writer == earlier.writer && later.number == earlier.number))
    return false;
  const auto known = later.seen->find(earlier.writer);
  return known != later.seen->end() && known->second >= earlier.number;
}

std::string model::node_of(const touch& each) {
  return each.writer.substr(0, each.writer.find('.'));
}

bool model::has_seen(const std::vector<touch>& any_of, const touch& earlier, bool with_optional) {
  return std::ranges::any_of(
      any_of, [&](const touch& later) { return (with_optional || !later.is_optional) && has_seen(later, earlier); });
}

void model::add(const std::string& writer, const knowledge& seen, const image& before, const image& after,
                const std::set<row_name>& rewritten) {
  const auto number = seen.at(writer);
  last_[writer] = number;
  ++commits_;
  const auto known = std::make_shared<const knowledge>(seen);
  const auto made = [&](const value& written, bool is_optional) {
    return touch{writer, number, known, written, false, is_optional};
  };
  for (const auto& [name, now] : after) {
    const auto was = before.find(name);
    auto& row = rows_[name];
    row.key_json = now.key_json;
    if (was == before.end())
      row.inserts.push_back(made({}, false));
    for (const auto& [column, each] : now.cells) {
      const bool is_new = was == before.end() || encoded(was->second.cells.at(column)) != encoded(each);
      if (is_new || rewritten.contains(name))
        row.cells[column].push_back(made(each, !is_new));
    }
  }
  for (const auto& [name, was] : before) {
    if (after.contains(name))
      continue;
    auto& row = rows_[name];
    row.deletes.push_back(made({}, false));
    for (const auto& [column, each] : was.cells)
      row.cells.try_emplace(column);
  }
  // Written and deleted in one transaction: if the row comes back, it is with what it was last.
  for (const auto& name : rewritten)
    if (const auto found = rows_.find(name); found != rows_.end() && !after.contains(name))
      for (auto& [column, touches] : found->second.cells) {
        touches.push_back(made({}, true));
        touches.back().is_hidden = true;
      }
}

void model::forget(const std::string& writer, std::int64_t last) {
  const auto is_gone = [&](const touch& each) {
    return each.writer == writer && each.number > last;
  };
  for (auto& [name, row] : rows_) {
    std::erase_if(row.deletes, is_gone);
    std::erase_if(row.inserts, is_gone);
    for (auto& [column, touches] : row.cells)
      std::erase_if(touches, is_gone);
  }
  if (const auto found = last_.find(writer); found != last_.end())
    found->second = std::min(found->second, last);
}

std::int64_t model::last_of(const std::string& writer) const {
  const auto found = last_.find(writer);
  return found == last_.end() ? 0 : found->second;
}

/// One row of one replica, held against what the replica has seen of its history.
struct model::row_check {
  row_check(const row_name& row, const row_history& history, const standing& now)
      : name{row}, all{history}, has_pending{now.has_pending} {
    const auto keep = [&](const std::vector<touch>& from, std::vector<touch>& into) {
      for (const auto& each : from)
        if (const auto known = now.seen.find(each.writer); known != now.seen.end() && known->second >= each.number)
          into.push_back(each);
    };
    keep(history.deletes, deletes);
    keep(history.inserts, inserts);
    for (const auto& [column, touches] : history.cells)
      keep(touches, cells[column]);
    let_unstamped_be_nothing();
    if (const auto found = now.rows.find(row); found != now.rows.end())
      visible = &found->second;
    for (const auto& each : now.quarantine)
      if (each.table == row.first && each.key_json == history.key_json)
        aside = &each;
    for (const auto& each : now.audit)
      if (each.table == row.first && each.key_json == history.key_json)
        audit.push_back(&each);
  }

  const row_name& name;
  const row_history& all;
  const bool has_pending;
  std::vector<touch> deletes;
  std::vector<touch> inserts;
  std::map<std::string, std::vector<touch>> cells;
  const row_now* visible = nullptr;
  const storage::quarantined_row* aside = nullptr;
  std::vector<const storage::conflict*> audit;
  std::vector<complaint> wrong;

  void complain(const std::string& what) { wrong.push_back({name.first, all.key_json, what}); }
  [[nodiscard]] std::string touched() const {
    std::string result = "; written:";
    const auto tell = [&result](const std::string& what, const touch& each) {
      result += " " + what + " by " + each.writer + "/" + std::to_string(each.number) + (each.is_optional ? "?" : "");
    };
    for (const auto& [column, touches] : cells)
      for (const auto& each : touches)
        tell(column, each);
    result += "; deleted:";
    for (const auto& each : deletes)
      tell("", each);
    return result;
  }
  [[nodiscard]] bool is_alive() const { return visible || aside; }

  // What one node wrote and deleted again may never have been stamped: then it changed nothing in the end.
  void let_unstamped_be_nothing() {
    for (auto& [column, touches] : cells)
      for (auto& each : touches)
        each.is_optional = each.is_optional || std::ranges::any_of(deletes, [&](const touch& deletion) {
                             return has_seen(deletion, each) && node_of(deletion) == node_of(each);
                           });
  }

  void check_life(bool may_revive) {
    bool must_live = false;
    std::string unseen;
    bool may_live = false;
    const auto look = [&](const std::string& column, const std::vector<touch>& touches, const touch& each) {
      if (has_seen(deletes, each))
        return;
      may_live = true;
      // Who wrote over it decides instead. And two that wrote the same are one write to whoever saw either.
      if (has_seen(touches, each, false) || std::ranges::any_of(touches, [&](const touch& same) {
            return !same.is_hidden && encoded(same.written) == encoded(each.written) && has_seen(deletes, same);
          }))
        return;
      // It may have lost against a write that the delete had seen; then it is in the audit trail.
      if (each.is_optional || (!is_alive() && is_in_audit(column, each)))
        return;
      must_live = true;
      unseen += " " + column + " by " + each.writer + "/" + std::to_string(each.number);
    };
    for (const auto& [column, touches] : cells)
      for (const auto& each : touches)
        look(column, touches, each);
    // It may have come back by an update that one of the deletes had not seen; then the audit trail tells.
    if (is_alive() && !may_live && !may_revive && !has_row_entry())
      complain("it stands, though all that was written to it was deleted by someone who had seen it" + touched());
    if (!is_alive() && must_live)
      complain("it is gone, though nobody deleted it who had seen" + unseen + touched());
    // An app may insert a row that it does not see; the two become one when it is stamped.
    if (visible && aside && !has_pending)
      complain("it is visible and in quarantine at once");
  }

  [[nodiscard]] bool has_row_entry() const {
    return std::ranges::any_of(audit, [](const auto* entry) { return entry->column.empty(); });
  }

  bool is_in_audit(const std::string& column, const touch& each) const {
    const auto plain = json_of(each.written);
    return std::ranges::any_of(audit, [&](const storage::conflict* entry) {
      if (entry->column == column)
        return is_same(entry->current_json, plain) || is_same(entry->other_json, plain);
      return entry->column.empty() &&
             (holds(entry->current_json, column, plain) || holds(entry->other_json, column, plain));
    });
  }

  bool stands(const std::string& column, const touch& each) const {
    if (each.is_hidden)
      return true;
    if (visible)
      return encoded(visible->cells.at(column)) == encoded(each.written);
    return holds(aside->values_json, column, json_of(each.written));
  }

  // `may_revive`: what a file held that was not stamped yet when it was copied is written twice, by both, and the later
  // stamp of it may win over who has seen the earlier one. Who lost is in the audit trail.
  void check_cell(const std::string& column, const std::vector<touch>& touches, bool may_revive) {
    bool is_allowed = false;
    bool is_told = may_revive && std::ranges::any_of(touches, [&](const touch& each) { return stands(column, each); });
    std::string latest;
    for (const auto& each : touches) {
      if (has_seen(touches, each, false))
        continue;
      latest +=
          " " + messages::to_display(each.written.view()) + " by " + each.writer + "/" + std::to_string(each.number);
      is_allowed = is_allowed || stands(column, each);
      is_told = is_told && (each.is_optional || is_in_audit(column, each));
      // Two that wrote the same are one write to whoever saw either.
      const bool is_known_value = std::ranges::any_of(touches, [&](const touch& same) {
        return !same.is_hidden && encoded(same.written) == encoded(each.written) && has_seen(touches, same);
      });
      if (each.is_optional || is_known_value || has_seen(touches, each) || stands(column, each) ||
          has_seen(deletes, each) || is_in_audit(column, each))
        continue;
      complain("the write of " + messages::to_display(each.written.view()) + " to " + column + " by " + each.writer +
               "/" + std::to_string(each.number) + " is lost without a trace");
    }
    if (!is_allowed && !is_told)
      complain(column + " is " +
               (visible ? messages::to_display(visible->cells.at(column).view()) : "in " + aside->values_json) +
               ", which is none of the latest writes:" + latest);
  }

  void check_deletes() {
    for (const auto& each : deletes) {
      // What one node inserted and deleted may never have been anybody else's: between the two, even over a loss of
      // power that its app survived, nothing may have stamped it.
      const auto is_of_another = [&each](const touch& before) {
        return node_of(before) != node_of(each) && has_seen(each, before);
      };
      bool is_answered = std::ranges::none_of(inserts, is_of_another);
      // Two that deleted the same are one deletion to whoever saw either.
      for (const auto& same : deletes) {
        is_answered = is_answered || has_seen(inserts, same);
        for (const auto& [column, touches] : cells)
          is_answered = is_answered || has_seen(touches, same);
      }
      is_answered = is_answered || has_row_entry();
      if (!is_answered)
        complain("the deletion by " + each.writer + "/" + std::to_string(each.number) + " is lost without a trace");
    }
  }

  void check_conflicts() {
    for (const auto* entry : audit) {
      if (entry->kind != storage::conflict_kind::cell)
        continue;
      const auto found = cells.find(entry->column);
      if (found == cells.end())
        continue;
      bool is_named = false; // a value may have stood within a transaction only
      bool is_true = false;
      for (const auto& one : found->second)
        for (const auto& two : found->second) {
          if (!is_same(entry->current_json, json_of(one.written)) || !is_same(entry->other_json, json_of(two.written)))
            continue;
          is_named = true;
          is_true = is_true || (!has_seen(one, two) && !has_seen(two, one) && one.writer != two.writer);
        }
      if (is_named && !is_true)
        complain("a false conflict in " + entry->column + ": " + entry->current_json + " against " + entry->other_json +
                 ", one had seen the other");
    }
  }
};

std::vector<complaint> model::check(const standing& now, const leniency& how) const {
  std::vector<complaint> wrong;
  for (const auto& [name, row] : now.rows)
    if (!rows_.contains(name))
      wrong.push_back({name.first, row.key_json, "nobody has written this row"});
  if (!how.may_quarantine)
    for (const auto& each : now.quarantine)
      wrong.push_back({each.table, each.key_json, "in quarantine, but no constraint is there"});
  for (const auto& [name, row] : rows_) {
    row_check one{name, row, now};
    one.check_life(how.may_revive);
    if (one.is_alive()) {
      for (const auto& [column, touches] : one.cells)
        one.check_cell(column, touches, how.may_revive);
      if (!how.may_revive)
        one.check_deletes();
    }
    if (how.must_have_true_conflicts)
      one.check_conflicts();
    wrong.insert(wrong.end(), one.wrong.begin(), one.wrong.end());
  }
  return wrong;
}

} // namespace tandem::simulation
