#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "monitor/ledger.hpp"
#include "monitor/metrics.hpp"

using namespace tandem::monitor;

namespace {

constexpr std::int64_t now_us = 100'000'000;

/// One of everything that there is to measure.
ledger full_ledger() {
  ledger result;
  for (const auto& each : all_metrics())
    result.add(each.what, each.label.empty() ? "" : "hub", 1'000, now_us);
  result.note_handled("arbiter", {{5}, {7}}, now_us);
  result.note_link("hub", true, now_us);
  tandem::messages::database_figures figures;
  figures.waiting = {{"<script>\"x\"\\\n\xff", "cell", 2}, {"tasks", "quarantine", 1}};
  result.note_database(figures);
  process_figures process;
  process.threads = {{"tandem", 1.5}};
  result.note_process(process);
  return result;
}

std::set<std::string> names_of(const std::vector<metric_family>& families) {
  std::set<std::string> result{"tandem_alert"};
  for (const auto& each : families) {
    result.insert(each.name);
    for (const auto& sample : each.samples)
      result.insert(each.name + sample.suffix);
  }
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(whatever_a_label_holds_it_stays_one_label) {
  const auto text = to_prometheus(families_of(full_ledger(), "1.0", now_us));
  BOOST_TEST(text.find("tandem_open_conflicts{table=\"<script>\\\"x\\\"\\\\\\n\xef\xbf\xbd\",kind=\"cell\"} 2\n") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(each_line_is_of_the_text_format) {
  const std::regex help{"# HELP [a-z_]+ [^\n]+"};
  const std::regex type{"# TYPE [a-z_]+ (counter|gauge|summary)"};
  const std::regex sample{
      R"re([a-z_]+(\{[a-z_]+="([^"\\\n]|\\["\\n])*"(,[a-z_]+="([^"\\\n]|\\["\\n])*")*\})? [-+0-9.e]+)re"};
  std::istringstream lines{to_prometheus(families_of(full_ledger(), "1.0", now_us))};
  std::set<std::string> seen;
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const bool is_fine = std::regex_match(line, help) || std::regex_match(line, type) || std::regex_match(line, sample);
    BOOST_TEST(is_fine, line);
    BOOST_TEST(seen.insert(line).second, "twice: " << line);
  }
  BOOST_TEST(count > 100U);
}

BOOST_AUTO_TEST_CASE(an_empty_minute_has_no_quantiles) {
  constexpr std::int64_t later_us = now_us + 120'000'000;
  const auto text = to_prometheus(families_of(full_ledger(), "1.0", later_us));
  BOOST_TEST(text.find("tandem_change_latency_seconds{peer=\"hub\",quantile=\"0.5\"} NaN\n") != std::string::npos);
  BOOST_TEST(text.find("tandem_change_latency_seconds_count{peer=\"hub\"} 1\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_follow_the_conventions) {
  for (const auto& each : all_metrics()) {
    const std::string name{each.name};
    BOOST_TEST(name.starts_with("tandem_"));
    BOOST_TEST(name.ends_with("_total") == (each.kind == metric_kind::count), name);
    BOOST_TEST((each.kind != metric_kind::time || name.ends_with("_seconds")), name);
  }
}

BOOST_AUTO_TEST_CASE(the_grafana_dashboard_asks_for_what_there_is) {
  std::ifstream file{TANDEM_GRAFANA};
  const auto dashboard = nlohmann::json::parse(file);
  const auto known = names_of(families_of(full_ledger(), "1.0", now_us));
  const std::regex name{"\\b(tandem|process)_[a-z_]+"};
  std::size_t count = 0;
  for (const auto& panel : dashboard.at("panels"))
    for (const auto& target : panel.value("targets", nlohmann::json::array())) {
      const auto query = target.at("expr").get<std::string>();
      std::sregex_iterator found{query.begin(), query.end(), name};
      for (; found != std::sregex_iterator{}; ++found, ++count)
        BOOST_TEST(known.contains(found->str()), found->str() << " is asked for and not told");
    }
  BOOST_TEST(count >= 12U);
}

BOOST_AUTO_TEST_SUITE_END()
