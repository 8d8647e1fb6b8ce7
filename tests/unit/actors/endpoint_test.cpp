#include <memory>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "actors/endpoint.hpp"
#include "messages/catalogue.hpp"
#include "messages/internal.hpp"
#include "tests/unit/actors/recording_outbox.hpp"

using namespace tandem;
using actors::address;
using actors::role;
using tests::recording_outbox;

namespace {

struct fake_connection : bridge::connection {
  std::vector<bridge::shared_bytes> sent;
  std::size_t granted = 0;
  bool is_closed = false;
  bool takes = true;

  bool send(bridge::shared_bytes bytes) override {
    if (takes)
      sent.push_back(std::move(bytes));
    return takes;
  }
  [[nodiscard]] std::size_t unsent_bytes() const override { return 0; }
  void grant(std::size_t bytes) override { granted += bytes; }
  void close() override { is_closed = true; }
  [[nodiscard]] std::string peer_name() const override { return "peer"; }
};

struct one_endpoint {
  std::shared_ptr<fake_connection> wire = std::make_shared<fake_connection>();
  recording_outbox out{{role::endpoint, 1}};
  actors::endpoint endpoint{1, wire, true};

  one_endpoint() {
    endpoint.start(out);
    wire->granted = 0;
  }
  template <class T>
  void peer_sends(const T& message) {
    endpoint.receive(recording_outbox::from({role::endpoint, 1}, message), out);
  }
  template <class T>
  void hears(address from, const T& message) {
    endpoint.receive(recording_outbox::from(from, message), out);
  }
  template <class T>
  [[nodiscard]] std::size_t sent_of() const {
    std::size_t count = 0;
    for (const auto& each : wire->sent)
      count += messages::tag_of(*each) == static_cast<std::uint64_t>(T::tag);
    return count;
  }
};

messages::bundle_part part_of(std::uint64_t number) {
  messages::bundle_part part;
  part.number = number;
  part.is_last = true;
  part.block = "some rows";
  return part;
}

} // namespace

BOOST_AUTO_TEST_SUITE(endpoint)

BOOST_FIXTURE_TEST_CASE(credit_comes_back_when_the_arbiter_has_consumed, one_endpoint) {
  peer_sends(part_of(1));
  BOOST_TEST(wire->granted == 0U);
  hears({role::arbiter}, messages::consumed{1});
  BOOST_TEST(wire->granted == messages::encode(part_of(1))->size());
}

BOOST_FIXTURE_TEST_CASE(demand_is_told_once_ready_and_then_by_quarters, one_endpoint) {
  hears({role::arbiter}, messages::link_ready{{}, "peer"});
  BOOST_TEST(sent_of<messages::demand>() == 1U);
  for (std::uint64_t i = 1; i <= limits::link_window_items / limits::link_regrant_fraction; ++i) {
    BOOST_TEST(sent_of<messages::demand>() == 1U);
    peer_sends(part_of(i));
    hears({role::arbiter}, messages::consumed{1});
  }
  BOOST_TEST(sent_of<messages::demand>() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_sends_more_than_asked_for_is_refused, one_endpoint) {
  for (std::uint64_t i = 0; i < 10 * limits::link_window_items; ++i)
    peer_sends(part_of(i));
  BOOST_TEST(out.take<messages::bundle_part>({role::arbiter}).size() <= 2 * limits::link_window_items);
  BOOST_TEST(sent_of<messages::refuse>() == 1U);
  BOOST_TEST(wire->is_closed);
}

BOOST_FIXTURE_TEST_CASE(a_flood_of_control_messages_is_refused, one_endpoint) {
  for (std::size_t i = 0; i < 2 * limits::control_items_max; ++i)
    peer_sends(messages::ack{i});
  BOOST_TEST(sent_of<messages::refuse>() == 1U);
  BOOST_TEST(wire->is_closed);
}

BOOST_FIXTURE_TEST_CASE(silence_in_the_handshake_ends_the_link, one_endpoint) {
  out.time_us += limits::handshake_ms_max * actors::us_per_ms;
  endpoint.tick(out);
  BOOST_TEST(wire->is_closed);
}

BOOST_FIXTURE_TEST_CASE(a_message_of_a_later_protocol_is_passed_over, one_endpoint) {
  messages::encoder later;
  later.array(2);
  later.unsigned_integer(40);
  later.unsigned_integer(1);
  endpoint.receive({{role::endpoint, 1}, std::make_shared<const std::string>(later.take())}, out);
  BOOST_TEST(!wire->is_closed);
  BOOST_TEST(wire->granted > 0U);
}

BOOST_FIXTURE_TEST_CASE(a_connection_that_takes_no_more_is_given_up, one_endpoint) {
  wire->takes = false;
  hears({role::queue, 1}, part_of(1));
  BOOST_TEST(wire->is_closed);
}

BOOST_FIXTURE_TEST_CASE(why_a_peer_went_is_told_to_the_supervisor, one_endpoint) {
  peer_sends(messages::refuse{messages::failure_code::schema, "tables differ"});
  const auto told = out.take<messages::end_link>({role::supervisor});
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].is_refusal);
  BOOST_TEST(told[0].text == "tables differ");
}

BOOST_AUTO_TEST_SUITE_END()
