#include <algorithm>
#include <random>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "monitor/baseline.hpp"

using namespace tandem::monitor;

namespace {

constexpr double noise = 0.1;

/// Eight rounds of `each` samples that differ a little.
figure figure_of(const std::string& name, double typical, std::size_t each = 50) {
  figure result{name, "", typical, {}, {}};
  for (std::size_t round = 0; round < 8; ++round) {
    for (std::size_t i = 0; i < each; ++i)
      result.samples.push_back(typical * (1 + 0.002 * static_cast<double>((i + 3 * round) % 7)));
    result.round_sizes.push_back(each);
  }
  return result;
}

validation_report report_of(std::vector<figure> figures) {
  validation_report result;
  result.machine = {"some processor", 2, "3.40.1", "0.1.0"};
  result.figures = std::move(figures);
  return result;
}

validation_report report_with(double latency_ms, double rate) {
  return report_of({figure_of("sync_latency_p50", latency_ms), figure_of("throughput", rate)});
}

} // namespace

BOOST_AUTO_TEST_SUITE(baseline)

BOOST_AUTO_TEST_CASE(a_slowdown_beyond_noise_is_named_and_equal_runs_are_not) {
  for (const auto& each : compare(report_with(10, 5'000), report_with(10.3, 5'100), noise))
    BOOST_TEST(!each.is_sure, each.name);
  const auto changes = compare(report_with(10, 5'000), report_with(13, 3'800), noise);
  BOOST_REQUIRE(changes.size() == 2U);
  for (const auto& each : changes) {
    BOOST_TEST(each.is_worse(), each.name);
    BOOST_TEST(each.times_worse > 1.25, each.name);
  }
  for (const auto& each : compare(report_with(13, 3'800), report_with(10, 5'000), noise)) {
    BOOST_TEST(each.is_sure, each.name);
    BOOST_TEST(each.times_worse < 0.8, each.name);
  }
}

BOOST_AUTO_TEST_CASE(figures_of_one_sample_a_round_are_compared_by_rounds) {
  for (const std::string name : {"memory", "concurrent_writes"}) {
    const auto then = report_of({figure_of(name, 100, 1)});
    BOOST_TEST(!compare(then, report_of({figure_of(name, 103, 1)}), noise).front().is_sure, name);
    const bool grows_worse = name == "memory";
    BOOST_TEST(compare(then, report_of({figure_of(name, grows_worse ? 130 : 77, 1)}), noise).front().is_worse(), name);
  }
}

/// The median stays, and one sample in twenty takes three times as long.
BOOST_AUTO_TEST_CASE(a_late_figure_is_compared_by_its_late_samples) {
  const auto with_late = [](double times) {
    auto latency = figure_of("sync_latency_p50", 10);
    for (std::size_t i = 0; i < latency.samples.size(); i += 20)
      latency.samples[i] *= times;
    return report_of({latency, {"sync_latency_p99", "", 10 * times, {}, {}}});
  };
  const auto changes = compare(with_late(1.1), with_late(3.3), noise);
  BOOST_REQUIRE(changes.size() == 2U);
  BOOST_TEST(!changes[0].is_sure);
  BOOST_TEST(changes[1].is_worse());
  BOOST_TEST(changes[1].times_worse > 2.5);
  BOOST_TEST(changes[1].low > 2);
  BOOST_TEST(!compare(with_late(1.5), with_late(1.6), noise)[1].is_sure);
}

BOOST_AUTO_TEST_CASE(lost_writes_are_a_regression_though_they_are_a_few_in_a_hundred) {
  const auto with = [](const std::string& name, double percent) {
    return report_of({{name, "", percent, std::vector<double>(8, percent), std::vector<std::size_t>(8, 1)}});
  };
  for (const std::string name : {"stress_success", "integrity"}) {
    BOOST_TEST(compare(with(name, 100), with(name, 97), noise).front().is_worse(), name);
    BOOST_TEST(!compare(with(name, 100), with(name, 99.8), noise).front().is_sure, name);
    BOOST_TEST(compare(with(name, 100), with(name, 0), noise).front().is_worse(), name);
  }
  BOOST_TEST(compare(with("stress_slow", 0), with("stress_slow", 3), noise).front().is_worse());
  BOOST_TEST(!compare(with("stress_slow", 0), with("stress_slow", 0), noise).front().is_sure);
}

BOOST_AUTO_TEST_CASE(what_was_measured_in_one_round_must_differ_by_more) {
  const auto with = [](double value) {
    return report_of({{"throughput", "", value, {value}, {1}}});
  };
  BOOST_TEST(!compare(with(30'000), with(23'000), noise).front().is_sure);
  BOOST_TEST(compare(with(30'000), with(10'000), noise).front().is_worse());
}

/// A page in WebKit sees 1 ms or 2, and nothing between.
BOOST_AUTO_TEST_CASE(one_tick_of_a_coarse_clock_is_no_difference) {
  const auto with = [](double ms) {
    return report_of({{"recovery", "", ms, std::vector<double>(80, ms), std::vector<std::size_t>(8, 10)}});
  };
  BOOST_TEST(!compare(with(1), with(2), noise).front().is_sure);
  BOOST_TEST(compare(with(1), with(3), noise).front().is_worse());
  BOOST_TEST(!compare(with(16), with(17), noise).front().is_sure);
  BOOST_TEST(compare(with(16), with(24), noise).front().is_worse());
  BOOST_TEST(compare(with(1.1), with(2.2), noise).front().is_worse());
}

BOOST_AUTO_TEST_CASE(bytes_are_granted_no_more_for_few_rounds) {
  const auto with = [](double bytes) {
    return report_of({{"wire_alone", "", bytes, std::vector<double>(4, bytes), std::vector<std::size_t>(4, 1)}});
  };
  BOOST_TEST(!compare(with(80), with(86), noise).front().is_sure);
  BOOST_TEST(compare(with(80), with(95), noise).front().is_worse());
}

/// The clocks of two pages give 1.0000000000001137 as the difference of two whole numbers.
BOOST_AUTO_TEST_CASE(a_coarse_clock_is_known_by_nearly_whole_numbers) {
  const auto with = [](double ms) {
    return report_of({{"page_recovery", "webview", ms, std::vector<double>(80, ms), std::vector<std::size_t>(8, 10)}});
  };
  BOOST_TEST(!compare(with(1.0000000000001137), with(2), noise).front().is_sure);
  BOOST_TEST(!compare(with(0), with(1), noise).front().is_sure);
  BOOST_TEST(compare(with(0), with(4), noise).front().is_worse());
}

namespace {

/// Eight rounds of the machine's own work, each a few samples.
figure pace_of(const std::vector<double>& rounds_ms) {
  figure result{std::string{machine_pace}, "", median(rounds_ms), {}, {}};
  for (const auto each : rounds_ms) {
    result.samples.insert(result.samples.end(), {each, each, each});
    result.round_sizes.push_back(3);
  }
  return result;
}

const std::vector<double> at_rest{0.8, 0.81, 0.79, 0.8, 0.82, 0.8, 0.78, 0.8};
const std::vector<double> sluggish{1.6, 1.61, 1.59, 1.6, 1.62, 1.6, 1.58, 1.6};

const change& change_named(const std::vector<change>& all, const std::string& name) {
  return *std::ranges::find(all, name, &change::name);
}

} // namespace

/// It takes twice as long for its own work: what times and rates have to do with that is not known here, as all rounds
/// of each run are alike, but it is known to be something.
BOOST_AUTO_TEST_CASE(a_slower_machine_is_not_taken_for_a_slower_program) {
  auto before = report_with(10, 5'000);
  auto now = report_with(14, 3'600);
  before.figures.push_back(figure_of("memory", 5, 1));
  now.figures.push_back(figure_of("memory", 7, 1));
  const auto bare = hold_against(before, now, noise);
  BOOST_TEST(change_named(bare.changes, "sync_latency_p50").is_worse());
  before.figures.push_back(pace_of(at_rest));
  now.figures.push_back(pace_of(sluggish));
  const auto paced = hold_against(before, now, noise);
  BOOST_TEST(!change_named(paced.changes, "sync_latency_p50").is_sure);
  BOOST_TEST(!change_named(paced.changes, "throughput").is_sure);
  BOOST_TEST(change_named(paced.changes, "memory").is_worse());
  BOOST_TEST(paced.changes.size() == 3U); // the machine is not judged
  BOOST_REQUIRE(paced.doubts.size() == 1U);
  BOOST_TEST(paced.doubts[0].find("takes 2 times as long for the same work") != std::string::npos, paced.doubts[0]);
}

BOOST_AUTO_TEST_CASE(a_slower_program_on_the_same_machine_is_named) {
  auto before = report_with(10, 5'000);
  auto now = report_with(13, 3'800);
  before.figures.push_back(pace_of(at_rest));
  now.figures.push_back(pace_of(at_rest));
  for (const auto& each : compare(before, now, noise))
    BOOST_TEST(each.is_worse(), each.name);
}

/// Half of the rounds came while something else ran, and the figure shows how it follows.
BOOST_AUTO_TEST_CASE(how_far_a_figure_follows_the_machine_is_learned_from_its_rounds) {
  const auto run = [](double slower, const std::vector<double>& pace) {
    figure latency{"sync_latency_p50", "", 0, {}, {}};
    for (std::size_t round = 0; round < pace.size(); ++round) {
      for (std::size_t i = 0; i < 50; ++i) // with all of the pace, where half of it is usual
        latency.samples.push_back(slower * 5 * pace[round] * (1 + 0.002 * static_cast<double>((i + 3 * round) % 7)));
      latency.round_sizes.push_back(50);
    }
    return report_of({latency, pace_of(pace)});
  };
  const std::vector<double> mixed{0.8, 1.6, 0.8, 1.6, 0.8, 1.6, 0.8, 1.6};
  const std::vector<double> mostly_slow{1.6, 1.6, 1.6, 1.6, 1.6, 1.6, 0.8, 1.6};
  BOOST_TEST(!compare(run(1, mixed), run(1, mostly_slow), noise).front().is_sure);
  BOOST_TEST(compare(run(1, mixed), run(1, mostly_slow), noise).front().times_worse < 1.05);
  BOOST_TEST(compare(run(1, mixed), run(1.4, mostly_slow), noise).front().is_worse());
}

BOOST_AUTO_TEST_CASE(a_restless_machine_is_told_of) {
  auto calm = report_with(10, 5'000);
  BOOST_TEST(why_restless(calm, "meanwhile").empty()); // it does not tell
  auto restless = calm;
  calm.figures.push_back(pace_of(at_rest));
  restless.figures.push_back(pace_of({0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 2}));
  BOOST_TEST(why_restless(calm, "meanwhile").empty());
  BOOST_TEST(why_restless(restless, "meanwhile").find("restless meanwhile") != std::string::npos);
  BOOST_TEST(why_restless(restless, "meanwhile").find("by up to 2.5 times") != std::string::npos);
  const auto doubts = hold_against(restless, calm, noise).doubts;
  BOOST_REQUIRE(doubts.size() == 1U);
  BOOST_TEST(doubts[0].find("while the baseline was measured") != std::string::npos);
}

/// A whole programme of figures on a machine whose pace differs from run to run and from round to round.
BOOST_AUTO_TEST_CASE(ten_runs_of_the_same_program_are_silent_and_a_slower_one_is_not) {
  std::mt19937_64 random{17};
  std::lognormal_distribution<double> of_run{0, 0.02};
  std::lognormal_distribution<double> of_round{0, 0.05};
  std::lognormal_distribution<double> of_sample{0, 0.3};
  const std::vector<std::pair<std::string, std::size_t>> programme{{"sync_latency_p50", 50},
                                                                   {"busy_latency_p50", 125},
                                                                   {"tracked_singles", 125},
                                                                   {"operations", 125},
                                                                   {"throughput", 1},
                                                                   {"large_value", 1},
                                                                   {"memory", 1},
                                                                   {"concurrent_writes", 1},
                                                                   {"stamping", 1},
                                                                   {"extracting", 1},
                                                                   {"merging", 1},
                                                                   {"recovery", 1}};
  const auto run = [&](double slower) {
    validation_report result;
    const auto pace = of_run(random);
    for (int round = 0; round < 8; ++round) {
      validation_report found;
      for (const auto& [name, each] : programme) {
        const bool grows_worse = target_named(name)->better == direction::smaller_is_better;
        const auto round_pace = pace * of_round(random);
        figure measured{name, "", 0, {}, {}};
        for (std::size_t i = 0; i < each; ++i) {
          const auto took = slower * round_pace * (each > 1 ? of_sample(random) : 1);
          measured.samples.push_back(100 * (grows_worse ? took : 1 / took));
        }
        found.figures.push_back(measured);
      }
      found.figures.push_back({"sync_latency_p99", "", 0, {}, {}});
      add_round(result, found);
    }
    return result;
  };
  const auto before = run(1);
  int false_alarms = 0;
  for (int i = 0; i < 10; ++i)
    for (const auto& each : compare(before, run(1), noise)) {
      BOOST_TEST_INFO(each.name << ": " << in_words(each));
      false_alarms += each.is_sure;
    }
  BOOST_TEST(false_alarms == 0);
  BOOST_TEST(!hold_against(before, run(1.3), noise).is_fine());
}

BOOST_AUTO_TEST_CASE(runs_that_did_something_else_are_not_compared) {
  auto before = report_with(10, 5'000);
  before.effort = 0.5;
  before.database = "/home/me/notes.db";
  BOOST_TEST(why_incomparable(before, 0.5, "/home/me/notes.db").empty());
  BOOST_TEST(why_incomparable(before, 1, "/home/me/notes.db").find("--effort 0.5") != std::string::npos);
  BOOST_TEST(why_incomparable(before, 0.5, "").find("a fresh database") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(doubts_about_a_baseline_are_told) {
  const auto now = report_with(10, 5'000);
  BOOST_TEST(hold_against(now, now, noise).doubts.empty());
  auto before = now;
  before.machine.processor = "another one";
  before.omissions.push_back({"stress", "the hub did not start"});
  before.figures.push_back({"memory", "", 5, {}, {}});
  const auto doubts = hold_against(before, now, noise).doubts;
  BOOST_REQUIRE(doubts.size() == 3U);
  BOOST_TEST(doubts[0].find("another machine (another one, 2 cores)") != std::string::npos);
  BOOST_TEST(doubts[1].find("missed a floor") != std::string::npos);
  BOOST_TEST(doubts[2].find("\"Memory that a node adds\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_comparison_in_words_and_in_json) {
  const auto fine = hold_against(report_with(10, 5'000), report_with(10, 5'000), noise);
  BOOST_TEST(summary(fine).starts_with("no regression beyond 10 %"));
  const auto worse = hold_against(report_with(10, 5'000), report_with(20, 5'000), noise);
  BOOST_TEST(summary(worse) == "1 of 2 figures are worse than the baseline");
  BOOST_TEST(in_words(worse.changes[0]).starts_with("2 times worse ("));
  BOOST_TEST(in_words(worse.changes[1]).starts_with("no difference ("));
  const auto document = to_json(worse);
  BOOST_TEST(document["holds"] == false);
  BOOST_TEST(document["changes"][0]["verdict"] == "worse");
  BOOST_TEST(document["changes"][0]["low"] > 1.9);
  const auto better = hold_against(report_with(20, 5'000), report_with(10, 5'000), noise);
  BOOST_TEST(better.is_fine());
  BOOST_TEST(in_words(better.changes[0]).starts_with("2 times better ("));
}

BOOST_AUTO_TEST_CASE(what_has_no_samples_is_not_compared) {
  const auto bare = report_of({{"memory", "", 5, {}, {}}});
  BOOST_TEST(compare(bare, bare, noise).empty());
}

BOOST_AUTO_TEST_SUITE_END()
