#include <boost/test/unit_test.hpp>

#include "demos/node/validation/page_report.hpp"
#include "messages/failure.hpp"

using namespace tandem::node;

BOOST_AUTO_TEST_SUITE(page_report)

BOOST_AUTO_TEST_CASE(figures_and_omissions_of_each_way_are_taken) {
  validation found;
  add_page_report(R"({"ways": [
    {"way": "http", "figures": [{"name": "queries", "value": 9000, "samples": [9000]}], "omissions": []},
    {"way": "webview", "figures": [], "omissions": [{"what": "stress", "why": "the node went away"}]}]})",
                  found);
  BOOST_REQUIRE(found.figures.size() == 1U);
  BOOST_TEST(found.figures[0].name == "page_queries");
  BOOST_TEST(found.figures[0].transport == "http");
  BOOST_REQUIRE(found.omissions.size() == 1U);
  BOOST_TEST(found.omissions[0].what == "a page by webview: stress");
}

/// What a page's NaN is in JSON.
BOOST_AUTO_TEST_CASE(a_figure_that_is_no_number_is_an_omission_and_the_others_stay) {
  validation found;
  add_page_report(R"({"ways": [{"way": "http", "figures": [
    {"name": "sync_p50", "value": null, "samples": []},
    {"name": "transfer", "value": 5, "samples": [5, null]},
    {"name": "recovery", "value": 2, "samples": [2]}], "omissions": []}]})",
                  found);
  BOOST_REQUIRE(found.figures.size() == 1U);
  BOOST_TEST(found.figures[0].name == "page_recovery");
  BOOST_REQUIRE(found.omissions.size() == 2U);
  BOOST_TEST(found.omissions[0].what == "a page by http: sync_p50");
  BOOST_TEST(found.omissions[1].what == "a page by http: transfer");
}

BOOST_AUTO_TEST_CASE(what_is_no_report_fails_in_words) {
  for (const auto* text : {"", "{", "null", R"({"ways": 1})", R"({"ways": [{"way": 1}]})"}) {
    validation found;
    BOOST_CHECK_THROW(add_page_report(text, found), tandem::messages::failure);
  }
}

BOOST_AUTO_TEST_SUITE_END()
