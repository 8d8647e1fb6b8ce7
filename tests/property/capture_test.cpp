// One replica, any schema, any statements of any stock program: what is written down afterwards agrees with the tables.
#include <boost/test/unit_test.hpp>

#include "storage/packing.hpp"
#include "tests/property/environment.hpp"
#include "tests/property/history.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;

namespace {

constexpr std::uint64_t seeds_usual = 60;

std::map<std::string, std::string> keys_and_rows(app_database& app, const table_spec& table) {
  std::vector<std::string> names;
  std::vector<std::string> keys;
  for (const auto& column : table.columns) {
    (column.is_key ? keys : names).push_back(column.name);
  }
  const auto key_count = keys.size();
  auto all = keys;
  all.insert(all.end(), names.begin(), names.end());
  std::map<std::string, std::string> result;
  for (const auto& each : read_table(app, table.name, all, keys)) {
    std::vector<tandem::messages::value_view> key;
    for (std::size_t i = 0; i < key_count; ++i)
      key.push_back(each[i].view());
    result[tandem::storage::key_to_json(tandem::storage::packed_values(key))] = encoded(each);
  }
  return result;
}

void check_rows(device& one, const table_spec& table, const std::map<std::string, std::string>& before,
                const std::map<std::string, std::string>& after, std::uint64_t head_before, bool was_table_written,
                bool may_come_back) {
  for (const auto& [key, row] : after) {
    const auto report = one.core().why(table.name, key);
    must(report.state == "live", "why says '" + report.state + "' of the live row " + key);
    const auto was = before.find(key);
    // A row that was set aside comes back as it was.
    const bool has_changed = was == before.end() ? !may_come_back : was->second != row;
    bool is_stamped_anew = false;
    for (const auto& cell : report.cells)
      is_stamped_anew |= cell.pos > head_before;
    must(!has_changed || is_stamped_anew, "the row " + key + " changed, but has no new pos");
    must(was_table_written || !is_stamped_anew, "the row " + key + " has a new pos, but nobody touched its table");
  }
  for (const auto& [key, row] : before) {
    if (after.contains(key))
      continue;
    // With foreign keys off, an app can write what the merged state does not admit.
    const auto state = one.core().why(table.name, key).state;
    must(state == "deleted" || state == "quarantined", "why says '" + state + "' of the deleted row " + key);
  }
}

void run(std::uint64_t seed, schema_kind kind, bool with_foreign_keys) {
  random_source random{seed};
  const auto schema = kind == schema_kind::free ? free_schema(random) : constrained_schema(random);
  world all{1, {}, schema.sql(), schema.names()};
  auto& one = all.at(0);
  value_source values;
  if (with_foreign_keys)
    one.app().execute("PRAGMA foreign_keys = ON");
  if (random.chance(30))
    one.app().execute("PRAGMA recursive_triggers = ON");
  std::string record;
  for (int round = 0; round < 12; ++round) {
    // A schema of one table only: then "touched" is a matter of that table.
    std::vector<std::map<std::string, std::string>> before;
    for (const auto& table : schema.tables)
      before.push_back(keys_and_rows(one.app(), table));
    const auto head = one.core().head();
    schema_spec part;
    const auto written = random.below(schema.tables.size());
    const bool is_restricted = !with_foreign_keys && random.chance(50);
    const auto count = random.below(4);
    for (std::size_t i = 0; i < count; ++i) {
      if (is_restricted) {
        part.tables = {schema.tables[written]};
        record += "\n    " + random_transaction(one.app(), part, values, random);
      } else {
        record += "\n    " + random_transaction(one.app(), schema, values, random);
      }
    }
    if (random.chance(10)) {
      one.take_image();
      one.restart_from_image();
      record += "\n    (SIGKILL, and back)";
      if (with_foreign_keys)
        one.app().execute("PRAGMA foreign_keys = ON");
    }
    try {
      one.core().stamp_pending();
      const auto wrong = one.core().verify();
      must(wrong.empty(), "verify: " + (wrong.empty() ? "" : wrong.front()));
      must(one.core().stamp_pending().rows == 0, "a second stamping finds something");
      for (std::size_t i = 0; i < schema.tables.size(); ++i)
        check_rows(one, schema.tables[i], before[i], keys_and_rows(one.app(), schema.tables[i]), head,
                   count > 0 && (!is_restricted || i == written), kind == schema_kind::constrained);
    } catch (const std::exception& error) {
      std::string sql;
      for (const auto& each : schema.sql())
        sql += "\n    " + each;
      BOOST_FAIL("seed " << seed << ", round " << round << ": " << error.what() << "\n  schema:" << sql
                         << "\n  statements:" << record);
    }
  }
}

std::uint64_t seeds() {
  return number_from_environment("TANDEM_RUNS").value_or(seeds_usual);
}

std::uint64_t first_seed() {
  return number_from_environment("TANDEM_SEED").value_or(1);
}

} // namespace

BOOST_AUTO_TEST_CASE(any_statements_on_free_schemas) {
  for (auto seed = first_seed(); seed < first_seed() + seeds(); ++seed)
    run(seed, schema_kind::free, false);
}

BOOST_AUTO_TEST_CASE(any_statements_on_constrained_schemas) {
  for (auto seed = first_seed(); seed < first_seed() + seeds(); ++seed)
    run(seed, schema_kind::constrained, false);
}

BOOST_AUTO_TEST_CASE(any_statements_with_foreign_key_actions) {
  for (auto seed = first_seed(); seed < first_seed() + seeds(); ++seed)
    run(seed, schema_kind::constrained, true);
}

BOOST_AUTO_TEST_CASE(a_rolled_back_write_leaves_no_change) {
  two_replicas both{{"CREATE TABLE t(id INTEGER PRIMARY KEY, v)"}, {"t"}, "INSERT INTO t VALUES (1, 1)"};
  const auto head = both.core_a().head();
  both.a("BEGIN; UPDATE t SET v = 2; INSERT INTO t VALUES (9, 9); ROLLBACK");
  BOOST_TEST(!both.core_a().has_pending());
  both.a("BEGIN; SAVEPOINT s; UPDATE t SET v = 2; ROLLBACK TO s; RELEASE s; COMMIT");
  both.core_a().stamp_pending();
  BOOST_TEST(both.core_a().head() == head);
}

BOOST_AUTO_TEST_CASE(many_updates_of_one_row_are_one_change) {
  two_replicas both{{"CREATE TABLE t(id INTEGER PRIMARY KEY, v)"}, {"t"}, "INSERT INTO t VALUES (1, 0)"};
  const auto head = both.core_a().head();
  for (int i = 1; i <= 50; ++i)
    both.a("UPDATE t SET v = " + std::to_string(i));
  const auto report = both.core_a().stamp_pending();
  BOOST_TEST(report.rows == 1);
  BOOST_TEST(report.hints == 50);
  BOOST_TEST(both.core_a().head() == head + 1);
}

BOOST_AUTO_TEST_CASE(truncate_and_or_ignore_are_captured) {
  two_replicas both{
      {"CREATE TABLE t(id INTEGER PRIMARY KEY, v)"}, {"t"}, "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)"};
  both.a("INSERT OR IGNORE INTO t VALUES (1, 100), (4, 4)");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM t ORDER BY id") == "(1, 1)(2, 2)(3, 3)(4, 4)");
  both.b("DELETE FROM t");
  both.level();
  BOOST_TEST(both.text("SELECT count(*) FROM t") == "(0)");
}

BOOST_AUTO_TEST_CASE(keys_that_compare_alike_are_one_row) {
  two_replicas both{{"CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY, v)"}, {"t"}, "INSERT INTO t VALUES ('Key', 1)"};
  both.a("UPDATE t SET k = 'KEY'");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM t") == "('KEY', 1)");
  both.b("REPLACE INTO t VALUES ('key', 2)");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM t") == "('key', 2)");
}

BOOST_AUTO_TEST_CASE(untyped_keys_of_every_type_travel) {
  two_replicas both{{"CREATE TABLE t(k PRIMARY KEY NOT NULL, v) WITHOUT ROWID"}, {"t"}};
  both.a("INSERT INTO t VALUES (1, 'i'), ('1', 't'), (x'31', 'b'), (1.5, 'r'), ('', 'e'), (x'', 'eb'), (1e999, 'inf')");
  both.level();
  BOOST_TEST(both.text("SELECT count(*) FROM t") == "(7)");
  both.b("UPDATE t SET k = 1.0 WHERE typeof(k) = 'integer'; DELETE FROM t WHERE k = 1.5");
  both.level();
  BOOST_TEST(both.text("SELECT typeof(k) FROM t WHERE v = 'i'") == "('real')");
}
