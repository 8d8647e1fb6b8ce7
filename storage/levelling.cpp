// Whether two replicas' tables fit together, and how an empty one takes over its peer's. What is missing here is kept
// (keeping.hpp).
#include <algorithm>

#include <sqlite3.h>

#include "storage/merging.hpp"
#include "storage/tracking.hpp"

namespace tandem::storage {

namespace {

// Columns may differ, for each side keeps what it does not know for others; but rows need the same names.
std::string difference(const table& ours, const messages::table_schema& theirs) {
  std::size_t keys = 0;
  for (const auto& column : theirs.columns) {
    const auto own = counterpart_of(ours, column);
    if (column.key_position || (own && own->key_position))
      if (!own || own->key_position != column.key_position)
        return "table " + quoted(ours.name) + " has another primary key at the peer";
    keys += column.key_position != 0;
  }
  if (keys != ours.key.size())
    return "table " + quoted(ours.name) + " has another primary key at the peer";
  return {};
}

// Only these may come from a peer: a CREATE TABLE and its CREATE INDEXes.
int allow_plain_ddl(void*, int action, const char* name, const char*, const char*, const char*) {
  switch (action) {
  case SQLITE_CREATE_TABLE:
  case SQLITE_CREATE_INDEX:
    return std::string_view{name}.starts_with("tandem_") ? SQLITE_DENY : SQLITE_OK;
  case SQLITE_INSERT:
  case SQLITE_UPDATE:
  case SQLITE_READ:
  case SQLITE_SELECT:
  case SQLITE_FUNCTION:
  case SQLITE_REINDEX:
  case SQLITE_TRANSACTION:
    return SQLITE_OK;
  default:
    return SQLITE_DENY;
  }
}

} // namespace

void create_as_told(database& db, const messages::table_schema& theirs) {
  sqlite3_set_authorizer(db.handle(), allow_plain_ddl, nullptr);
  for (const auto& sql : theirs.ddl) {
    sqlite3_stmt* handle = nullptr;
    const char* rest = nullptr;
    auto code = sqlite3_prepare_v2(db.handle(), sql.c_str(), static_cast<int>(sql.size()), &handle, &rest);
    if (code == SQLITE_OK)
      code = sqlite3_step(handle);
    const auto finalized = sqlite3_finalize(handle);
    const bool has_more = rest && *rest;
    if ((code != SQLITE_OK && code != SQLITE_DONE) || finalized != SQLITE_OK || has_more) {
      const std::string why = has_more ? "more than one statement" : sqlite3_errmsg(db.handle());
      sqlite3_set_authorizer(db.handle(), nullptr, nullptr);
      throw failure{failure_code::schema,
                    "can't create table " + quoted(theirs.name) + " as the peer describes it: " + why};
    }
  }
  sqlite3_set_authorizer(db.handle(), nullptr, nullptr);
}

void level_with_peer(core& c, const messages::schema& theirs) {
  transaction all{c.db, transaction::kind::write};
  try {
    c.refresh(true);
    const bool adopts = c.meta("adopting");
    std::vector<std::string> differences;
    std::vector<std::string> adopted;
    for (const auto& each : theirs.tables) {
      if (const auto own = counterpart_of(c, each)) {
        if (auto text = difference(own->info, each); !text.empty())
          differences.push_back(std::move(text));
      } else if (adopts) {
        if (!read_table(c.db, each.name))
          create_as_told(c.db, each);
        if (auto reason = reason_not_to_track(c.db, each.name); !reason.empty())
          differences.push_back(std::move(reason));
        else
          adopted.push_back(each.name);
      }
    }
    if (!differences.empty())
      throw failure{failure_code::schema, joined(differences, "; ")};
    for (const auto& name : adopted)
      begin_tracking_with_rows(c, name);
    if (!adopted.empty()) {
      bump_schema(c);
      c.save();
      all.commit();
      c.forget_schema();
    }
  } catch (...) {
    c.forget_schema();
    throw;
  }
}

} // namespace tandem::storage
