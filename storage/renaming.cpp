#include "storage/renaming.hpp"

#include <algorithm>
#include <sstream>

#include <sqlite3.h>

#include "storage/capture.hpp"
#include "storage/drifting.hpp"

namespace tandem::storage {
namespace {

/// Takes a name in double quotes from the front of `text`; empty: there is none.
std::string take_quoted(std::string_view& text) {
  std::string result;
  if (text.empty() || text.front() != '"')
    return result;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '"') {
      result += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '"') {
      result += text[i++];
    } else {
      text.remove_prefix(i + 1);
      break;
    }
  }
  return result;
}

/// The names in `OLD."name"`, one after the other.
std::vector<std::string> old_names(std::string_view sql) {
  constexpr std::string_view mark = "OLD.";
  std::vector<std::string> result;
  for (auto at = sql.find(mark); at != std::string_view::npos; at = sql.find(mark)) {
    sql.remove_prefix(at + mark.size());
    if (auto name = take_quoted(sql); !name.empty())
      result.push_back(std::move(name));
  }
  return result;
}

/// The key's columns as the table's fingerprint has them, in the key's order.
std::vector<std::string> keys_of_fingerprint(const std::string& fingerprint) {
  std::vector<std::string> result;
  std::istringstream lines{fingerprint};
  for (std::string line; std::getline(lines, line);) {
    std::string_view rest = line;
    auto name = take_quoted(rest);
    const auto position = name.empty() ? 0 : std::strtoul(std::string{rest}.c_str(), nullptr, 10);
    if (position == 0)
      continue;
    result.resize(std::max<std::size_t>(result.size(), position));
    result[position - 1] = std::move(name);
  }
  return result;
}

bool has_column(const table& of, const std::string& name) {
  return of.column_named(name) != nullptr;
}

struct renamed_column {
  std::int64_t id = 0;
  std::string former;
  std::string now;
};

std::int64_t id_of(core& c, const table& described, const std::string& name) {
  statement query{c.db, "SELECT id FROM tandem_columns WHERE t = ?1 AND name = ?2 COLLATE NOCASE"};
  query.bind(described.id, name);
  return query.step() ? query.integer(0) : 0;
}

/// Whether a column that keeps this name is known by it.
bool is_borne(core& c, const table& described, const std::vector<renamed_column>& leaving, const std::string& name) {
  const auto id = id_of(c, described, name);
  return id != 0 && std::ranges::find(leaving, id, &renamed_column::id) == leaving.end();
}

/// Takes out those whose new name is borne, and then those whose new name such a one keeps, and so on.
std::vector<renamed_column> take_out_borne(core& c, const table& described, std::vector<renamed_column>& leaving) {
  std::vector<renamed_column> result;
  for (;;) {
    const auto stays = std::ranges::find_if(
        leaving, [&](const renamed_column& each) { return is_borne(c, described, leaving, each.now); });
    if (stays == leaving.end())
      return result;
    result.push_back(std::move(*stays));
    leaving.erase(stays);
  }
}

void keep_under_former_name(core& c, const table& described, const renamed_column& given) {
  auto as_before = described;
  for (auto& column : as_before.columns)
    if (sqlite3_stricmp(column.name.c_str(), given.now.c_str()) == 0)
      column.id = static_cast<std::uint32_t>(given.id);
  tracked_table rows{c.db, as_before, c.has_tombstones};
  put_column_aside(c, rows, *as_before.column_named(given.now));
  c.left_columns[described.id].add(static_cast<std::uint32_t>(given.id));
}

/// Stamping takes what is not at its default in a column that has come back for written (stamper::add_late), in rows
/// that a hint names.
void hint_all_rows(core& c, const table& described) {
  std::vector<std::string> columns{"t", "o", "w"};
  for (std::size_t i = 0; i < described.key.size(); ++i)
    columns.push_back(pending_key_column(i));
  c.db.execute("INSERT INTO tandem_pending(" + joined(columns, ", ") + ") SELECT " + std::to_string(described.id) +
               ", " + std::to_string(static_cast<int>(hint_kind::updated)) + ", julianday('now'), " +
               described.key_list() + " FROM " + described.app_table());
}

void rename_all(core& c, const table& described, std::vector<renamed_column> all) {
  std::erase_if(all, [&](const renamed_column& each) {
    return each.id == 0 || sqlite3_stricmp(each.former.c_str(), each.now.c_str()) == 0 ||
           !has_column(described, each.now);
  });
  // One column can't be two. A peer has one of this name, which was kept here: by its name it comes into its place
  // now, and what the renamed one held counts as written to it; the former name is kept for those who have it.
  for (const auto& each : take_out_borne(c, described, all)) {
    if (described.column_named(each.now)->key_position)
      continue; // The peer has another key then, and is told so.
    keep_under_former_name(c, described, each);
    hint_all_rows(c, described);
  }
  for (const auto& each : all) {
    c.cached("UPDATE tandem_columns SET name = ?3, gone = 0 WHERE t = ?1 AND id = ?2")
        .bind(described.id, each.id, each.now)
        .run();
    c.cached("INSERT OR IGNORE INTO tandem_aliases(t, col, name) VALUES (?1, ?2, ?3)")
        .bind(described.id, each.id, each.former)
        .run();
  }
}

} // namespace

void follow_renames(core& c, const table& described, const std::string& known_name) {
  if (sqlite3_stricmp(known_name.c_str(), described.stored_as.c_str()) != 0)
    c.cached("INSERT OR IGNORE INTO tandem_aliases(t, col, name) VALUES (?1, 0, ?2)")
        .bind(described.id, known_name)
        .run();
  statement trigger{c.db, "SELECT s.sql, t.fingerprint FROM sqlite_schema s, tandem_tables t WHERE s.type = 'trigger' "
                          "AND s.name = ?1 AND t.id = ?2"};
  const auto trigger_name = "tandem_delete_" + std::to_string(described.id);
  trigger.bind(trigger_name, described.id);
  if (!trigger.step())
    return;
  const std::string sql{trigger.text(0)};
  const auto keys_before = keys_of_fingerprint(std::string{trigger.text(1)});
  trigger.reset();
  const auto kept = sql.find(described.deleted_table() + "(");
  if (kept == std::string::npos)
    return;
  // All names first: two columns may have changed places.
  std::vector<renamed_column> renamed;
  const auto keys = old_names(std::string_view{sql}.substr(0, kept));
  for (std::size_t i = 0; i < keys.size() && i < keys_before.size(); ++i)
    renamed.push_back({id_of(c, described, keys_before[i]), keys_before[i], keys[i]});
  const auto cells = old_names(std::string_view{sql}.substr(kept));
  std::istringstream list{sql.substr(kept + described.deleted_table().size() + 1)};
  std::size_t cell = 0;
  statement name{c.db, "SELECT name FROM tandem_columns WHERE t = ?1 AND id = ?2"};
  for (std::string word; cell < cells.size() && std::getline(list, word, ',');) {
    const auto digit = word.find_first_of("0123456789");
    if (digit == std::string::npos)
      continue; // "id", which stands first
    const auto id = static_cast<std::int64_t>(std::stoll(word.substr(digit)));
    name.bind(described.id, id);
    if (name.step())
      renamed.push_back({id, std::string{name.text(0)}, cells[cell]});
    name.reset();
    ++cell;
  }
  rename_all(c, described, renamed);
}

void add_alias(core& c, const alias& given) {
  auto& of = c.tracked(given.table);
  if (given.column.empty()) {
    c.cached("INSERT OR IGNORE INTO tandem_aliases(t, col, name) VALUES (?1, 0, ?2)")
        .bind(of.info.id, given.former)
        .run();
    return;
  }
  const auto described = read_table(c.db, of.info.stored_as);
  if (!described || !has_column(*described, given.column))
    throw failure{failure_code::usage, "table " + quoted(given.table) + " has no column " + quoted(given.column) +
                                           "; the alias names the former name first: TABLE.OLD=NEW"};
  if (has_column(*described, given.former))
    throw failure{failure_code::usage, "table " + quoted(given.table) + " still has a column " + quoted(given.former) +
                                           ", so that no other one can stand for it"};
  const auto now = of.info.column_named(given.column);
  if (now && now->id) {
    c.cached("INSERT OR IGNORE INTO tandem_aliases(t, col, name) VALUES (?1, ?2, ?3)")
        .bind(of.info.id, now->id, given.former)
        .run();
    return;
  }
  auto with_id = *described;
  with_id.id = of.info.id;
  rename_all(c, with_id, {{id_of(c, with_id, given.former), given.former, given.column}});
}

} // namespace tandem::storage
