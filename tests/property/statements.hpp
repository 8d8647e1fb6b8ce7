// Random statements of an app, as any stock SQLite program would write them.
#pragma once

#include <string>

#include "tests/property/app_database.hpp"
#include "tests/property/random_source.hpp"
#include "tests/property/table_spec.hpp"

namespace tandem::property {

/// Draws values that tell writes apart: most are never drawn twice.
class value_source {
public:
  value drawn(random_source& random, const column_spec& column);
  /// Few, so that keys collide between replicas.
  static value drawn_key(random_source& random, const column_spec& column);

private:
  value fresh(random_source& random, column_kind kind);
  std::int64_t next_ = 1'000;
};

/// Runs one random statement; SQLite may refuse it, as it may refuse an app's. Returns its text for the record of a
/// history.
std::string random_statement(app_database& app, const schema_spec& schema, value_source& values, random_source& random);

/// One to four statements, in a transaction that commits or rolls back, with savepoints here and there, or on their
/// own.
std::string random_transaction(app_database& app, const schema_spec& schema, value_source& values,
                               random_source& random);

} // namespace tandem::property
