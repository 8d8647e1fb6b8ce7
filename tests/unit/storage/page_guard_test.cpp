#include <boost/test/unit_test.hpp>

#include "storage/page_guard.hpp"

using tandem::storage::names_ours;

BOOST_AUTO_TEST_SUITE(page_guard)

BOOST_AUTO_TEST_CASE(names_of_ours_are_found_however_they_are_written) {
  for (const char* sql :
       {"SELECT * FROM tandem_log", "select*from TANDEM_log", "SELECT 'tandem_x'", "SELECT \"tandem_x\"",
        "SELECT [tandem_x]", "SELECT `tandem_x`", "SELECT main.tandem_x", "/* x */tandem_x", "--\ntandem_x",
        "SELECT :tandem_x", "SELECT 'it''s', tandem_x", "SELECT x'00'tandem_x"})
    BOOST_TEST(names_ours(sql), sql);
}

BOOST_AUTO_TEST_CASE(other_names_and_comments_are_let_through) {
  for (const char* sql : {"", "SELECT * FROM tandems", "SELECT my_tandem_x", "SELECT 'of tandem_x'", "-- tandem_x",
                          "/* tandem_x", "SELECT 'unended", "SELECT [unended", "tandem", "'"})
    BOOST_TEST(!names_ours(sql), sql);
}

BOOST_AUTO_TEST_SUITE_END()
