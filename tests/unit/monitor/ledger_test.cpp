#include <cstdint>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "messages/limits.hpp"
#include "monitor/ledger.hpp"
#include "monitor/report_json.hpp"

using namespace tandem;
using namespace tandem::monitor;

namespace {

constexpr std::int64_t second_us = 1'000'000;

} // namespace

BOOST_AUTO_TEST_SUITE(ledgers)

BOOST_AUTO_TEST_CASE(a_trail_counts_from_end_to_end) {
  ledger book;
  book.note_trail("hub", {{1'000, 2'000, 300, 200, 100, 4'000}}, second_us);
  BOOST_TEST(book.minute(metric::change_latency, "hub", second_us).largest == 7'600U);
  BOOST_TEST(slowest_station(book).station == "merged");
  BOOST_TEST(slowest_station(book).place == 5U);
}

BOOST_AUTO_TEST_CASE(changes_with_a_trace_id_are_kept_apart_and_told_in_hex) {
  ledger book;
  const std::string trace{"\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36", 16};
  book.note_trail("hub", {{1'000, 2'000, 300, 200, 100, 4'000}, trace, 1'700'000'000'000}, second_us);
  for (std::size_t i = 0; i < 3 * limits::trails_kept_max; ++i)
    book.note_trail("hub", {{1, 1, 1, 1, 1, 1}}, second_us);
  const auto told = report_of(book, {}, second_us, 0).at("traces");
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].at("trace_id") == "4bf92f3577b34da6a3ce929d0e0e4736");
  BOOST_TEST(told[0].at("spans").size() == 6U);
  BOOST_TEST(told[0].at("spans")[5].at("station") == "merged");
  for (std::size_t i = 0; i < 3 * limits::traces_kept_max; ++i)
    book.note_trail("hub", {{1, 1, 1, 1, 1, 1}, trace, 1}, second_us);
  BOOST_TEST(book.traces().size() == limits::traces_kept_max);
}

BOOST_AUTO_TEST_CASE(a_trail_that_is_no_whole_way_counts_nothing) {
  ledger book;
  for (const auto size : {0, 1, 2, 3, 5, 7, 9})
    book.note_trail("hub", {std::vector<std::uint64_t>(static_cast<std::size_t>(size), 1)}, second_us);
  BOOST_TEST(book.trails().empty());
  BOOST_TEST(book.labels_of(metric::change_latency).empty());
}

BOOST_AUTO_TEST_CASE(what_a_peer_makes_up_has_bounds) {
  ledger book;
  book.note_trail("hub", {{UINT64_MAX, UINT64_MAX, 1, 1, 1, 1}}, second_us);
  BOOST_TEST(book.minute(metric::change_latency, "hub", second_us).largest ==
             2 * static_cast<std::uint64_t>(limits::station_ms_max) * 1'000 + 4);
  for (std::size_t i = 0; i < 10 * limits::measured_peers_max; ++i)
    book.add(metric::rows_sent, "peer " + std::to_string(i), 1, second_us);
  BOOST_TEST(book.counts().size() <= limits::measured_peers_max + 1);
  BOOST_TEST(book.total(metric::rows_sent, "others") > 0U);
  for (std::size_t i = 0; i < 3 * limits::trails_kept_max; ++i)
    book.note_trail("hub", {{1, 1, 1, 1, 1, 1}}, second_us);
  BOOST_TEST(book.trails().size() == limits::trails_kept_max);
  book.add(static_cast<metric>(250), "", 1, second_us);
}

BOOST_AUTO_TEST_CASE(a_change_over_two_links_is_told_station_by_station) {
  ledger book;
  book.note_trail("hub", {{1'000, 2'000, 300, 200, 100, 4'000, 500, 600, 30'000, 800}}, second_us);
  const auto report = report_of(book, {}, second_us, 0);
  const auto& stations = report.at("waterfall").at(0).at("stations");
  BOOST_TEST(stations.size() == 10U);
  BOOST_TEST(stations.at(8).at("station").get<std::string>() == "received");
  BOOST_TEST(stations.at(8).at("ms").get<double>() == 30.0);
  BOOST_TEST(report.at("slowest").at("place").get<int>() == 8);
}

BOOST_AUTO_TEST_CASE(a_page_is_a_station_too) {
  ledger book;
  for (int i = 0; i < 3; ++i) {
    book.add(metric::station_seen, "", 1'000, second_us);
    book.add(metric::station_stamped, "", 2'000, second_us);
    book.add(metric::station_shown, "", 300'000, second_us);
  }
  BOOST_TEST(slowest_station(book).station == "shown");
  BOOST_TEST(slowest_station(book).place == 2U);
  book.note_trail("hub", {{1'000, 2'000, 300, 200, 100, 4'000}}, second_us);
  const auto report = report_of(book, {}, second_us, 0);
  BOOST_TEST(report.at("waterfall").size() == 2U);
  BOOST_TEST(report.at("waterfall").at(0).at("peer") == "hub");
  for (const auto& each : report.at("waterfall"))
    BOOST_TEST(each.at("stations").back().at("station") == "shown");
}

BOOST_AUTO_TEST_CASE(what_was_measured_of_a_peer_goes_with_it) {
  ledger book;
  book.note_link("phone", true, second_us);
  book.add(metric::clock_offset, "phone", messages::clock_offset_zero + 9'000, second_us);
  book.add(metric::acked_position, "phone", 7, second_us);
  book.add(metric::station_merged, "phone", 5, second_us);
  book.add(metric::rows_sent, "phone", 5, second_us);
  book.note_trail("phone", {{1, 1, 1, 1, 1, 1}}, second_us);
  book.note_link("phone", false, second_us);
  BOOST_TEST(book.labels_of(metric::clock_offset).empty());
  BOOST_TEST(book.gauge(metric::acked_position, "phone") == 7);
  book.forget_peer("phone");
  BOOST_TEST((book.gauges().empty() && book.times().empty() && book.counts().empty() && book.links().empty()));
  BOOST_TEST(book.trails().empty());
}

BOOST_AUTO_TEST_CASE(the_others_are_no_link) {
  ledger book;
  book.note_link("others", true, second_us);
  book.note_link("others", false, second_us);
  BOOST_TEST(book.links().empty());
}

BOOST_AUTO_TEST_CASE(who_is_called_is_told_with_the_time_without_a_link) {
  ledger book;
  using state = dialing_figures::state;
  const auto told = [&](std::int64_t second) {
    return report_of(book, {}, second * second_us, 0).at("dialing").at(0);
  };
  book.note_dialing(1, {"ws://hub:1/", state::calling, 0, {}, {}}, 10 * second_us);
  book.note_dialing(1, {"ws://hub:1/", state::refused, 0, "the token", {}}, 20 * second_us);
  BOOST_TEST(told(30).at("state") == "refused");
  BOOST_TEST(told(30).at("text") == "the token");
  BOOST_TEST(told(30).at("seconds").get<double>() == 20);
  book.note_dialing(1, {{}, state::linked, 0, {}, "hub"}, 40 * second_us);
  BOOST_TEST(told(45).at("seconds").get<double>() == 5);
  BOOST_TEST(told(45).at("url") == "ws://hub:1/");
  BOOST_TEST(told(45).at("peer") == "hub");
}

BOOST_AUTO_TEST_CASE(counts_of_a_minute_forget) {
  windowed_count count;
  count.add(3, 5 * second_us);
  count.add(4, 30 * second_us);
  BOOST_TEST(count.minute(40 * second_us) == 7U);
  BOOST_TEST(count.minute(75 * second_us) == 4U);
  BOOST_TEST(count.minute(500 * second_us) == 0U);
  BOOST_TEST(count.total() == 7U);
}

BOOST_AUTO_TEST_CASE(the_picture_over_time_has_rates) {
  ledger book;
  book.note_history(1'000, 10 * second_us);
  book.add(metric::rows_stamped, "", 500, 11 * second_us);
  book.note_history(6'000, 15 * second_us);
  BOOST_TEST(book.history().size() == 1U);
  BOOST_TEST(book.history().front().stamped_per_second == 100.0);
}

BOOST_AUTO_TEST_SUITE_END()
