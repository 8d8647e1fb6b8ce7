#include <memory>
#include <string>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "actors/monitor_actor.hpp"
#include "messages/internal.hpp"
#include "messages/limits.hpp"
#include "messages/measurement.hpp"
#include "tests/unit/actors/recording_outbox.hpp"

using namespace tandem;
using actors::role;
using messages::metric;
using nlohmann::json;
using phase = messages::link_phase::phase;
using tests::recording_outbox;

namespace {

constexpr std::int64_t wall_ms = 1'700'000'000'000;

messages::site_id site(std::uint8_t number) {
  messages::site_id result;
  result.bytes[0] = number;
  return result;
}

struct one_monitor {
  bridge::network_troubles troubles;
  recording_outbox out{{role::monitor}};
  std::shared_ptr<actors::switchboard> board = std::make_shared<actors::switchboard>();
  std::shared_ptr<actors::measure_board> measured = std::make_shared<actors::measure_board>(setup());
  std::unique_ptr<actors::monitor_actor> monitor = std::make_unique<actors::monitor_actor>(board, measured);

  actors::measure_setup setup() {
    actors::measure_setup result;
    result.wall_ms = [] {
      return wall_ms;
    };
    result.network = [this] {
      return troubles;
    };
    result.busy_opens = [] {
      return std::uint64_t{0};
    };
    return result;
  }
  /// As the supervisor does with one that failed.
  void start_anew() { monitor = std::make_unique<actors::monitor_actor>(board, measured); }
  template <class T>
  void hears(actors::address from, const T& message) {
    monitor->receive(recording_outbox::from(from, message), out);
  }
  void linked(std::uint64_t link, std::uint8_t number, const std::string& name, std::uint64_t dialer = 0) {
    messages::link_phase news;
    news.now = phase::linked;
    news.link = link;
    news.dialer = dialer;
    news.site = site(number);
    news.peer_name = name;
    hears({role::arbiter}, news);
  }
  void closed(std::uint64_t link, bool is_planned = false) {
    hears({role::supervisor}, messages::link_closed{link, false, true, "", is_planned});
  }
  void dialing(phase now, const std::string& why = "") {
    messages::link_phase news;
    news.now = now;
    news.dialer = 1;
    news.peer_name = "ws://hub:1/";
    news.text = why;
    hears({role::dialer, 1}, news);
  }
  void pass_s(std::int64_t seconds) {
    out.time_us += seconds * 1'000 * actors::us_per_ms;
    monitor->tick(out);
  }
  [[nodiscard]] json report() const { return json::parse(measured->json()); }
  [[nodiscard]] json link(const std::string& peer) const {
    const auto told = report();
    for (const auto& each : told.at("links"))
      if (each.at("peer") == peer)
        return each;
    return nullptr;
  }
  [[nodiscard]] bool raises(const std::string& rule) const {
    for (const auto& each : measured->alerts())
      if (each.rule == rule)
        return true;
    return false;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(monitor_actor)

BOOST_AUTO_TEST_CASE(a_goodbye_is_told_as_what_it_was_and_when) {
  one_monitor node;
  node.linked(1, 1, "phone");
  node.pass_s(100);
  node.closed(1, true);
  node.pass_s(8);
  BOOST_TEST(node.link("phone").at("planned") == true);
  BOOST_TEST(node.link("phone").at("seconds").get<double>() == 8);
  BOOST_TEST(!node.raises("link_down"));
  node.linked(2, 1, "phone");
  node.closed(2);
  node.pass_s(8'000);
  BOOST_TEST(node.link("phone").at("planned") == false);
  BOOST_TEST(node.raises("link_down"));
}

BOOST_AUTO_TEST_CASE(one_that_is_started_anew_goes_on_with_the_links_there_are) {
  one_monitor node;
  node.linked(1, 1, "phone");
  node.start_anew();
  node.hears({role::queue, 1}, messages::measurements{{{metric::acked_position, 1, 42}}, {}, {}});
  BOOST_TEST(node.link("phone").at("acknowledged").get<double>() == 42);
  node.closed(1);
  node.pass_s(10);
  BOOST_TEST(node.raises("link_down"));
}

BOOST_AUTO_TEST_CASE(the_end_of_an_old_link_is_not_that_of_the_new_one) {
  one_monitor node;
  node.linked(1, 1, "phone");
  node.linked(2, 1, "phone");
  node.closed(1);
  node.pass_s(10);
  BOOST_TEST(node.link("phone").at("up") == true);
  BOOST_TEST(!node.raises("link_down"));
}

BOOST_AUTO_TEST_CASE(peers_that_the_file_knows_are_listed_and_not_missed) {
  one_monitor node;
  constexpr std::int64_t minute_ms = 60'000;
  messages::database_figures figures;
  figures.peers = {{site(1), "phone", wall_ms - 5 * minute_ms},
                   {site(2), "lost", wall_ms - limits::retention_ms_default - minute_ms}};
  node.hears({role::observer}, figures);
  node.pass_s(0);
  BOOST_TEST(node.link("phone").at("up") == false);
  BOOST_TEST(node.link("phone").at("seconds").get<double>() == 300);
  BOOST_TEST(node.link("lost").is_null());
  BOOST_TEST(!node.raises("link_down"));
  node.linked(1, 1, "phone");
  BOOST_TEST(node.report().at("links").size() == 1U);
  node.closed(1);
  node.hears({role::observer}, messages::database_figures{});
  BOOST_TEST(node.report().at("links").empty());
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_called_in_vain_is_told_after_a_minute) {
  one_monitor node;
  node.dialing(phase::connecting);
  node.pass_s(30);
  node.dialing(phase::connecting, "there was no answer within 30000 ms");
  node.pass_s(25);
  BOOST_TEST(!node.raises("peers_not_reached"));
  node.pass_s(10);
  BOOST_TEST(node.raises("peers_not_reached"));
  node.linked(1, 1, "hub", 1);
  node.pass_s(1);
  BOOST_TEST(!node.raises("peers_not_reached"));
  BOOST_TEST(node.report().at("dialing").at(0).at("state") == "linked");
  BOOST_TEST(node.report().at("dialing").at(0).at("peer") == "hub");
}

BOOST_AUTO_TEST_CASE(nobody_is_called_in_vain_while_sync_is_paused) {
  one_monitor node;
  node.dialing(phase::connecting);
  node.dialing(phase::paused);
  node.pass_s(100);
  BOOST_TEST(!node.raises("peers_not_reached"));
}

BOOST_AUTO_TEST_CASE(what_the_network_met_with_is_counted_once) {
  one_monitor node;
  node.pass_s(1);
  node.troubles = {2, 12, "a connection could not be accepted: Too many open files"};
  node.pass_s(1);
  node.pass_s(1);
  const auto text = node.measured->metrics_text();
  BOOST_TEST(text.find("tandem_links_refused_total{peer=\"unknown\"} 2\n") != std::string::npos);
  BOOST_TEST(text.find("tandem_swallowed_errors_total{actor=\"network\"} 12\n") != std::string::npos);
  BOOST_TEST(node.raises("links_refused"));
  for (const auto& each : node.measured->alerts())
    if (each.rule == "errors_swallowed")
      BOOST_TEST(each.cause.find("Too many open files") != std::string::npos, each.cause);
  BOOST_TEST(node.raises("errors_swallowed"));
}

BOOST_AUTO_TEST_SUITE_END()
