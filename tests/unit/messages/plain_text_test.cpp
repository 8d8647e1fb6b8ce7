#include <boost/test/unit_test.hpp>

#include "messages/plain_text.hpp"

using tandem::messages::one_line;

BOOST_AUTO_TEST_SUITE(plain_text)

BOOST_AUTO_TEST_CASE(what_controls_is_replaced_and_what_is_read_stays) {
  BOOST_TEST(one_line("phone\r\n2026 [error] \x1b[31m") == "phone??2026 [error] ?[31m");
  BOOST_TEST(one_line("a\xc2\x9b"
                      "31m\x7f") == "a?31m?");
  BOOST_TEST(one_line("Büro \"Süd\" 東京") == "Büro \"Süd\" 東京");
  BOOST_TEST(one_line("\xc2") == "\xc2");
  BOOST_TEST(one_line("").empty());
}

BOOST_AUTO_TEST_SUITE_END()
