// How conflicts are read for people. Rows of tandem_conflicts come from peers, who may send anything: what makes no
// sense is shown with what is wrong with it.
#include "storage/conflict_reading.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "storage/choices.hpp"
#include "storage/conflict_store.hpp"

namespace tandem::storage {
namespace {

constexpr std::array kinds{conflict_kind::cell, conflict_kind::insert,     conflict_kind::deletion,
                           conflict_kind::row,  conflict_kind::constraint, conflict_kind::refused};
constexpr std::array<std::string_view, 4> states{"open", "settled", "resolved", "undone"};

constexpr const char* select_conflict =
    "SELECT id, kind, tbl, k, col, current, current_hlc, current_site, other, other_hlc, other_site, rule, state, "
    "settled_by, settled_ms, choice, settled_who, base FROM tandem_conflicts WHERE about IS NULL ";

std::string side_to_json(core& c, const statement& row, int column) {
  const auto each = row.value(column);
  // A side of a whole row is its cells, packed under their names.
  if (row.is_null(4) && each.type == value_type::blob)
    if (const auto of = c.table_named(row.text(2)))
      return row_to_json(of->info, row.blob(3), unpack_named_cells(of->info, each.bytes));
  return value_to_json(each);
}

std::optional<conflict_kind> kind_named(std::string_view name) {
  const auto found = std::ranges::find(kinds, name, [](conflict_kind kind) { return name_of(kind); });
  return found == kinds.end() ? std::nullopt : std::optional{*found};
}

/// As much of a text from a peer as a message quotes.
std::string excerpt(std::string_view text) {
  constexpr std::size_t quoted_bytes = 40;
  return text.size() <= quoted_bytes ? std::string{text} : std::string{text.substr(0, quoted_bytes)} + "...";
}

/// Why nothing can be done about it; empty: something can.
std::string trouble_of(core& c, const statement& row) {
  const auto of = c.table_named(row.text(2));
  if (!of || is_own_table(of->info.name))
    return "table " + quoted(excerpt(row.text(2))) + " is not tracked here";
  if (!kind_named(row.text(1)))
    return "its kind \"" + excerpt(row.text(1)) + "\" is not known";
  if (std::ranges::find(states, row.text(12)) == states.end())
    return "its state \"" + excerpt(row.text(12)) + "\" is not known";
  const auto key = unpacked_values(row.blob(3));
  const auto fits = [&](const value_view& part) {
    return part.type != value_type::null && (!of->info.has_integer_key || part.type == value_type::integer);
  };
  if (key.size() != of->info.key.size() || !std::ranges::all_of(key, fits))
    return "its key does not fit table " + quoted(of->info.name);
  constexpr std::size_t site_bytes = sizeof(site_id::bytes);
  if (row.blob(7).size() != site_bytes || row.blob(10).size() != site_bytes)
    return "it does not say which sites wrote";
  return {};
}

conflict conflict_of(core& c, const statement& row) {
  conflict result;
  result.id = row.text(0);
  result.table = row.text(2);
  result.column = row.text(4);
  result.rule = row.text(11);
  result.state = row.text(12);
  result.settled_by = row.text(13);
  result.settled_ms = row.integer(14);
  result.choice = row.text(15);
  result.settled_who = row.text(16);
  result.kind = kind_named(row.text(1)).value_or(conflict_kind::cell);
  result.key_json = result.current_json = result.other_json = "null";
  try {
    result.trouble = trouble_of(c, row);
    result.key_json = key_to_json(row.blob(3));
    result.current_json = side_to_json(c, row, 5);
    result.other_json = side_to_json(c, row, 8);
    if (!row.is_null(17))
      result.base_json = value_to_json(row.value(17));
    result.current = {row.unsigned_integer(6), site_id::from_bytes(row.blob(7))};
    result.other = {row.unsigned_integer(9), site_id::from_bytes(row.blob(10))};
  } catch (const failure&) {
    if (result.trouble.empty())
      result.trouble = "its values are not readable";
  }
  return result;
}

// --- what holds a text -------------------------------------------------------------------------

char lowered(char each) {
  return each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a') : each;
}

/// `wanted` is in lower case.
bool holds(std::string_view text, std::string_view wanted) {
  const auto is_same = [](char each, char other) {
    return lowered(each) == other;
  };
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(), is_same) != text.end();
}

bool holds(const value_view& of, std::string_view wanted) {
  if (of.type == value_type::text)
    return holds(of.bytes, wanted);
  return of.type != value_type::null && holds(value_to_json(of), wanted);
}

/// Keys and whole rows are lists of values; of a row with the columns' names in between.
bool any_holds(std::string_view packed, std::string_view wanted) {
  try {
    return std::ranges::any_of(unpacked_values(packed), [&](const value_view& each) { return holds(each, wanted); });
  } catch (const failure&) { // packed by nobody who knew how
    return false;
  }
}

bool side_holds(const value_view& side, bool is_row, std::string_view wanted) {
  return is_row && side.type == value_type::blob ? any_holds(side.bytes, wanted) : holds(side, wanted);
}

/// Of a row of select_conflict. Within an id any few digits stand by chance: it counts from its beginning.
bool conflict_holds(const statement& row, std::string_view wanted) {
  constexpr std::array texts{1, 2, 4, 11, 12, 15, 16};
  constexpr std::array sides{5, 8, 17};
  return row.text(0).starts_with(wanted) || any_holds(row.blob(3), wanted) ||
         std::ranges::any_of(texts, [&](int column) { return holds(row.text(column), wanted); }) ||
         std::ranges::any_of(sides, [&](int column) { return side_holds(row.value(column), row.is_null(4), wanted); });
}

/// Who made a choice about it, and what was taken.
bool choices_hold(core& c, std::string_view id, std::string_view wanted) {
  auto& choices = c.cached("SELECT settled_who, choice, current, col FROM tandem_conflicts WHERE about = ?1");
  const statement_guard guard{choices};
  choices.bind(id);
  while (choices.step())
    if (holds(choices.text(0), wanted) || holds(choices.text(1), wanted) ||
        side_holds(choices.value(2), choices.is_null(3), wanted))
      return true;
  return false;
}

// --- which conflicts are shown -----------------------------------------------------------------

std::string condition_of(const conflict_wish& wanted) {
  std::string result = wanted.open_only ? "AND state = 'open' " : "";
  if (wanted.is_set_aside)
    result += *wanted.is_set_aside ? "AND kind = 'constraint' " : "AND kind IS NOT 'constraint' ";
  return result;
}

/// The ids of those that are shown, in their order. Only this many are at hand at once, however many there are.
std::vector<std::string> ids_with_text(core& c, const conflict_wish& wanted, std::uint64_t& total) {
  std::string text = wanted.text;
  std::ranges::transform(text, text.begin(), lowered);
  std::set<std::pair<std::uint64_t, std::string>> first;
  statement query{c.db, select_conflict + condition_of(wanted)};
  while (query.step()) {
    if (!conflict_holds(query, text) && !choices_hold(c, query.text(0), text))
      continue;
    ++total;
    first.emplace(std::max(query.unsigned_integer(6), query.unsigned_integer(9)), query.text(0));
    if (first.size() > wanted.shown_max)
      first.erase(wanted.newest_first ? first.begin() : std::prev(first.end()));
  }
  std::vector<std::string> result;
  for (const auto& [hlc, id] : first)
    result.push_back(id);
  if (wanted.newest_first)
    std::ranges::reverse(result);
  return result;
}

std::vector<std::string> ids_of_any(core& c, const conflict_wish& wanted, std::uint64_t& total) {
  const std::string from = "FROM tandem_conflicts WHERE about IS NULL " + condition_of(wanted);
  total = static_cast<std::uint64_t>(c.db.integer("SELECT count(*) " + from));
  const std::string way = wanted.newest_first ? " DESC" : "";
  statement query{c.db,
                  "SELECT id " + from + "ORDER BY max(current_hlc, other_hlc)" + way + ", id" + way + " LIMIT ?1"};
  query.bind(wanted.shown_max);
  std::vector<std::string> result;
  while (query.step())
    result.emplace_back(query.text(0));
  return result;
}

/// The reason that stands with the conflict is the first one; the row may wait for something else by now.
std::string waits_for(core& c, const conflict& of, std::string_view key) {
  if (of.kind != conflict_kind::constraint || of.state != "open" || !of.trouble.empty())
    return {};
  auto& query = c.cached("SELECT reason FROM tandem_quarantine WHERE t = ?1 AND k = ?2");
  const statement_guard guard{query};
  query.bind_at(1, c.table_named(of.table)->info.id);
  query.bind_blob(2, key);
  return query.step() ? std::string{query.text(0)} : of.rule;
}

} // namespace

conflict_reader::conflict_reader(const std::string& path) : core_{std::make_unique<core>(path, replica_options{})} {
  core_->db.execute("PRAGMA query_only = ON");
}
conflict_reader::~conflict_reader() = default;

found_conflicts conflict_reader::find(const conflict_wish& wanted) {
  auto& c = *core_;
  const core_transaction reading{c, transaction::kind::read};
  found_conflicts result;
  const auto find_ids = wanted.text.empty() ? ids_of_any : ids_with_text;
  std::vector<conflict> conflicts;
  std::vector<std::string> keys;
  statement query{c.db, std::string{select_conflict} + "AND id = ?1"};
  for (const auto& id : find_ids(c, wanted, result.total)) {
    const statement_guard guard{query};
    query.bind(id);
    query.step();
    conflicts.push_back(conflict_of(c, query));
    keys.emplace_back(query.blob(3));
  }
  add_aftermath(c, conflicts, keys);
  for (std::size_t i = 0; i < conflicts.size(); ++i) {
    auto reason = waits_for(c, conflicts[i], keys[i]);
    result.shown.push_back({std::move(conflicts[i]), std::move(reason)});
  }
  return result;
}

std::vector<conflict> conflict_store::list(bool open_only) {
  std::vector<conflict> result;
  std::vector<std::string> keys;
  statement query{c_.db, std::string{select_conflict} + (open_only ? "AND state = 'open' " : "") +
                             "ORDER BY max(current_hlc, other_hlc), id"};
  while (query.step()) {
    result.push_back(conflict_of(c_, query));
    keys.emplace_back(query.blob(3));
  }
  query.reset();
  add_aftermath(c_, result, keys);
  return result;
}

conflict conflict_store::find(std::string_view id_or_prefix) {
  statement query{c_.db, std::string{select_conflict} + "AND substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 2"};
  query.bind(id_or_prefix);
  if (id_or_prefix.empty() || !query.step())
    throw failure{failure_code::not_found, "no conflict has the id " + excerpt(id_or_prefix) + "; `tandem conflicts " +
                                               c_.db.path() + "` lists them"};
  std::vector<conflict> result;
  result.push_back(conflict_of(c_, query));
  const std::vector<std::string> keys{std::string{query.blob(3)}};
  if (query.step())
    throw failure{failure_code::usage,
                  "more than one conflict's id begins with " + excerpt(id_or_prefix) + "; give more of its letters"};
  query.reset();
  add_aftermath(c_, result, keys);
  return std::move(result.front());
}

conflict_store::sides conflict_store::sides_of(std::string_view id) {
  statement query{c_.db, std::string{select_conflict} + "AND id = ?1"};
  query.bind(id);
  if (!query.step())
    throw failure{failure_code::not_found, "no conflict has the id " + excerpt(id)};
  return {std::string{query.text(2)},
          std::string{query.blob(3)},
          std::string{query.text(4)},
          kind_named(query.text(1)).value_or(conflict_kind::cell),
          value{query.value(5)},
          value{query.value(8)},
          {query.unsigned_integer(6), site_id::from_bytes(query.blob(7))},
          {query.unsigned_integer(9), site_id::from_bytes(query.blob(10))},
          std::string{query.text(11)}};
}

} // namespace tandem::storage
