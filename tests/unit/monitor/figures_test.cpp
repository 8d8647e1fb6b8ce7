#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "messages/failure.hpp"
#include "monitor/figures.hpp"

using namespace tandem::monitor;
using nlohmann::json;

namespace {

validation_report report_with(double latency_ms, double rate) {
  validation_report result;
  result.machine = {"some processor", 2, "3.40.1", "0.1.0"};
  std::vector<double> latencies;
  std::vector<double> rates;
  for (int i = 0; i < 50; ++i) {
    latencies.push_back(latency_ms * (1 + 0.002 * (i % 7)));
    rates.push_back(rate * (1 + 0.002 * (i % 5)));
  }
  result.figures.push_back({"sync_latency_p50", "", latency_ms, latencies});
  result.figures.push_back({"throughput", "", rate, rates});
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(figures)

BOOST_AUTO_TEST_CASE(a_figure_is_held_against_floor_and_goal) {
  BOOST_TEST((verdict_of({"sync_latency_p50", "", 120, {}}) == verdict::below_floor));
  BOOST_TEST((verdict_of({"sync_latency_p50", "", 12, {}}) == verdict::below_goal));
  BOOST_TEST((verdict_of({"sync_latency_p50", "", 1.5, {}}) == verdict::met));
  BOOST_TEST((verdict_of({"operations", "websocket", 99, {}}) == verdict::below_floor));
  BOOST_TEST((verdict_of({"operations", "websocket", 20'000, {}}) == verdict::met));
  BOOST_TEST((verdict_of({"large_value", "", 1, {}}) == verdict::no_target));
  BOOST_TEST((verdict_of({"unheard of", "", 1, {}}) == verdict::no_target));
}

BOOST_AUTO_TEST_CASE(a_report_holds_unless_a_floor_is_missed_or_something_was_not_measured) {
  auto report = report_with(20, 5'000);
  BOOST_TEST(holds(report));
  report.omissions.push_back({"stress", "the hub did not start"});
  BOOST_TEST(!holds(report));
  BOOST_TEST(!holds(report_with(101, 5'000)));
}

BOOST_AUTO_TEST_CASE(a_report_survives_json) {
  auto report = report_with(20, 5'000);
  report.omissions.push_back({"what", "why"});
  const auto again = report_from_json(json::parse(to_json(report).dump()));
  BOOST_TEST(to_json(again) == to_json(report));
  BOOST_TEST(again.figures[0].samples.size() == 50U);
}

BOOST_AUTO_TEST_CASE(what_is_no_report_is_refused) {
  const auto fails = [](const json& document) {
    try {
      report_from_json(document);
    } catch (const tandem::messages::failure& problem) {
      return std::string{problem.what()};
    }
    return std::string{};
  };
  BOOST_TEST(!fails(json::array()).empty());
  BOOST_TEST(!fails({{"figures", 1}}).empty());
  auto other = to_json(report_with(1, 1));
  other["tandem_validation"] = 1;
  BOOST_TEST(fails(other).find("version is 1") != std::string::npos);
  auto forged = to_json(report_with(1, 1));
  forged["figures"][0]["samples"] = "many";
  BOOST_TEST(!fails(forged).empty());
}

BOOST_AUTO_TEST_CASE(rounds_are_put_together_and_taken_apart_again) {
  validation_report whole;
  for (const double ms : {1.0, 5.0, 3.0}) {
    validation_report round;
    round.figures.push_back({"sync_latency_p50", "", ms, {ms, ms}});
    round.figures.push_back({"sync_latency_p99", "", ms, {}});
    add_round(whole, round);
  }
  BOOST_REQUIRE(whole.figures.size() == 2U);
  BOOST_TEST(whole.figures[0].value == 3);
  BOOST_TEST(whole.figures[1].value == 5);
  const auto read = report_from_json(to_json(whole));
  BOOST_TEST((rounds_of(read.figures[0]) == rounds{{1, 1}, {5, 5}, {3, 3}}));
  auto forged = read.figures[0];
  forged.round_sizes = {4, 1'000};
  BOOST_TEST((rounds_of(forged) == rounds{{1, 1, 5, 5}, {3, 3}}));
}

/// What takes long is made in every other round only: its rounds stand beside the others' of the same time.
BOOST_AUTO_TEST_CASE(a_round_that_did_not_measure_a_figure_has_no_samples_of_it) {
  validation_report whole;
  for (int i = 1; i <= 4; ++i) {
    validation_report round;
    round.figures.push_back({"memory", "", 5, {5}});
    if (i % 2 == 0)
      round.figures.push_back({"wire_alone", "", 80, {80, 81}});
    add_round(whole, round);
  }
  const auto read = report_from_json(to_json(whole));
  BOOST_REQUIRE(read.figures.size() == 2U);
  BOOST_TEST((rounds_of(*find_figure(read, "wire_alone", "")) == rounds{{}, {80, 81}, {}, {80, 81}}));
  BOOST_TEST((rounds_of(*find_figure(read, "memory", "")) == rounds{{5}, {5}, {5}, {5}}));
}

BOOST_AUTO_TEST_CASE(one_bad_round_does_not_vanish_among_good_ones) {
  validation_report whole;
  for (const double percent : {100.0, 100.0, 60.0, 100.0}) {
    validation_report round;
    round.figures.push_back({"integrity", "", percent, {percent}});
    round.absences.push_back({"a page", "there is no browser"});
    add_round(whole, round);
  }
  BOOST_TEST(whole.figures[0].value == 90);
  BOOST_TEST((verdict_of(whole.figures[0]) == verdict::below_floor));
  BOOST_TEST(whole.absences.size() == 1U);
}

BOOST_AUTO_TEST_CASE(ratios_to_floor_and_goal) {
  using enum direction;
  BOOST_TEST(times_better(10, 100, smaller_is_better).value() == 10);
  BOOST_TEST(times_better(3, 1.5, smaller_is_better).value() == 0.5);
  BOOST_TEST(times_better(50'000, 25'000, larger_is_better).value() == 2);
  BOOST_TEST(!times_better(1, std::nullopt, larger_is_better));
  BOOST_TEST(!times_better(0, 5, smaller_is_better));
  validation_report report;
  report.figures.push_back({"sync_latency_p50", "", 3, {}});
  report.figures.push_back({"large_value", "", 3, {}});
  const auto document = to_json(report);
  BOOST_TEST(document["figures"][0]["times_better_than_goal"] == 0.5);
  BOOST_TEST(document["figures"][1]["times_better_than_goal"].is_null());
}

BOOST_AUTO_TEST_CASE(every_way_is_held_against_http_also_where_a_coarse_clock_saw_no_time_pass) {
  validation_report report;
  report.figures.push_back({"page_recovery", "websocket", 0, {0, 0, 0, 1}});
  report.figures.push_back({"page_recovery", "http", 1, {1, 1, 1}});
  const auto found = compare_ways(report);
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found[0].times_better == 4);
}

BOOST_AUTO_TEST_SUITE_END()
