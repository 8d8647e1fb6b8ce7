// A table made anew with other types and constraints, while devices of both versions are in use: each direction,
// offline edits included.
#include <boost/test/unit_test.hpp>

#include "tests/property/two_replicas.hpp"

using namespace tandem::property;

namespace {

const std::vector<std::string> items{"items"};
const std::string all_rows = "SELECT id, typeof(price), price FROM items ORDER BY id";

/// How SQLite's own documentation says to change what ALTER TABLE cannot.
std::string made_anew(const std::string& columns) {
  return "BEGIN; CREATE TABLE anew(" + columns + "); INSERT INTO anew SELECT * FROM items; DROP TABLE items; " +
         "ALTER TABLE anew RENAME TO items; COMMIT";
}

struct two_versions {
  two_replicas both;

  two_versions(const std::string& columns, const std::string& first)
      : both{{"CREATE TABLE items(" + columns + ")"}, items, first} {}
  /// Made anew, then looked at by a node, which runs or is opened before the app goes on to write.
  void change(std::size_t at, const std::string& columns) {
    both.all.at(at).app().execute(made_anew(columns));
    both.all.at(at).core().stamp_pending();
  }
  std::string shown_at(std::size_t at, const std::string& sql = all_rows) {
    return shown_rows(both.all.at(at).app(), sql);
  }
  void must_be_sound() {
    for (std::size_t at = 0; at < 2; ++at) {
      const auto wrong = both.all.at(at).core().verify();
      BOOST_TEST(wrong.empty(), both.all.at(at).name() << ": " << (wrong.empty() ? "" : wrong.front()));
    }
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(changed_tables)

BOOST_AUTO_TEST_CASE(another_type_keeps_what_both_versions_write) {
  two_versions of{"id INTEGER PRIMARY KEY, price INTEGER", "INSERT INTO items VALUES (1, 10), (2, 20)"};
  of.change(0, "id INTEGER PRIMARY KEY, price TEXT");
  of.both.a("UPDATE items SET price = 'on request' WHERE id = 1; INSERT INTO items VALUES (3, '30')");
  of.both.b("UPDATE items SET price = 21 WHERE id = 2; INSERT INTO items VALUES (4, 40)");
  of.both.all.heal();
  // Each side holds a value as its own column's type takes it.
  BOOST_TEST(of.shown_at(0) == "(1, 'text', 'on request')(2, 'text', '21')(3, 'text', '30')(4, 'text', '40')");
  BOOST_TEST(of.shown_at(1) == "(1, 'text', 'on request')(2, 'integer', 21)(3, 'integer', 30)(4, 'integer', 40)");
  BOOST_TEST(of.both.conflicts().empty());
  of.must_be_sound();
  of.change(1, "id INTEGER PRIMARY KEY, price TEXT");
  of.both.b("UPDATE items SET price = '41' WHERE id = 4");
  of.both.level();
  BOOST_TEST(of.both.text(all_rows) == "(1, 'text', 'on request')(2, 'text', '21')(3, 'text', '30')(4, 'text', '41')");
}

BOOST_AUTO_TEST_CASE(another_type_says_nothing_by_itself) {
  two_versions of{"id INTEGER PRIMARY KEY, price INTEGER", "INSERT INTO items VALUES (1, 10)"};
  of.both.all.heal();
  const auto head_b = of.both.core_b().head();
  of.change(0, "id INTEGER PRIMARY KEY, price TEXT");
  of.both.all.heal();
  of.both.all.heal();
  BOOST_TEST(of.both.core_b().head() == head_b);
  BOOST_TEST(of.shown_at(1) == "(1, 'integer', 10)");
}

BOOST_AUTO_TEST_CASE(a_concurrent_edit_over_a_changed_type_is_one_conflict) {
  two_versions of{"id INTEGER PRIMARY KEY, price INTEGER", "INSERT INTO items VALUES (1, 10)"};
  of.change(0, "id INTEGER PRIMARY KEY, price TEXT");
  of.both.a("UPDATE items SET price = 'dear' WHERE id = 1");
  of.both.b_is_later();
  of.both.b("UPDATE items SET price = 11 WHERE id = 1");
  of.both.all.heal();
  BOOST_TEST(of.shown_at(0) == "(1, 'text', '11')");
  BOOST_TEST(of.shown_at(1) == "(1, 'integer', 11)");
  BOOST_REQUIRE(of.both.conflicts().size() == 1U);
  BOOST_TEST(of.both.conflicts()[0].other_json == "\"dear\"");
}

BOOST_AUTO_TEST_CASE(a_new_check_sets_aside_what_the_old_version_writes) {
  two_versions of{"id INTEGER PRIMARY KEY, price INTEGER", "INSERT INTO items VALUES (1, 10)"};
  of.change(0, "id INTEGER PRIMARY KEY, price INTEGER CHECK (price > 0)");
  of.both.b("UPDATE items SET price = -1 WHERE id = 1; INSERT INTO items VALUES (2, 20)");
  of.both.all.heal();
  BOOST_TEST(of.shown_at(0) == "(2, 'integer', 20)");
  BOOST_TEST(of.shown_at(1) == "(1, 'integer', -1)(2, 'integer', 20)");
  BOOST_TEST(of.both.core_a().quarantine().size() == 1U);
  of.both.b("UPDATE items SET price = 1 WHERE id = 1");
  of.both.level();
  BOOST_TEST(of.both.text(all_rows) == "(1, 'integer', 1)(2, 'integer', 20)");
  of.must_be_sound();
}

BOOST_AUTO_TEST_CASE(a_constraint_that_only_the_old_version_has_ends_with_it) {
  two_versions of{"id INTEGER PRIMARY KEY, price INTEGER NOT NULL", "INSERT INTO items VALUES (1, 10)"};
  of.change(0, "id INTEGER PRIMARY KEY, price INTEGER");
  of.both.a("UPDATE items SET price = NULL WHERE id = 1");
  of.both.b("INSERT INTO items VALUES (2, 20)");
  of.both.all.heal();
  BOOST_TEST(of.shown_at(0) == "(1, 'null', NULL)(2, 'integer', 20)");
  BOOST_TEST(of.shown_at(1) == "(2, 'integer', 20)");
  BOOST_TEST(of.both.core_b().quarantine().size() == 1U);
  of.change(1, "id INTEGER PRIMARY KEY, price INTEGER");
  of.both.level();
  BOOST_TEST(of.both.text(all_rows) == "(1, 'null', NULL)(2, 'integer', 20)");
  of.must_be_sound();
}

BOOST_AUTO_TEST_CASE(a_new_unique_key_sets_aside_the_later_claim) {
  two_versions of{"id INTEGER PRIMARY KEY, price INTEGER", "INSERT INTO items VALUES (1, 10)"};
  of.change(0, "id INTEGER PRIMARY KEY, price INTEGER UNIQUE");
  of.both.a("INSERT INTO items VALUES (2, 20)");
  of.both.b_is_later();
  of.both.b("INSERT INTO items VALUES (3, 20)");
  of.both.all.heal();
  BOOST_TEST(of.shown_at(0) == "(1, 'integer', 10)(2, 'integer', 20)");
  BOOST_TEST(of.shown_at(1) == "(1, 'integer', 10)(2, 'integer', 20)(3, 'integer', 20)");
  BOOST_TEST(of.both.core_a().quarantine().size() == 1U);
  of.both.b("UPDATE items SET price = 30 WHERE id = 3");
  of.both.level();
  BOOST_TEST(of.both.text(all_rows) == "(1, 'integer', 10)(2, 'integer', 20)(3, 'integer', 30)");
}

BOOST_AUTO_TEST_CASE(a_unique_index_that_is_dropped_lets_rows_back) {
  two_versions of{"id INTEGER PRIMARY KEY, price INTEGER", "INSERT INTO items VALUES (1, 10)"};
  of.both.a("CREATE UNIQUE INDEX one_price ON items(price)");
  of.both.core_a().stamp_pending();
  of.both.b("INSERT INTO items VALUES (2, 10)");
  of.both.all.heal();
  BOOST_TEST(of.shown_at(0) == "(1, 'integer', 10)");
  of.both.a("DROP INDEX one_price");
  of.both.level();
  BOOST_TEST(of.both.text(all_rows) == "(1, 'integer', 10)(2, 'integer', 10)");
  BOOST_TEST(of.both.core_a().quarantine().empty());
}

BOOST_AUTO_TEST_CASE(rows_that_the_copy_left_out_or_added_sync) {
  two_versions of{"id INTEGER PRIMARY KEY, price INTEGER", "INSERT INTO items VALUES (1, 10), (2, 20)"};
  of.both.a("BEGIN; CREATE TABLE anew(id INTEGER PRIMARY KEY, price REAL); "
            "INSERT INTO anew SELECT id, price FROM items WHERE id <> 2; INSERT INTO anew VALUES (3, 7.5); "
            "DROP TABLE items; ALTER TABLE anew RENAME TO items; COMMIT");
  of.both.all.heal();
  BOOST_TEST(of.shown_at(0) == "(1, 'real', 10)(3, 'real', 7.5)");
  BOOST_TEST(of.shown_at(1) == "(1, 'integer', 10)(3, 'real', 7.5)");
  of.must_be_sound();
}

BOOST_AUTO_TEST_SUITE_END()
