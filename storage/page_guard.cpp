#include "storage/page_guard.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <sqlite3.h>

namespace tandem::storage {
namespace {

constexpr std::string_view our_prefix = "tandem_";

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool same_name(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

bool is_ours(std::string_view name) {
  return name.size() >= our_prefix.size() && same_name(name.substr(0, our_prefix.size()), our_prefix);
}

bool is_word(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         letter == '_' || letter == '$' || static_cast<unsigned char>(letter) >= 0x80;
}

template <std::size_t count>
bool is_among(std::string_view name, const std::array<std::string_view, count>& names) {
  return std::any_of(names.begin(), names.end(), [name](std::string_view each) { return same_name(name, each); });
}

// Pragmas that only read, whatever they are given.
constexpr auto reading_pragmas = std::to_array<std::string_view>(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"});
// Pragmas that only read as long as they are given nothing.
constexpr auto asking_pragmas =
    std::to_array<std::string_view>({"user_version", "data_version", "schema_version", "foreign_keys", "encoding"});
// Modules whose tables hold what the app puts into them.
constexpr auto modules = std::to_array<std::string_view>({"fts5", "fts4", "fts3", "rtree"});
// Functions that reach beyond the database.
constexpr auto functions =
    std::to_array<std::string_view>({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"});

} // namespace

bool names_ours(std::string_view sql) {
  std::size_t at = 0;
  const auto rest_begins = [&](std::string_view what) {
    return sql.substr(at, what.size()) == what;
  };
  while (at < sql.size()) {
    if (rest_begins("--")) {
      at = std::min(sql.find('\n', at), sql.size());
    } else if (rest_begins("/*")) {
      const auto end = sql.find("*/", at + 2);
      at = end == std::string_view::npos ? sql.size() : end + 2;
    } else if (const char quote = sql[at]; quote == '\'' || quote == '"' || quote == '`' || quote == '[') {
      if (is_ours(sql.substr(at + 1)))
        return true;
      // A doubled quote within looks like the end and the begin of another, which is as good here.
      at = std::min(sql.find(quote == '[' ? ']' : quote, at + 1), sql.size() - 1) + 1;
    } else if (is_word(quote)) {
      if (is_ours(sql.substr(at)))
        return true;
      while (at < sql.size() && is_word(sql[at]))
        ++at;
    } else {
      ++at;
    }
  }
  return false;
}

void page_guard::attach(sqlite3* connection) {
  sqlite3_set_authorizer(connection, answer, this);
}

void page_guard::begin() {
  refusal_.clear();
  read_.clear();
  written_.clear();
}

int page_guard::answer(void* guard, int action, const char* first, const char* second, const char* /*schema*/,
                       const char* context) {
  const auto view = [](const char* text) {
    return std::string_view{text ? text : ""};
  };
  auto& self = *static_cast<page_guard*>(guard);
  if (self.trusted_ > 0)
    return SQLITE_OK;
  return self.allows({action, view(first), view(second), view(context)}) ? SQLITE_OK : SQLITE_DENY;
}

bool page_guard::refuse(std::string text) {
  if (refusal_.empty())
    refusal_ = std::move(text);
  return false;
}

bool page_guard::allows_table(const question& asked) {
  // Capture is our triggers' doing; the statement's own text can't have named such a context.
  if (is_ours(asked.first) && !is_ours(asked.context))
    return refuse("a page may not touch " + std::string{asked.first} +
                  ", which is Tandem's own; ask for status, conflicts or audit instead");
  if (same_name(asked.first, "sqlite_dbpage"))
    return refuse("a page may not touch the file's raw pages");
  return true;
}

bool page_guard::allows_pragma(std::string_view name, bool has_argument) {
  if (is_among(name, reading_pragmas) || (!has_argument && is_among(name, asking_pragmas)))
    return true;
  return refuse("a page may not use PRAGMA " + std::string{name} + (has_argument ? " with a value" : "") +
                "; the host sets up the database");
}

bool page_guard::allows(const question& asked) {
  switch (asked.action) {
  case SQLITE_READ:
    if (!is_ours(asked.first))
      read_.emplace(asked.first);
    return allows_table(asked);
  case SQLITE_INSERT:
  case SQLITE_UPDATE:
  case SQLITE_DELETE:
    if (!is_ours(asked.first))
      written_.emplace(asked.first);
    return allows_table(asked);
  case SQLITE_DROP_TABLE:
  case SQLITE_DROP_VIEW:
  case SQLITE_ANALYZE:
  case SQLITE_CREATE_TABLE:
  case SQLITE_CREATE_VIEW:
    return allows_table(asked);
  case SQLITE_CREATE_INDEX:
  case SQLITE_CREATE_TRIGGER:
  case SQLITE_DROP_INDEX:
  case SQLITE_DROP_TRIGGER:
  case SQLITE_ALTER_TABLE:
    return allows_table(asked) && allows_table({asked.action, asked.second, {}, {}});
  case SQLITE_CREATE_VTABLE:
    return is_among(asked.second, modules) ||
           refuse("a page may not create tables of the module " + std::string{asked.second});
  case SQLITE_DROP_VTABLE:
  case SQLITE_SELECT:
  case SQLITE_RECURSIVE:
  case SQLITE_REINDEX:
    return true;
  case SQLITE_FUNCTION:
    return !is_among(asked.second, functions) || refuse("a page may not call " + std::string{asked.second} + "()");
  case SQLITE_PRAGMA:
    return allows_pragma(asked.first, !asked.second.empty());
  case SQLITE_TRANSACTION:
  case SQLITE_SAVEPOINT:
    return refuse("a page may not say BEGIN, COMMIT, ROLLBACK or SAVEPOINT in SQL; use the transaction calls, which "
                  "end by themselves if the page goes away");
  case SQLITE_ATTACH:
  case SQLITE_DETACH:
    return refuse("a page may not attach or detach database files");
  default: // Temporary things would be seen by some of the page's connections and not by others.
    return refuse("a page may not create or drop temporary tables, views, indexes and triggers");
  }
}

} // namespace tandem::storage
