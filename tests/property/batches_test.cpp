// Bundles of more rows than are kept at hand at once, of several kinds of tables.
#include <boost/test/unit_test.hpp>

#include "messages/limits.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem;
using namespace tandem::property;

namespace {

const std::string columns_of_wide_key = [] {
  std::string result = "k0";
  for (int i = 1; i < 18; ++i)
    result += ", k" + std::to_string(i);
  return result;
}();

const std::vector<std::string> tables_sql{
    "CREATE TABLE numbered(id INTEGER PRIMARY KEY, note)",
    "CREATE TABLE named(id TEXT COLLATE NOCASE PRIMARY KEY, note)",
    "CREATE TABLE paired(c0 TEXT, n INTEGER, given, PRIMARY KEY(c0, n)) WITHOUT ROWID",
    "CREATE TABLE wide(" + columns_of_wide_key + ", note, PRIMARY KEY(" + columns_of_wide_key + "))",
};
const std::vector<std::string> tables{"numbered", "named", "paired", "wide"};

constexpr auto rows_beyond = static_cast<std::int64_t>(tandem::limits::records_at_hand_max) + 500;

std::string counted_rows(const std::string& what) {
  return "WITH RECURSIVE count(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM count WHERE i < " +
         std::to_string(rows_beyond) + ") INSERT INTO " + what + " FROM count; ";
}

std::string wide_row(const std::string& number) {
  std::string result = "INSERT INTO wide SELECT " + number;
  for (int i = 1; i < 18; ++i)
    result += ", 'part " + std::to_string(i) + "'";
  return result + ", 'new'; ";
}

} // namespace

BOOST_AUTO_TEST_CASE(many_rows_of_several_tables_travel_in_one_bundle) {
  two_replicas both{tables_sql, tables};
  both.a("BEGIN; " + counted_rows("numbered SELECT i, 'new'") + counted_rows("named SELECT 'row ' || i, 'new'") +
         counted_rows("paired SELECT 'row', i, 'new'") + wide_row("1") + wide_row("2") + "COMMIT");
  both.level();
  BOOST_TEST(both.text("SELECT count(*) FROM numbered UNION ALL SELECT count(*) FROM named UNION ALL "
                       "SELECT count(*) FROM paired UNION ALL SELECT count(*) FROM wide") ==
             "(" + std::to_string(rows_beyond) + ")(" + std::to_string(rows_beyond) + ")(" +
                 std::to_string(rows_beyond) + ")(2)");
}

BOOST_AUTO_TEST_CASE(a_row_that_is_written_again_and_again_among_many_keeps_its_last_values) {
  two_replicas both{tables_sql, tables, counted_rows("named SELECT 'row ' || i, 'new'")};
  both.a("BEGIN; UPDATE named SET note = 'first' WHERE id = 'row 1'; UPDATE named SET note = 'all'; "
         "DELETE FROM named WHERE id LIKE '%7'; INSERT INTO named VALUES ('row 7', 'again'); "
         "UPDATE named SET note = 'last' WHERE id = 'row 1'; UPDATE named SET id = 'ROW 2' WHERE id = 'row 2'; COMMIT");
  both.b("UPDATE named SET note = 'by b' WHERE id = 'row 3'");
  both.level();
  BOOST_TEST(both.text("SELECT note FROM named WHERE id IN ('row 1', 'row 7') ORDER BY id") == "('last')('again')");
  BOOST_TEST(both.text("SELECT id FROM named WHERE id = 'row 2'") == "('ROW 2')");
  BOOST_TEST(both.conflicts().size() == 1U);
}

BOOST_AUTO_TEST_CASE(many_deleted_rows_come_back) {
  two_replicas both{tables_sql, tables,
                    counted_rows("numbered SELECT i, 'new'") + counted_rows("named SELECT 'row ' || i, 'new'")};
  both.a("DELETE FROM numbered; DELETE FROM named");
  both.level();
  both.b(counted_rows("numbered SELECT i, 'back'") + counted_rows("named SELECT 'row ' || i, 'back'"));
  both.level();
  BOOST_TEST(both.text("SELECT DISTINCT note FROM numbered UNION ALL SELECT DISTINCT note FROM named") ==
             "('back')('back')");
  BOOST_TEST(both.conflicts().empty());
}
