#include <boost/test/unit_test.hpp>

#include "monitor/advice.hpp"
#include "monitor/html_report.hpp"

using namespace tandem::monitor;

BOOST_AUTO_TEST_SUITE(html_report)

BOOST_AUTO_TEST_CASE(a_page_tells_all_and_trusts_nothing) {
  validation_report report;
  report.machine = {"<script>alert(1)</script>", 2, "3.40.1", "0.1.0"};
  report.figures.push_back({"sync_latency_p50", "web<b>socket", 5.25, {5, 5.5, 6}});
  report.omissions.push_back({"stress", "\"the hub\" & its <i>disk</i>"});
  const auto page = to_html(report);
  BOOST_TEST(page.find("<script") == std::string::npos);
  BOOST_TEST(page.find("<i>") == std::string::npos);
  BOOST_TEST(page.find("web&lt;b&gt;socket") != std::string::npos);
  BOOST_TEST(page.find("&quot;the hub&quot; &amp; its") != std::string::npos);
  BOOST_TEST(page.find("5.25 ms") != std::string::npos);
  BOOST_TEST(page.find("below the goal") != std::string::npos);
  BOOST_TEST(page.find("<polyline") != std::string::npos);
  BOOST_TEST(page.find("not all floors are met") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(advice_names_evidence_cause_and_step) {
  validation_report report;
  BOOST_TEST(recommendations(report).empty());
  report.figures.push_back({"sync_latency_p50", "", 2, {}});
  report.figures.push_back({"sync_latency_p99", "", 40, {}});
  report.figures.push_back({"integrity", "", 99.5, {}});
  const auto found = recommendations(report);
  BOOST_REQUIRE(found.size() == 2U);
  BOOST_TEST(found[0].evidence.find("99.5") != std::string::npos);
  BOOST_TEST(found[0].step.find("tandem repair") != std::string::npos);
  BOOST_TEST(found[1].cause.find("fsync") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_meets_its_goals_needs_no_advice) {
  validation_report report;
  for (const auto& wanted : targets())
    report.figures.push_back({std::string{wanted.name}, "", wanted.goal.value_or(wanted.floor.value_or(1)), {}});
  BOOST_TEST(recommendations(report).empty());
}

BOOST_AUTO_TEST_SUITE_END()
