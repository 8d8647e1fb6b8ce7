// Whether two replicas' tables fit together, and how an empty one takes over its peer's.
#include <algorithm>

#include <sqlite3.h>

#include "storage/tracking.hpp"

namespace tandem::storage {

namespace {

std::string difference(const table& ours, const messages::table_schema& theirs) {
  std::vector<std::string> lacking_here, lacking_there;
  for (const auto& column : theirs.columns) {
    const auto own = ours.column_named(column.name);
    if (!own)
      lacking_here.push_back(quoted(column.name));
    else if (own->key_position != column.key_position)
      return "table " + quoted(ours.name) + " has another primary key at the peer";
  }
  for (const auto& column : ours.columns)
    if (std::ranges::none_of(theirs.columns, [&](const messages::column_schema& each) {
          return sqlite3_stricmp(each.name.c_str(), column.name.c_str()) == 0;
        }))
      lacking_there.push_back(quoted(column.name));
  if (!lacking_here.empty())
    return "table " + quoted(ours.name) + " lacks column " + joined(lacking_here, ", ") + " here, which the peer has";
  if (!lacking_there.empty())
    return "table " + quoted(ours.name) + " lacks column " + joined(lacking_there, ", ") + " at the peer";
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

void create_as_told(core& c, const messages::table_schema& theirs) {
  sqlite3_set_authorizer(c.db.handle(), allow_plain_ddl, nullptr);
  for (const auto& sql : theirs.ddl) {
    sqlite3_stmt* handle = nullptr;
    const char* rest = nullptr;
    auto code = sqlite3_prepare_v2(c.db.handle(), sql.c_str(), static_cast<int>(sql.size()), &handle, &rest);
    if (code == SQLITE_OK)
      code = sqlite3_step(handle);
    const auto finalized = sqlite3_finalize(handle);
    const bool has_more = rest && *rest;
    if ((code != SQLITE_OK && code != SQLITE_DONE) || finalized != SQLITE_OK || has_more) {
      const std::string why = has_more ? "more than one statement" : sqlite3_errmsg(c.db.handle());
      sqlite3_set_authorizer(c.db.handle(), nullptr, nullptr);
      throw failure{failure_code::schema,
                    "can't create table " + quoted(theirs.name) + " as the peer describes it: " + why};
    }
  }
  sqlite3_set_authorizer(c.db.handle(), nullptr, nullptr);
}

} // namespace

void level_with_peer(core& c, const messages::schema& theirs) {
  transaction all{c.db, transaction::kind::write};
  try {
    c.refresh(true);
    const bool adopts = c.meta("adopting");
    std::vector<std::string> differences;
    std::vector<std::string> adopted;
    for (const auto& each : theirs.tables) {
      if (const auto own = c.table_named(each.name)) {
        if (auto text = difference(own->info, each); !text.empty())
          differences.push_back(std::move(text));
      } else if (!adopts) {
        differences.push_back("the peer tracks table " + quoted(each.name) +
                              ", which is not tracked here; run `tandem track " + c.db.path() + " " + each.name + "`");
      } else {
        if (!read_table(c.db, each.name))
          create_as_told(c, each);
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
