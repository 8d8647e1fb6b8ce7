#include "messages/limits.hpp"
#include "storage/core.hpp"

namespace tandem::storage {
namespace {

std::vector<std::string> names_of(const table& info, std::span<const std::size_t> indexes) {
  std::vector<std::string> result;
  for (const auto index : indexes)
    result.push_back(quoted(info.columns[index].name));
  return result;
}

// Cells first, then the key, so that row_values bind and read from column 0 on.
std::string insert_sql(const table& info) {
  auto names = names_of(info, info.cells);
  for (auto& name : names_of(info, info.key))
    names.push_back(std::move(name));
  std::vector<std::string> parameters;
  for (std::size_t i = 1; i <= names.size(); ++i)
    parameters.push_back("?" + std::to_string(i));
  return "INSERT INTO " + info.app_table() + "(" + joined(names, ", ") + ") VALUES (" + joined(parameters, ", ") + ")";
}

std::string find_sql(const table& info) {
  auto names = names_of(info, info.cells);
  names.emplace_back("1");
  return "SELECT " + joined(names, ", ") + " FROM " + info.app_table() + " WHERE " + info.key_condition();
}

std::string find_fed_sql(const table& info) {
  std::vector<std::string> names{"given.n"};
  for (const auto& name : names_of(info, info.cells))
    names.push_back("app." + name);
  return "SELECT " + joined(names, ", ") + " FROM tandem_feed(?1) AS given CROSS JOIN " + info.app_table() +
         " AS app ON " + info.fed_key_condition();
}

} // namespace

tracked_table::tracked_table(database& db, table description, const bool& has_tombstones)
    : info{std::move(description)}, records{db, info, has_tombstones}, db_{db} {
  const auto app = info.app_table();
  exists_ = {db, "SELECT 1 FROM " + app + " WHERE " + info.key_condition()};
  find_ = {db, find_sql(info)};
  if (info.key.size() <= limits::feed_columns_max)
    find_fed_ = {db, find_fed_sql(info)};
  insert_ = {db, insert_sql(info)};
  std::vector<std::string> loosely;
  for (const auto& name : names_of(info, info.key))
    loosely.push_back(name + " = ?" + std::to_string(loosely.size() + 1));
  stored_key_ = {db, "SELECT " + info.key_list() + " FROM " + app + " WHERE " + joined(loosely, " AND ")};
  const auto first_key = quoted(info.columns[info.key.front()].name);
  insert_or_find_ = {db, insert_sql(info) + " ON CONFLICT DO UPDATE SET " + first_key + " = " + first_key +
                             " RETURNING " + info.key_list()};
  remove_ = {db, "DELETE FROM " + app + " WHERE " + info.key_condition()};
  prepare_rivals();
  deleted_get_ = {db, "SELECT * FROM " + info.deleted_table() + " WHERE id = ?1"};
  for (std::size_t i = 0; i < info.cells.size(); ++i)
    cell_index_[info.columns[info.cells[i]].id] = static_cast<int>(i);
}

int tracked_table::cell_index(std::uint32_t column_id) const {
  const auto found = cell_index_.find(column_id);
  return found == cell_index_.end() ? -1 : found->second;
}

std::string tracked_table::app_key(const statement& from, int first_column) const {
  std::string result;
  for (std::size_t i = 0; i < info.key.size(); ++i)
    append_value(result, from.value(first_column + static_cast<int>(i)));
  return result;
}

void tracked_table::bind_app_key(statement& to, int first_index, std::string_view key) {
  unpack_values(key, key_values_);
  if (key_values_.size() != info.key.size())
    throw failure{failure_code::usage, "a key of " + quoted(info.name) + " has " + std::to_string(info.key.size()) +
                                           " values, not " + std::to_string(key_values_.size())};
  for (const auto& each : key_values_)
    to.bind_at(first_index++, each);
}

bool tracked_table::exists(std::string_view key) {
  const statement_guard guard{exists_};
  bind_app_key(exists_, 1, key);
  return exists_.step();
}

statement* tracked_table::find(std::string_view key) {
  find_.reset();
  bind_app_key(find_, 1, key);
  if (find_.step())
    return &find_;
  find_.reset();
  return nullptr;
}

statement& tracked_table::find_fed(const row_feed& keys) {
  find_fed_.reset();
  find_fed_.bind_feed(1, keys);
  return find_fed_;
}

std::optional<row_values> tracked_table::read(std::string_view key) {
  const auto found = find(key);
  if (!found)
    return std::nullopt;
  row_values result;
  for (std::size_t i = 0; i < info.cells.size(); ++i)
    result.emplace_back(found->value(static_cast<int>(i)));
  found->reset();
  return result;
}

int tracked_table::insert(std::string_view key, std::span<const value_view> values) {
  int index = 0;
  for (const auto& each : values)
    insert_.bind_at(++index, each);
  bind_app_key(insert_, index + 1, key);
  return insert_.run_constrained();
}

int tracked_table::insert_or_find(std::string_view key, std::span<const value_view> values, std::string& key_in_place) {
  const statement_guard guard{insert_or_find_};
  int index = 0;
  for (const auto& each : values)
    insert_or_find_.bind_at(++index, each);
  bind_app_key(insert_or_find_, index + 1, key);
  int constraint = 0;
  if (insert_or_find_.step_constrained(constraint)) {
    // RETURNING may show an integer key as a real (SQLite 3.40), so the table is asked for it.
    const auto shown = app_key(insert_or_find_, 0);
    const statement_guard stored_guard{stored_key_};
    bind_app_key(stored_key_, 1, shown);
    key_in_place = stored_key_.step() ? app_key(stored_key_, 0) : std::string{key};
    insert_or_find_.step_constrained(constraint);
  }
  return constraint;
}

std::optional<std::string> tracked_table::rival_of(std::string_view key, std::span<const value_view> values) {
  const auto own = unpacked_values(key);
  for (auto& rival : rivals_) {
    const statement_guard guard{rival.find};
    int index = 0;
    for (const auto& [is_key, place] : rival.columns)
      rival.find.bind_at(++index, is_key ? own[place] : values[place]);
    if (rival.find.step())
      return app_key(rival.find, 0);
  }
  return std::nullopt;
}

void tracked_table::prepare_rivals() {
  auto keys = info.unique_keys;
  auto& primary = keys.emplace_back();
  for (const auto index : info.key)
    primary.columns.push_back(info.columns[index].name);
  for (const auto& unique : keys) {
    rival_query rival;
    std::vector<std::string> same;
    for (const auto& name : unique.columns) {
      for (std::size_t i = 0; i < info.key.size(); ++i)
        if (info.columns[info.key[i]].name == name)
          rival.columns.emplace_back(true, i);
      for (std::size_t i = 0; i < info.cells.size(); ++i)
        if (info.columns[info.cells[i]].name == name)
          rival.columns.emplace_back(false, i);
      same.push_back(quoted(name) + " = ?" + std::to_string(same.size() + 1));
    }
    if (rival.columns.size() != unique.columns.size())
      continue; // over an expression or a generated column: insert_or_find has to do
    if (!unique.condition.empty())
      same.push_back("(" + unique.condition + "\n)");
    rival.find = {db_, "SELECT " + info.key_list() + " FROM " + info.app_table() + " WHERE " + joined(same, " AND ")};
    rivals_.push_back(std::move(rival));
  }
}

int tracked_table::update(std::string_view key, std::span<const std::uint32_t> columns,
                          std::span<const value_view> values) {
  const std::string shape{reinterpret_cast<const char*>(columns.data()), columns.size_bytes()};
  auto found = updates_.find(shape);
  if (found == updates_.end()) {
    std::vector<std::string> assignments;
    for (const auto column : columns)
      assignments.push_back(quoted(info.column_with_id(column)->name) + " = ?" +
                            std::to_string(assignments.size() + 1));
    found =
        updates_
            .emplace(shape, statement{db_, "UPDATE " + info.app_table() + " SET " + joined(assignments, ", ") +
                                               " WHERE " + info.key_condition(static_cast<int>(columns.size()) + 1)})
            .first;
  }
  int index = 0;
  for (const auto& each : values)
    found->second.bind_at(++index, each);
  bind_app_key(found->second, index + 1, key);
  return found->second.run_constrained();
}

void tracked_table::remove(std::string_view key) {
  bind_app_key(remove_, 1, key);
  remove_.run();
}

std::optional<row_values> tracked_table::deleted_values(std::int64_t pending_id) {
  const statement_guard guard{deleted_get_};
  deleted_get_.bind(pending_id);
  if (!deleted_get_.step())
    return std::nullopt;
  row_values result(info.cells.size());
  for (int i = 1; i < deleted_get_.columns(); ++i) {
    const auto id = static_cast<std::uint32_t>(std::stoul(std::string{deleted_get_.column_name(i).substr(1)}));
    if (const auto index = cell_index(id); index >= 0)
      result[static_cast<std::size_t>(index)] = value{deleted_get_.value(i)};
  }
  return result;
}

std::vector<value_view> views_of(const row_values& values) {
  std::vector<value_view> result;
  result.reserve(values.size());
  for (const auto& each : values)
    result.push_back(each.view());
  return result;
}

} // namespace tandem::storage
