#include <boost/test/unit_test.hpp>

#include "actors/offline_queue.hpp"
#include "messages/catalogue.hpp"
#include "messages/internal.hpp"
#include "messages/limits.hpp"
#include "messages/measurement.hpp"
#include "tests/unit/actors/recording_outbox.hpp"
#include "tests/unit/actors/test_replica.hpp"

using namespace tandem;
using actors::role;
using tests::recording_outbox;

namespace {

constexpr std::uint64_t enough = std::uint64_t{1} << 30;

struct one_queue {
  static constexpr actors::address endpoint{role::endpoint, 1};

  tests::test_folder folder;
  tests::test_replica replica{folder.file("app.db")};
  tests::test_replica peer{folder.file("peer.db")};
  recording_outbox out{{role::queue, 1}};
  actors::offline_queue queue{1, replica.opener()};

  one_queue() {
    replica.stamped_insert(0); // Its log has a run, which `start_link` tells the peer.
    queue.start(out);
  }
  template <class T>
  void hears(actors::address from, const T& message) {
    queue.receive(recording_outbox::from(from, message), out);
  }
  void start_link(std::uint64_t start = 0) {
    const auto self = replica.core.self();
    hears({role::arbiter},
          messages::start_link{peer.core.self().site, self.epoch, start, replica.core.schema_version(), run()});
  }
  std::uint64_t run() {
    const auto runs = replica.core.lineage();
    return runs.empty() ? 0 : runs.back().token;
  }
  void announce() { hears({role::arbiter}, messages::announced{replica.core.schema_version(), run()}); }
  void demand(std::uint64_t bytes, std::uint64_t items) { hears(endpoint, messages::demand{bytes, items}); }
  void flush() { hears({role::batcher}, messages::flush{}); }
  void ack(std::uint64_t pos) { hears(endpoint, messages::ack{pos}); }
  /// All parts sent since last asked; their blocks are left out.
  std::vector<messages::bundle_part> parts() {
    std::vector<messages::bundle_part> result;
    std::vector<recording_outbox::sent> rest;
    for (auto& each : out.all)
      if (each.to == endpoint &&
          messages::tag_of(*each.bytes) == static_cast<std::uint64_t>(messages::wire::bundle_part))
        has_rows_ = !result.emplace_back(messages::decode<messages::bundle_part>(*each.bytes)).block.empty();
      else
        rest.push_back(std::move(each));
    out.all = std::move(rest);
    for (auto& part : result)
      part.block = {};
    return result;
  }
  [[nodiscard]] bool last_had_rows() const { return has_rows_; }
  std::vector<messages::end_link> ends() { return out.take<messages::end_link>(endpoint); }
  void pass_ms(std::int64_t ms) {
    out.time_us += ms * actors::us_per_ms;
    if (out.due_us && *out.due_us <= out.time_us) {
      out.due_us.reset();
      queue.tick(out);
    }
  }
  std::uint64_t noted_ack() {
    const auto found = replica.core.peer(peer.core.self().site);
    return found ? found->acked : 0;
  }
  /// A row of the peer's own comes in. Returns how far its log is applied then.
  std::uint64_t merge_from_peer() {
    peer.insert(1'000);
    const auto part = peer.bundle_for(replica.core.self().site);
    replica.core.bind_peer(peer.core.self().site, peer.core.schema());
    auto block = std::optional{part.block};
    return replica.core
        .merge(peer.core.self().site, part.header, [&block] { return std::exchange(block, std::nullopt); })
        .cursor;
  }
  void write_several_blocks() {
    replica.app.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) "
                    "INSERT INTO tasks SELECT i, hex(randomblob(100)) FROM n");
    replica.core.stamp_pending();
  }

private:
  bool has_rows_ = false;
};

} // namespace

BOOST_AUTO_TEST_SUITE(offline_queue)

BOOST_FIXTURE_TEST_CASE(nothing_goes_without_credit, one_queue) {
  replica.stamped_insert(1);
  start_link();
  flush();
  BOOST_TEST(parts().empty());
  demand(enough, 8);
  BOOST_TEST(parts().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_way_that_is_too_long_is_left_out_and_the_bundle_goes, one_queue) {
  start_link();
  demand(enough, 8);
  for (const auto stations : {limits::trail_items_max - 3, limits::trail_items_max - 2, limits::trail_items_max}) {
    flush(); // Empty, so that the next way is not that of something older.
    parts();
    replica.stamped_insert(static_cast<int>(stations));
    hears({role::batcher}, messages::flush{0, {std::vector<std::uint64_t>(stations, 1)}});
    const auto sent = parts();
    BOOST_REQUIRE(sent.size() == 1U);
    BOOST_TEST(sent[0].trail.size() == (stations == limits::trail_items_max - 3 ? limits::trail_items_max : 0));
  }
}

BOOST_FIXTURE_TEST_CASE(nothing_goes_before_the_arbiter_has_started_the_link, one_queue) {
  replica.stamped_insert(1);
  demand(enough, 8);
  flush();
  BOOST_TEST(parts().empty());
  start_link();
  BOOST_TEST(parts().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(credit_of_items_is_kept_to_the_item, one_queue) {
  write_several_blocks();
  start_link();
  demand(enough, 2);
  BOOST_TEST(parts().size() == 2U);
  demand(0, 1);
  BOOST_TEST(parts().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(the_credit_that_is_left_is_told_when_it_comes_and_when_it_ends, one_queue) {
  write_several_blocks();
  start_link();
  flush();
  out.take<messages::measurements>({role::monitor});
  demand(enough, 2);
  BOOST_TEST((out.take_measured(messages::metric::credit_items) == std::vector<std::uint64_t>{2, 0}));
}

BOOST_FIXTURE_TEST_CASE(credit_of_bytes_is_overdrawn_by_one_part_at_most, one_queue) {
  write_several_blocks();
  start_link();
  demand(1, enough);
  BOOST_TEST(parts().size() == 1U);
  demand(limits::block_bytes_target / 8, 0); // less than that part has overdrawn
  BOOST_TEST(parts().empty());
}

BOOST_FIXTURE_TEST_CASE(credit_without_end_does_not_overflow, one_queue) {
  replica.stamped_insert(1);
  start_link();
  for (int i = 0; i < 5; ++i)
    demand(~std::uint64_t{0}, ~std::uint64_t{0});
  BOOST_TEST(parts().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(parts_of_one_bundle_count_up_and_name_one_snapshot, one_queue) {
  write_several_blocks();
  start_link();
  demand(enough, enough);
  const auto sent = parts();
  BOOST_REQUIRE(sent.size() > 2U);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    BOOST_TEST(sent[i].index == i);
    BOOST_TEST(sent[i].number == 1U);
    BOOST_TEST(sent[i].is_last == (i + 1 == sent.size()));
  }
  BOOST_TEST(sent[0].header.to == replica.core.head());
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_lacks_nothing_gets_nothing, one_queue) {
  start_link(replica.stamped_insert(1));
  demand(enough, 8);
  flush();
  BOOST_TEST(parts().empty());
}

BOOST_FIXTURE_TEST_CASE(the_first_bundle_of_a_link_is_not_held_back_even_if_it_is_empty, one_queue) {
  const auto before = replica.core.head();
  merge_from_peer();
  start_link(before);
  demand(enough, 8);
  const auto sent = parts();
  BOOST_REQUIRE(sent.size() == 1U);
  BOOST_TEST(!last_had_rows());
  BOOST_TEST(sent[0].header.to == replica.core.head());
  flush();
  BOOST_TEST(parts().empty());
}

BOOST_FIXTURE_TEST_CASE(each_bundle_goes_on_where_the_last_one_ended, one_queue) {
  const auto first = replica.stamped_insert(1);
  start_link();
  demand(enough, 8);
  const auto second = replica.stamped_insert(2);
  flush();
  const auto sent = parts();
  BOOST_REQUIRE(sent.size() == 2U);
  BOOST_TEST(sent[0].header.to == first);
  BOOST_TEST(sent[1].header.start == first);
  BOOST_TEST(sent[1].header.to == second);
}

BOOST_FIXTURE_TEST_CASE(so_many_bundles_may_wait_for_their_ack, one_queue) {
  start_link(replica.core.head());
  demand(enough, enough);
  for (int i = 1; i <= static_cast<int>(limits::bundles_unacked_max) + 5; ++i) {
    replica.stamped_insert(i);
    flush();
  }
  const auto sent = parts();
  BOOST_TEST(sent.size() == limits::bundles_unacked_max);
  ack(sent.back().header.to);
  const auto rest = parts();
  BOOST_REQUIRE(rest.size() == 1U); // what waited goes as one
  BOOST_TEST(rest[0].header.to == replica.core.head());
}

BOOST_FIXTURE_TEST_CASE(an_ack_of_what_was_never_sent_ends_the_link, one_queue) {
  const auto head = replica.stamped_insert(1);
  start_link();
  demand(enough, 8);
  ack(head + 1);
  const auto ended = ends();
  BOOST_REQUIRE(ended.size() == 1U);
  BOOST_TEST((ended[0].code == messages::failure_code::protocol));
  pass_ms(10 * limits::ack_note_window_ms);
  BOOST_TEST(noted_ack() == 0U);
}

BOOST_FIXTURE_TEST_CASE(acks_are_noted_on_disk_together_and_never_run_back, one_queue) {
  const auto first = replica.stamped_insert(1);
  start_link();
  demand(enough, 8);
  const auto second = replica.stamped_insert(2);
  flush();
  ack(second);
  ack(first);
  BOOST_TEST(noted_ack() == 0U);
  pass_ms(limits::ack_note_window_ms);
  BOOST_TEST(noted_ack() == second);
  BOOST_TEST(ends().empty());
}

BOOST_FIXTURE_TEST_CASE(an_ack_is_noted_at_the_end_of_the_link, one_queue) {
  const auto head = replica.stamped_insert(1);
  start_link();
  demand(enough, 8);
  ack(head);
  queue.stop(out);
  BOOST_TEST(noted_ack() == head);
  const auto states = out.take<messages::queue_state>({role::batcher});
  BOOST_REQUIRE(!states.empty());
  BOOST_TEST(!states.back().is_up);
}

BOOST_FIXTURE_TEST_CASE(an_ack_that_cannot_be_noted_is_noted_later, one_queue) {
  const auto head = replica.stamped_insert(1);
  start_link();
  demand(enough, 8);
  ack(head);
  replica.app.run("BEGIN IMMEDIATE");
  pass_ms(limits::ack_note_window_ms);
  BOOST_TEST(noted_ack() == 0U);
  replica.app.run("COMMIT");
  pass_ms(limits::storage_retry_ms);
  BOOST_TEST(noted_ack() == head);
}

BOOST_FIXTURE_TEST_CASE(a_bundle_that_gets_no_credit_is_given_up_and_begun_anew, one_queue) {
  write_several_blocks();
  start_link();
  demand(enough, 1);
  BOOST_TEST(parts().size() == 1U);
  pass_ms(limits::extraction_stall_ms_max);
  replica.stamped_insert(9'999);
  demand(enough, enough);
  const auto sent = parts();
  BOOST_REQUIRE(!sent.empty());
  BOOST_TEST(sent[0].index == 0U);
  BOOST_TEST(sent[0].number == 2U);
  BOOST_TEST(sent[0].header.to == replica.core.head());
}

BOOST_FIXTURE_TEST_CASE(writes_that_are_not_stamped_are_asked_for_first, one_queue) {
  replica.insert(1);
  start_link();
  demand(enough, 8);
  BOOST_TEST(parts().empty());
  const auto asked = out.take<messages::wake>({role::observer});
  BOOST_REQUIRE(asked.size() == 1U);
  BOOST_TEST(asked[0].must_answer);
  flush();
  BOOST_TEST(out.take<messages::wake>({role::observer}).empty()); // one question at a time
  replica.core.stamp_pending();
  hears({role::observer}, messages::grown{replica.core.head(), 0, 0});
  BOOST_TEST(parts().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_writer_that_never_rests_is_stamped_by_the_queue_itself, one_queue) {
  start_link();
  demand(enough, 8);
  parts();
  replica.insert(1);
  flush();
  for (std::size_t i = 1; i < limits::stamp_tries_max; ++i)
    hears({role::observer}, messages::grown{});
  BOOST_TEST(parts().empty());
  BOOST_TEST(!replica.core.has_pending());
  BOOST_TEST(out.take<messages::grown>({role::batcher}).size() == 1U);
  BOOST_TEST(out.take<messages::data_changed>({role::host}).size() == 1U);
  BOOST_TEST((out.take_measured(messages::metric::rows_stamped) == std::vector<std::uint64_t>{1}));
  pass_ms(limits::stamp_window_ms);
  announce(); // The queue's own connection has begun a run.
  BOOST_TEST(parts().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_locked_database_is_tried_again_and_the_link_lives, one_queue) {
  start_link();
  demand(enough, 8);
  parts();
  replica.insert(1);
  replica.app.run("BEGIN IMMEDIATE");
  flush();
  for (std::size_t i = 1; i < limits::stamp_tries_max; ++i)
    hears({role::observer}, messages::grown{});
  BOOST_TEST(ends().empty());
  replica.app.run("COMMIT");
  pass_ms(limits::storage_retry_ms);
  pass_ms(limits::stamp_window_ms);
  announce();
  BOOST_TEST(ends().empty());
  BOOST_TEST(parts().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(tables_that_the_peer_has_not_heard_of_are_announced_first, one_queue) {
  start_link();
  demand(enough, 8);
  parts();
  replica.app.run("ALTER TABLE tasks ADD COLUMN note");
  replica.app.run("INSERT INTO tasks VALUES(1, 'x', 'y')");
  replica.core.stamp_pending();
  flush();
  BOOST_TEST(parts().empty());
  BOOST_TEST(out.take<messages::announce>({role::arbiter}).size() == 1U);
  flush();
  BOOST_TEST(out.take<messages::announce>({role::arbiter}).empty());
  announce();
  BOOST_TEST(parts().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_run_that_the_peer_has_not_heard_of_is_announced_first, one_queue) {
  start_link();
  demand(enough, 8);
  parts();
  auto other_process = replica.opener()();
  replica.insert(1);
  other_process.stamp_pending();
  flush();
  BOOST_TEST(parts().empty());
  BOOST_TEST(out.take<messages::announce>({role::arbiter}).size() == 1U);
  announce();
  BOOST_TEST(parts().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(what_the_peer_sent_itself_is_passed_over_late_and_empty, one_queue) {
  start_link(replica.stamped_insert(1));
  demand(enough, 8);
  parts();
  const auto applied = merge_from_peer();
  flush();
  BOOST_TEST(parts().empty());
  pass_ms(limits::advance_window_ms);
  const auto sent = parts();
  BOOST_REQUIRE(sent.size() == 1U);
  BOOST_TEST(!last_had_rows());
  BOOST_TEST(sent[0].header.to == replica.core.head());
  BOOST_TEST(sent[0].header.ack == applied);
}

BOOST_FIXTURE_TEST_CASE(control_messages_are_told_as_consumed_in_bulk, one_queue) {
  start_link();
  for (std::size_t i = 0; i < limits::control_items_told; ++i)
    demand(0, 0);
  const auto told = out.take<messages::consumed>(endpoint);
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].items == limits::control_items_told);
}

BOOST_FIXTURE_TEST_CASE(the_batcher_hears_of_each_flush_and_of_the_last_ack, one_queue) {
  start_link(replica.core.head());
  demand(enough, 8);
  out.take<messages::queue_state>({role::batcher});
  const auto head = replica.stamped_insert(1);
  flush();
  auto states = out.take<messages::queue_state>({role::batcher});
  BOOST_REQUIRE(states.size() == 1U);
  BOOST_TEST(states[0].answers_flush);
  BOOST_TEST(states[0].bundles_unacked == 1U);
  ack(head);
  states = out.take<messages::queue_state>({role::batcher});
  BOOST_REQUIRE(states.size() == 1U);
  BOOST_TEST(states[0].bundles_unacked == 0U);
  BOOST_TEST(!states[0].answers_flush);
}

BOOST_AUTO_TEST_SUITE_END()
