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

BOOST_AUTO_TEST_CASE(a_slowdown_beyond_noise_is_named_and_equal_runs_are_not) {
  for (const auto& each : compare(report_with(10, 5'000), report_with(10.3, 5'100), 0.1))
    BOOST_TEST(!each.is_sure, each.name);
  const auto changes = compare(report_with(10, 5'000), report_with(13, 3'800), 0.1);
  BOOST_REQUIRE(changes.size() == 2U);
  for (const auto& each : changes) {
    BOOST_TEST(each.is_sure, each.name);
    BOOST_TEST(each.times_worse > 1.25, each.name);
  }
  for (const auto& each : compare(report_with(13, 3'800), report_with(10, 5'000), 0.1)) {
    BOOST_TEST(each.is_sure, each.name);
    BOOST_TEST(each.times_worse < 0.8, each.name);
  }
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

BOOST_AUTO_TEST_CASE(figures_without_samples_are_not_compared) {
  validation_report bare;
  bare.figures.push_back({"memory", "", 5, {}});
  BOOST_TEST(compare(bare, bare, 0.1).empty());
}

BOOST_AUTO_TEST_SUITE_END()
