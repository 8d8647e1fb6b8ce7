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
  BOOST_REQUIRE(found.size() == 3U);
  BOOST_TEST(found[0].evidence.find("99.5") != std::string::npos);
  BOOST_TEST(found[0].step.find("tandem repair") != std::string::npos);
  BOOST_TEST(found[1].step.find("faster disk") != std::string::npos);
  BOOST_TEST(found[2].cause.find("fsync") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_meets_its_goals_needs_no_advice) {
  validation_report report;
  for (const auto& wanted : targets())
    report.figures.push_back({std::string{wanted.name}, "", wanted.goal.value_or(wanted.floor.value_or(1)), {}});
  BOOST_TEST(recommendations(report).empty());
}

BOOST_AUTO_TEST_CASE(late_samples_far_from_the_usual_ones_are_told_though_they_are_within_the_goal) {
  validation_report report;
  report.figures.push_back({"sync_latency_p50", "", 0.4, {}});
  report.figures.push_back({"sync_latency_p99", "", 4, {}});
  const auto found = recommendations(report);
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found[0].cause.find("one edit in a hundred") != std::string::npos);
}

/// Each with a value far on the wrong side of its bounds.
BOOST_AUTO_TEST_CASE(whatever_misses_gets_an_advice_with_its_figures) {
  for (const auto& wanted : targets()) {
    if (!wanted.floor && !wanted.goal)
      continue;
    const auto bound = wanted.floor ? *wanted.floor : *wanted.goal;
    validation_report report;
    report.figures.push_back(
        {std::string{wanted.name}, "", wanted.better == direction::smaller_is_better ? bound * 4 : bound / 4, {}});
    const auto found = recommendations(report);
    BOOST_REQUIRE_MESSAGE(found.size() == 1U, wanted.name);
    BOOST_TEST(found[0].evidence.starts_with(wanted.title));
    BOOST_TEST(found[0].evidence.find("4 times worse") != std::string::npos, found[0].evidence);
    BOOST_TEST(!found[0].cause.empty());
    BOOST_TEST(!found[0].step.empty());
  }
}

BOOST_AUTO_TEST_CASE(each_operation_by_http_and_another_way_gets_a_line) {
  validation_report report;
  int operations = 0;
  for (const auto& wanted : targets())
    if (wanted.name.starts_with("page_") && wanted.unit != "%" && wanted.unit != "MB") {
      const auto good = wanted.goal.value_or(wanted.floor.value_or(1));
      for (const auto* way : {"webview", "websocket", "http"})
        report.figures.push_back({std::string{wanted.name}, way, good, {}});
      ++operations;
    }
  const auto found = recommendations(report);
  BOOST_TEST(found.size() == static_cast<std::size_t>(operations));
  for (const auto& each : found) {
    BOOST_TEST(each.evidence.find("by webview") != std::string::npos, each.evidence);
    BOOST_TEST(each.evidence.find("by http") != std::string::npos, each.evidence);
  }
  report.figures.front().value /= 4; // a round trip, by the WebView
  BOOST_TEST(recommendations(report).front().step.find("take webview") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_page_has_ratios_ways_and_what_the_baseline_says) {
  validation_report report;
  report.figures.push_back({"sync_latency_p50", "", 3, {3, 3, 3}});
  report.figures.push_back({"page_transfer", "webview", 20, {20}});
  report.figures.push_back({"page_transfer", "http", 10, {10}});
  auto before = report;
  before.machine.processor = "another <one>";
  before.figures[0].samples = {1, 1, 1};
  const auto against = hold_against(before, report, 0.1);
  const auto page = to_html(report, &against);
  BOOST_TEST(page.find("33.3 x better") != std::string::npos);
  BOOST_TEST(page.find("2 x worse") != std::string::npos);
  BOOST_TEST(page.find("A page&#39;s ways against HTTP") == std::string::npos); // our own words are not escaped twice
  BOOST_TEST(page.find("<td class=\"n\">20 MB/s</td><td class=\"n soft\">10 MB/s</td>") != std::string::npos);
  BOOST_TEST(page.find("1 of 3 figures are worse than the baseline") != std::string::npos);
  BOOST_TEST(page.find("3 times worse (3 to 3)") != std::string::npos);
  BOOST_TEST(page.find("another &lt;one&gt;") != std::string::npos);
  const auto two = to_html(before, "window=<1>", report, "window=2", against.changes);
  BOOST_TEST(two.find("window=&lt;1&gt;") != std::string::npos);
  BOOST_TEST(two.find("3 times worse (3 to 3)") != std::string::npos);
}

/// 500 samples are more than a curve has points.
BOOST_AUTO_TEST_CASE(a_curve_ends_at_its_largest_sample) {
  validation_report report;
  std::vector<double> samples;
  for (int i = 1; i <= 501; ++i)
    samples.push_back(i);
  report.figures.push_back({"recovery", "", 250, samples});
  const auto page = to_html(report);
  const auto begin = page.find("<polyline points=\"");
  const auto curve = page.substr(begin, page.find("\"/>", begin) - begin);
  BOOST_TEST(curve.ends_with(",10 "), curve); // all of them: the top of the plot
}

BOOST_AUTO_TEST_SUITE_END()
