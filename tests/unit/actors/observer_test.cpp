#include <memory>

#include <boost/test/unit_test.hpp>

#include "actors/observer.hpp"
#include "messages/internal.hpp"
#include "messages/limits.hpp"
#include "tests/unit/actors/recording_outbox.hpp"
#include "tests/unit/actors/test_replica.hpp"

using namespace tandem;
using actors::address;
using actors::role;
using tests::recording_outbox;

namespace {

struct one_observer {
  tests::test_folder folder;
  tests::test_replica replica{folder.file("app.db")};
  recording_outbox out{{role::observer}};
  std::shared_ptr<actors::doorbell> bell = std::make_shared<actors::doorbell>();
  actors::observer observer{replica.opener(), bell, true};

  one_observer() { observer.start(out); }
  void wake(bool must_answer = false, address who = {role::host}) {
    observer.receive(recording_outbox::from(who, messages::wake{must_answer}), out);
  }
  std::vector<messages::grown> grown(address to = {role::batcher}) { return out.take<messages::grown>(to); }
  void pass_us(std::int64_t us) {
    out.time_us += us;
    if (out.due_us && *out.due_us <= out.time_us) {
      out.due_us.reset();
      observer.tick(out);
    }
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(observer)

BOOST_FIXTURE_TEST_CASE(what_was_written_before_it_started_is_taken_up, one_observer) {
  replica.insert(1);
  actors::observer late{replica.opener(), bell, true};
  late.start(out);
  BOOST_TEST(grown().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_commit_is_stamped_at_once_and_told, one_observer) {
  const auto head = replica.core.head();
  replica.insert(1);
  BOOST_TEST(bell->ring());
  wake();
  const auto told = grown();
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].head == head + 1);
  BOOST_TEST(told[0].rows == 1U);
  const auto changed = out.take<messages::data_changed>({role::host});
  BOOST_REQUIRE(changed.size() == 1U);
  BOOST_TEST(!changed[0].is_remote);
  BOOST_TEST(changed[0].tables == std::vector<std::string>{"tasks"}, boost::test_tools::per_element());
  BOOST_TEST(bell->ring()); // It was answered, so that the next commit rings again.
}

BOOST_FIXTURE_TEST_CASE(nothing_written_is_nothing_told, one_observer) {
  wake();
  BOOST_TEST(grown().empty());
}

BOOST_FIXTURE_TEST_CASE(a_second_commit_waits_for_the_rest_of_the_window, one_observer) {
  replica.insert(1);
  wake();
  BOOST_TEST(grown().size() == 1U);
  replica.insert(2);
  wake();
  BOOST_TEST(grown().empty());
  BOOST_REQUIRE(out.due_us.has_value());
  pass_us(limits::stamp_window_ms_max * actors::us_per_ms);
  BOOST_TEST(grown().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_commit_that_counts_just_after_its_wake_up_is_found_by_an_echo, one_observer) {
  wake();
  replica.insert(1);
  BOOST_TEST(grown().empty());
  pass_us(limits::echo_waits_us[0]);
  BOOST_TEST(grown().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_wake_up_that_was_missed_costs_one_poll, one_observer) {
  replica.insert(1);
  pass_us(limits::safety_poll_ms * actors::us_per_ms);
  const auto told = grown();
  BOOST_REQUIRE(!told.empty());
  BOOST_TEST(told[0].rows == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_queue_that_asks_gets_an_answer_in_any_case, one_observer) {
  wake(true, {role::queue, 3});
  const auto answer = grown({role::queue, 3});
  BOOST_REQUIRE(answer.size() == 1U);
  BOOST_TEST(answer[0].head == replica.core.head());
}

BOOST_FIXTURE_TEST_CASE(a_log_that_another_process_stamped_is_told_once, one_observer) {
  const auto head = replica.stamped_insert(1);
  pass_us(limits::safety_poll_ms * actors::us_per_ms);
  const auto told = grown();
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].head == head);
  BOOST_TEST(told[0].rows == 0U);
  pass_us(limits::safety_poll_ms * actors::us_per_ms);
  BOOST_TEST(grown().empty());
}

BOOST_FIXTURE_TEST_CASE(a_changed_table_is_told_to_the_arbiter_once, one_observer) {
  replica.app.run("ALTER TABLE tasks ADD COLUMN note");
  replica.app.run("INSERT INTO tasks VALUES(1, 'x', 'y')");
  wake();
  const auto told = out.take<messages::tables_changed>({role::arbiter});
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].schema_version == replica.core.schema_version());
  pass_us(limits::safety_poll_ms * actors::us_per_ms);
  BOOST_TEST(out.take<messages::tables_changed>({role::arbiter}).empty());
}

BOOST_FIXTURE_TEST_CASE(a_locked_database_is_tried_again_soon, one_observer) {
  replica.insert(1);
  replica.app.run("BEGIN IMMEDIATE");
  wake();
  BOOST_TEST(grown().empty());
  pass_us(limits::storage_retry_ms * actors::us_per_ms);
  BOOST_TEST(grown().empty());
  replica.app.run("COMMIT");
  pass_us(limits::storage_retry_ms * actors::us_per_ms);
  BOOST_TEST(grown().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(other_messages_are_passed_over, one_observer) {
  replica.insert(1);
  observer.receive(recording_outbox::from({role::host}, messages::flush{7}), out);
  BOOST_TEST(grown().empty());
}

BOOST_AUTO_TEST_SUITE_END()
