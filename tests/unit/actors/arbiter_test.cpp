#include <boost/test/unit_test.hpp>

#include "actors/arbiter.hpp"
#include "messages/catalogue.hpp"
#include "messages/internal.hpp"
#include "messages/limits.hpp"
#include "tests/unit/actors/recording_outbox.hpp"
#include "tests/unit/actors/test_replica.hpp"

using namespace tandem;
using actors::address;
using actors::role;
using messages::failure_code;
using tests::recording_outbox;

namespace {

struct one_arbiter {
  tests::test_folder folder;
  tests::test_replica replica{folder.file("app.db")};
  tests::test_replica peer{folder.file("peer.db")};
  std::shared_ptr<actors::device_clock> clock = std::make_shared<actors::device_clock>(
      [this] { return replica.now_ms; }, [this] { return replica.now_ms * 1'000; });
  int identities = 0;
  recording_outbox out{{role::arbiter}};
  actors::arbiter arbiter{options()};

  one_arbiter() { arbiter.start(out); }
  actors::arbiter_options options() {
    actors::arbiter_options result;
    result.open = replica.opener();
    result.name = "node";
    result.program = "test";
    result.instance = 1;
    result.clock = clock;
    result.on_new_identity = [this] {
      ++identities;
    };
    return result;
  }

  static address endpoint(std::uint64_t link) { return {role::endpoint, link}; }
  static address queue(std::uint64_t link) { return {role::queue, link}; }
  template <class T>
  void hears(address from, const T& message) {
    arbiter.receive(recording_outbox::from(from, message), out);
  }
  template <class T>
  std::vector<T> said(address to) {
    return out.take<T>(to);
  }
  void open(std::uint64_t link = 1, std::uint64_t dialer = 0) {
    hears(endpoint(link), messages::open_link{dialer, "127.0.0.1:1"});
  }
  /// A link on which both sides have said who they are.
  void link_with_peer(std::uint64_t link = 1) {
    open(link);
    hears(endpoint(link), peer.hello());
    const auto answer = said<messages::resume>(endpoint(link));
    BOOST_REQUIRE(answer.size() == 1U);
    hears(endpoint(link), messages::resume{1, 0, 0});
    out.all.clear();
  }
  /// A link that this side has called for.
  void dial_peer() {
    open(1, 1);
    hears(endpoint(1), peer.hello());
    hears(endpoint(1), messages::resume{1, 0, 0});
    out.all.clear();
  }
  messages::end_link only_end(std::uint64_t link = 1) {
    const auto ended = said<messages::end_link>(endpoint(link));
    BOOST_REQUIRE(ended.size() == 1U);
    return ended.front();
  }
  std::string noted_trouble() {
    const auto found = replica.core.peer(peer.core.self().site);
    return found ? found->trouble : "no such peer";
  }
};

messages::link_closed closed(std::uint64_t link) {
  messages::link_closed result;
  result.link = link;
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(arbiter)

BOOST_FIXTURE_TEST_CASE(a_new_link_hears_who_this_is_and_what_is_tracked, one_arbiter) {
  const auto head = replica.stamped_insert(1);
  replica.insert(2); // stamped for the hello: it belongs to what the peer has to know of
  open();
  const auto hellos = said<messages::hello>(endpoint(1));
  BOOST_REQUIRE(hellos.size() == 1U);
  BOOST_TEST(hellos[0].head == head + 1);
  BOOST_TEST(hellos[0].tables.tables.size() == 4U); // tasks, policies, counts and the audit trail
  BOOST_TEST((hellos[0].site == replica.core.self().site));
  BOOST_TEST(said<messages::announced>(queue(1)).size() == 1U);
  // Whoever wants to know what the app writes hears of it as if the observer had been first.
  BOOST_TEST(said<messages::grown>({role::batcher}).size() == 1U);
  const auto changed = said<messages::data_changed>({role::host});
  BOOST_REQUIRE(changed.size() == 1U);
  BOOST_TEST(
      (!changed[0].is_remote && changed[0].rows == 1U && changed[0].tables == std::vector<std::string>{"tasks"}));
  BOOST_TEST((out.take_measured(messages::metric::rows_stamped) == std::vector<std::uint64_t>{1}));
}

BOOST_FIXTURE_TEST_CASE(hello_and_resume_start_a_link, one_arbiter) {
  open();
  hears(endpoint(1), peer.hello());
  BOOST_TEST(said<messages::start_link>(queue(1)).empty());
  hears(endpoint(1), messages::resume{1, 0, 0});
  const auto orders = said<messages::start_link>(queue(1));
  BOOST_REQUIRE(orders.size() == 1U);
  BOOST_TEST(orders[0].start == 0U);
  BOOST_TEST(said<messages::link_ready>(endpoint(1)).size() == 1U);
  const auto news = said<messages::link_phase>({role::host});
  BOOST_REQUIRE(news.size() == 1U);
  BOOST_TEST((news[0].now == messages::link_phase::phase::linked));
}

BOOST_FIXTURE_TEST_CASE(a_bundle_is_merged_acknowledged_and_told, one_arbiter) {
  link_with_peer();
  peer.insert(7, "seven");
  const auto part = peer.bundle_for(replica.core.self().site);
  hears(endpoint(1), part);
  BOOST_TEST(replica.app.ask("SELECT title FROM tasks WHERE id = 7") == "seven");
  const auto acks = said<messages::ack>(endpoint(1));
  BOOST_REQUIRE(acks.size() == 1U);
  BOOST_TEST(acks[0].pos == part.header.to);
  const auto grown = said<messages::grown>({role::batcher});
  BOOST_REQUIRE(grown.size() == 1U);
  BOOST_TEST(grown[0].via_link == 1U); // nothing of it needs to go back there
  const auto changed = said<messages::data_changed>({role::host});
  BOOST_REQUIRE(changed.size() == 1U);
  BOOST_TEST(changed[0].is_remote);
  BOOST_TEST(said<messages::consumed>(endpoint(1)).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(the_way_of_what_came_does_not_go_back_with_what_was_written_here, one_arbiter) {
  link_with_peer();
  peer.insert(7);
  auto part = peer.bundle_for(replica.core.self().site);
  part.trail = {1, 2, 3, 4, 5};
  replica.insert(8); // stamped by the merge
  hears(endpoint(1), part);
  const auto grown = said<messages::grown>({role::batcher});
  BOOST_REQUIRE(grown.size() == 2U);
  BOOST_TEST(grown[0].via_link == 1U);
  BOOST_TEST(grown[0].way.trail_us.size() == 6U);
  BOOST_TEST(grown[1].via_link == 0U);
  BOOST_TEST(grown[1].way.trail_us.empty());
  BOOST_TEST(grown[0].rows + grown[1].rows == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_bundle_that_comes_again_is_acknowledged_and_changes_nothing, one_arbiter) {
  link_with_peer();
  peer.insert(7);
  const auto part = peer.bundle_for(replica.core.self().site);
  hears(endpoint(1), part);
  out.all.clear();
  replica.app.run("UPDATE tasks SET title = 'newer' WHERE id = 7");
  hears(endpoint(1), part);
  const auto acks = said<messages::ack>(endpoint(1));
  BOOST_REQUIRE(acks.size() == 1U);
  BOOST_TEST(acks[0].pos == part.header.to);
  BOOST_TEST(said<messages::data_changed>({role::host}).empty());
  BOOST_TEST(replica.app.ask("SELECT title FROM tasks WHERE id = 7") == "newer");
}

BOOST_FIXTURE_TEST_CASE(a_bundle_in_parts_is_merged_with_its_last_one, one_arbiter) {
  link_with_peer();
  peer.insert(7);
  auto part = peer.bundle_for(replica.core.self().site);
  part.is_last = false;
  hears(endpoint(1), part);
  BOOST_TEST(replica.rows() == "0");
  messages::bundle_part last;
  last.number = 1;
  last.index = 1;
  last.is_last = true;
  hears(endpoint(1), last);
  BOOST_TEST(replica.rows() == "1");
  BOOST_TEST(said<messages::consumed>(endpoint(1)).size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_part_out_of_order_ends_the_link_with_nothing_applied, one_arbiter) {
  link_with_peer();
  peer.insert(7);
  auto part = peer.bundle_for(replica.core.self().site);
  part.index = 1;
  hears(endpoint(1), part);
  BOOST_TEST((only_end().code == failure_code::protocol));
  BOOST_TEST(replica.rows() == "0");
}

BOOST_FIXTURE_TEST_CASE(a_bundle_ahead_of_the_handshake_ends_the_link, one_arbiter) {
  open();
  peer.insert(7);
  hears(endpoint(1), peer.bundle_for(replica.core.self().site));
  BOOST_TEST((only_end().code == failure_code::protocol));
  BOOST_TEST(replica.rows() == "0");
}

BOOST_FIXTURE_TEST_CASE(a_bundle_that_builds_on_what_never_came_ends_the_link, one_arbiter) {
  link_with_peer();
  const auto head = peer.stamped_insert(1);
  peer.insert(2);
  hears(endpoint(1), peer.bundle_for(replica.core.self().site, head));
  BOOST_TEST((only_end().code == failure_code::protocol));
  BOOST_TEST(replica.rows() == "0");
}

BOOST_FIXTURE_TEST_CASE(bytes_that_are_no_rows_end_the_link, one_arbiter) {
  link_with_peer();
  peer.insert(1);
  auto part = peer.bundle_for(replica.core.self().site);
  part.block = "no rows";
  hears(endpoint(1), part);
  BOOST_TEST((only_end().code == failure_code::protocol));
  hears(endpoint(1), peer.bundle_for(replica.core.self().site)); // what still comes after that is dropped
  BOOST_TEST(replica.rows() == "0");
  BOOST_TEST(said<messages::consumed>(endpoint(1)).size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_locked_database_ends_the_link_but_not_the_arbiter, one_arbiter) {
  link_with_peer(1);
  peer.insert(1);
  const auto part = peer.bundle_for(replica.core.self().site);
  replica.app.run("BEGIN IMMEDIATE");
  hears(endpoint(1), part);
  const auto ended = only_end();
  BOOST_TEST((ended.code == failure_code::busy));
  BOOST_TEST(!ended.is_refusal); // it is tried again soon
  replica.app.run("COMMIT");
  hears({role::supervisor}, closed(1));
  link_with_peer(2);
  hears(endpoint(2), part);
  BOOST_TEST(replica.rows() == "1");
}

BOOST_FIXTURE_TEST_CASE(changed_tables_are_told_to_all_links_once, one_arbiter) {
  link_with_peer(1);
  replica.app.run("ALTER TABLE tasks ADD COLUMN note");
  replica.app.run("INSERT INTO tasks VALUES(1, 'x', 'y')");
  replica.core.stamp_pending();
  hears({role::observer}, messages::tables_changed{replica.core.schema_version()});
  hears({role::observer}, messages::tables_changed{replica.core.schema_version()});
  const auto hellos = said<messages::hello>(endpoint(1));
  BOOST_REQUIRE(hellos.size() == 1U);
  BOOST_TEST(hellos[0].tables.version == replica.core.schema_version());
}

BOOST_FIXTURE_TEST_CASE(a_queue_that_asks_for_an_announcement_gets_one, one_arbiter) {
  link_with_peer();
  hears(queue(1), messages::announce{});
  BOOST_TEST(said<messages::hello>(endpoint(1)).size() == 1U);
  BOOST_TEST(said<messages::announced>(queue(1)).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_device_whose_clock_is_off_stamps_with_its_hubs, one_arbiter) {
  open(1, 1);
  peer.now_ms = replica.now_ms - 3'600'000;
  hears(endpoint(1), peer.hello());
  BOOST_TEST(clock->correction_ms() == -3'600'000);
  hears(endpoint(1), messages::resume{1, 0, 0});
  BOOST_TEST(noted_trouble().find("3600 s ahead of") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_hub_does_not_listen_to_a_devices_clock, one_arbiter) {
  open(1, 0);
  peer.now_ms = replica.now_ms - 3'600'000;
  hears(endpoint(1), peer.hello());
  BOOST_TEST(clock->correction_ms() == 0);
}

BOOST_FIXTURE_TEST_CASE(a_clock_within_the_limit_is_left_alone, one_arbiter) {
  open(1, 1);
  peer.now_ms = replica.now_ms + limits::clock_offset_ms_max;
  hears(endpoint(1), peer.hello());
  BOOST_TEST(clock->correction_ms() == 0);
}

BOOST_FIXTURE_TEST_CASE(a_write_from_the_future_ends_the_link_and_is_noted, one_arbiter) {
  link_with_peer();
  peer.now_ms += limits::hlc_future_ms_max + 1'000;
  peer.insert(1);
  hears(endpoint(1), peer.bundle_for(replica.core.self().site));
  BOOST_TEST((only_end().code == failure_code::clock));
  BOOST_TEST(replica.rows() == "0");
  BOOST_TEST(noted_trouble().find("future") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(of_two_equal_files_the_calling_one_becomes_another, one_arbiter) {
  const auto before = replica.core.self();
  open(1, 1);
  auto twin = peer.hello();
  twin.site = before.site;
  hears(endpoint(1), twin);
  BOOST_TEST(identities == 1);
  BOOST_TEST((replica.core.self().site != before.site));
  BOOST_TEST(said<messages::close_all_links>({role::supervisor}).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(and_the_called_one_stays_who_it_is, one_arbiter) {
  const auto before = replica.core.self();
  open(1, 0);
  auto twin = peer.hello();
  twin.site = before.site;
  hears(endpoint(1), twin);
  BOOST_TEST(identities == 0);
  BOOST_TEST((replica.core.self().site == before.site));
  only_end();
}

BOOST_FIXTURE_TEST_CASE(a_node_that_calls_itself_says_so, one_arbiter) {
  open(1, 1);
  auto own = replica.hello();
  own.instance = 1;
  hears(endpoint(1), own);
  BOOST_TEST((only_end().code == failure_code::usage));
  BOOST_TEST(identities == 0);
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_knows_more_of_this_log_than_there_is_makes_it_another, one_arbiter) {
  const auto before = replica.core.self();
  open();
  hears(endpoint(1), peer.hello());
  hears(endpoint(1), messages::resume{1, before.epoch, replica.core.head() + 1});
  BOOST_TEST(identities == 1);
  BOOST_TEST((replica.core.self().epoch != before.epoch));
  BOOST_TEST(said<messages::start_link>(queue(1)).empty());
}

BOOST_FIXTURE_TEST_CASE(a_peer_may_not_become_another_one_within_a_link, one_arbiter) {
  link_with_peer();
  auto other = peer.hello();
  other.epoch += 1;
  hears(endpoint(1), other);
  BOOST_TEST((only_end().code == failure_code::protocol));
}

BOOST_FIXTURE_TEST_CASE(another_protocol_version_is_refused_with_both_ranges, one_arbiter) {
  open();
  auto hello = peer.hello();
  hello.protocol_min = hello.protocol_max = 99;
  hears(endpoint(1), hello);
  const auto ended = only_end();
  BOOST_TEST(ended.is_refusal);
  BOOST_TEST(ended.text.find("99") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(frames_of_links_that_are_gone_are_dropped, one_arbiter) {
  link_with_peer();
  hears({role::supervisor}, closed(1));
  peer.insert(1);
  hears(endpoint(1), peer.bundle_for(replica.core.self().site));
  BOOST_TEST(replica.rows() == "0");
  BOOST_TEST(said<messages::ack>(endpoint(1)).empty());
}

BOOST_FIXTURE_TEST_CASE(a_comparison_without_a_link_is_answered, one_arbiter) {
  link_with_peer(); // that called us: it asks, not we
  hears({role::host}, messages::compare_now{3});
  const auto done = said<messages::compare_done>({role::host});
  BOOST_REQUIRE(done.size() == 1U);
  BOOST_TEST(done[0].request == 3U);
  BOOST_TEST(!done[0].is_done);
}

BOOST_FIXTURE_TEST_CASE(a_comparison_goes_table_by_table_and_is_noted, one_arbiter) {
  dial_peer();
  hears({role::host}, messages::compare_now{3});
  for (std::uint64_t number = 1; number <= 4; ++number) { // tasks, policies, counts and the audit trail
    const auto asked = said<messages::compare>(endpoint(1));
    BOOST_REQUIRE(asked.size() == 1U);
    BOOST_TEST(asked[0].number == number);
    hears(endpoint(1), messages::compared{number, messages::comparison::equal, "", {}});
  }
  const auto done = said<messages::compare_done>({role::host});
  BOOST_REQUIRE(done.size() == 1U);
  BOOST_TEST(done[0].is_done);
  BOOST_TEST(replica.core.status().compared_text.find("equal") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_comparison_at_the_wrong_moment_is_asked_for_again_and_given_up_in_the_end, one_arbiter) {
  dial_peer();
  hears({role::host}, messages::compare_now{3});
  for (std::size_t i = 1; i <= limits::compare_tries_max; ++i) {
    const auto asked = said<messages::compare>(endpoint(1));
    BOOST_REQUIRE(asked.size() == 1U);
    hears(endpoint(1), messages::compared{asked[0].number, messages::comparison::later, "", {}});
    BOOST_TEST(said<messages::compare>(endpoint(1)).empty());
    out.time_us += limits::compare_retry_ms * actors::us_per_ms;
    arbiter.tick(out);
  }
  const auto done = said<messages::compare_done>({role::host});
  BOOST_REQUIRE(done.size() == 1U);
  BOOST_TEST(!done[0].is_done);
}

BOOST_FIXTURE_TEST_CASE(a_link_that_breaks_ends_its_comparison, one_arbiter) {
  dial_peer();
  hears({role::host}, messages::compare_now{3});
  hears({role::supervisor}, closed(1));
  const auto done = said<messages::compare_done>({role::host});
  BOOST_REQUIRE(done.size() == 1U);
  BOOST_TEST(!done[0].is_done);
}

BOOST_FIXTURE_TEST_CASE(a_called_side_answers_comparisons, one_arbiter) {
  link_with_peer();
  messages::compare question{1, peer.core.head(), replica.core.head(), peer.core.ranges("tasks")};
  hears(endpoint(1), question);
  auto answers = said<messages::compared>(endpoint(1));
  BOOST_REQUIRE(answers.size() == 1U);
  BOOST_TEST((answers[0].how == messages::comparison::equal));
  question.ranges.table = "nothing";
  hears(endpoint(1), question);
  answers = said<messages::compared>(endpoint(1));
  BOOST_REQUIRE(answers.size() == 1U);
  BOOST_TEST((answers[0].how == messages::comparison::never));
}

BOOST_FIXTURE_TEST_CASE(who_awaits_a_snapshot_sends_nothing_before_it, one_arbiter) {
  peer.stamped_insert(1);
  peer.core.compact(100);
  open(1, 1);
  hears(endpoint(1), peer.hello());
  hears(endpoint(1), messages::resume{1, 0, 0});
  BOOST_TEST(said<messages::start_link>(queue(1)).empty());
  hears(endpoint(1), peer.bundle_for(replica.core.self().site));
  BOOST_TEST(replica.rows() == "1");
  BOOST_TEST(said<messages::start_link>(queue(1)).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_choice_for_a_conflict_that_is_not_there_is_answered, one_arbiter) {
  hears({role::host}, messages::choice{5, "nothing", 0, ""});
  const auto done = said<messages::choice_done>({role::host});
  BOOST_REQUIRE(done.size() == 1U);
  BOOST_TEST(done[0].request == 5U);
  BOOST_TEST(!done[0].is_done);
  BOOST_TEST((done[0].code == failure_code::not_found));
}

BOOST_FIXTURE_TEST_CASE(a_choice_is_carried_out_and_grows_the_log, one_arbiter) {
  link_with_peer();
  peer.insert(1, "theirs");
  replica.insert(1, "ours");
  hears(endpoint(1), peer.bundle_for(replica.core.self().site));
  const auto conflicts = replica.core.conflicts();
  BOOST_REQUIRE(conflicts.size() == 1U);
  const auto stood = replica.app.ask("SELECT title FROM tasks");
  out.all.clear();
  hears({role::host}, messages::choice{6, conflicts[0].id, 1, ""});
  const auto done = said<messages::choice_done>({role::host});
  BOOST_REQUIRE(done.size() == 1U);
  BOOST_TEST(done[0].is_done, done[0].text);
  BOOST_TEST(replica.app.ask("SELECT title FROM tasks") == (stood == "ours" ? "theirs" : "ours"));
  BOOST_TEST(said<messages::grown>({role::batcher}).size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
