// Triggers of the app that run for received rows too.
#include <algorithm>

#include <sqlite3.h>

#include "storage/core.hpp"

namespace tandem::storage {

namespace {

// SQLite keeps trigger SQL as CREATE TRIGGER name ...; returns what follows the name.
std::string_view after_trigger_name(std::string_view sql) {
  constexpr std::string_view prefix = "CREATE TRIGGER ";
  if (!sql.starts_with(prefix))
    return {};
  sql.remove_prefix(prefix.size());
  const auto open = sql.empty() ? ' ' : sql.front();
  const char close = open == '[' ? ']' : open;
  if (open != '"' && open != '\'' && open != '`' && open != '[') {
    const auto end = sql.find_first_of(" \t\r\n");
    return end == std::string_view::npos ? std::string_view{} : sql.substr(end);
  }
  for (std::size_t i = 1; i < sql.size(); ++i) {
    if (sql[i] != close)
      continue;
    if (i + 1 < sql.size() && sql[i + 1] == close && close != ']') {
      ++i;
      continue;
    }
    return sql.substr(i + 1);
  }
  return {};
}

struct written_tables {
  std::string trigger;
  std::vector<std::string> names;
};

int note_written_table(void* context, int action, const char* first, const char*, const char*, const char* trigger) {
  auto& written = *static_cast<written_tables*>(context);
  if ((action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE) && trigger &&
      written.trigger == trigger)
    written.names.emplace_back(first);
  return SQLITE_OK;
}

// Compiles statements that fire the trigger and sees what it would write. False if it can't be compiled.
bool see_what_it_writes(core& c, const tracked_table& on, written_tables& written) {
  const auto name = on.info.app_table();
  const auto column = quoted(on.info.columns.front().name);
  sqlite3_set_authorizer(c.db.handle(), note_written_table, &written);
  bool compiles = true;
  std::vector<std::string> firing{"DELETE FROM " + name, "INSERT INTO " + name + " DEFAULT VALUES"};
  for (const auto& each : on.info.columns)
    firing.push_back("UPDATE " + name + " SET " + quoted(each.name) + " = NULL");
  for (const auto& sql : firing) {
    sqlite3_stmt* handle = nullptr;
    compiles = sqlite3_prepare_v2(c.db.handle(), sql.c_str(), -1, &handle, nullptr) == SQLITE_OK && compiles;
    sqlite3_finalize(handle);
  }
  sqlite3_set_authorizer(c.db.handle(), nullptr, nullptr);
  return compiles;
}

tracked_table* tracked_as_the_apps(core& c, const std::string& name) {
  const auto found = c.table_named(name);
  return found && !found->info.is_kept() ? found : nullptr;
}

} // namespace

void core::drop_feeding_triggers() {
  feeding_cookie_ = -1;
  std::vector<std::string> old_copies;
  statement copies{
      db, "SELECT name FROM temp.sqlite_schema WHERE type = 'trigger' AND name LIKE 'tandem\\_feed\\_%' ESCAPE '\\'"};
  while (copies.step())
    old_copies.emplace_back(copies.text(0));
  copies.reset();
  for (const auto& name : old_copies)
    db.execute("DROP TRIGGER temp." + quoted(name));
}

// The effects of an app's trigger on tracked tables arrive with the rows themselves; effects on other
// tables (a full-text index, say) do not, so triggers that write only such tables run for received rows
// too. A trigger that writes both kinds does not: its tracked effects would happen twice.
void core::copy_feeding_triggers() {
  drop_feeding_triggers();
  std::vector<std::pair<std::string, std::string>> triggers;
  statement query{
      db, "SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' AND name NOT LIKE 'tandem\\_%' ESCAPE '\\'"};
  while (query.step())
    triggers.emplace_back(query.text(0), query.text(1));
  query.reset();
  int count = 0;
  for (const auto& [on, sql] : triggers) {
    const auto table = tracked_as_the_apps(*this, on);
    const auto body = after_trigger_name(sql);
    if (!table || body.empty())
      continue;
    written_tables written{"tandem_feed_" + std::to_string(++count), {}};
    if (sqlite3_exec(db.handle(), ("CREATE TEMP TRIGGER " + written.trigger + std::string{body}).c_str(), nullptr,
                     nullptr, nullptr) != SQLITE_OK)
      continue;
    const bool compiles = see_what_it_writes(*this, *table, written);
    const bool writes_tracked = std::ranges::any_of(
        written.names, [&](const std::string& name) { return tracked_as_the_apps(*this, name) != nullptr; });
    if (!compiles || written.names.empty() || writes_tracked)
      db.execute("DROP TRIGGER temp." + written.trigger);
  }
}

} // namespace tandem::storage
