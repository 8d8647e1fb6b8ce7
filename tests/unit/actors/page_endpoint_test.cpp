// A page's endpoint without sockets, in time that stands still unless the test moves it.
#include <memory>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "actors/page_endpoint.hpp"
#include "messages/internal.hpp"
#include "tests/unit/actors/recording_outbox.hpp"
#include "tests/unit/actors/test_replica.hpp"

using namespace tandem;
using actors::role;
using bridge::page_right;
using tests::recording_outbox;
namespace page = messages::page;

namespace {

struct page_wire : bridge::connection {
  std::vector<bridge::shared_bytes> sent;
  std::size_t granted = 0;
  std::size_t unsent = 0;
  bool is_closed = false;

  bool send(bridge::shared_bytes bytes) override {
    sent.push_back(std::move(bytes));
    return true;
  }
  [[nodiscard]] std::size_t unsent_bytes() const override { return unsent; }
  void grant(std::size_t bytes) override { granted += bytes; }
  void close() override { is_closed = true; }
  [[nodiscard]] std::string peer_name() const override { return "page"; }
};

struct one_page {
  tests::test_folder folder;
  tests::test_replica replica{folder.file("app.db")};
  page_right right = page_right::full;
  int rings = 0;
  std::shared_ptr<page_wire> wire = std::make_shared<page_wire>();
  std::shared_ptr<actors::page_signals> signals = std::make_shared<actors::page_signals>();
  recording_outbox out{{role::endpoint, 1}};
  actors::page_endpoint endpoint{setup(), wire, signals, "shown"};

  one_page() { endpoint.start(out); }
  actors::page_setup setup() {
    actors::page_setup result;
    result.path = replica.path();
    result.is_durable = false;
    result.name = "desk";
    result.open = replica.opener();
    result.ring = [this] {
      ++rings;
    };
    result.rights_of = [this](const std::string& token) {
      return token == "shown" || token == "said" ? right : page_right::none;
    };
    result.now_ms = [] {
      return tests::test_begin_ms;
    };
    return result;
  }
  template <class T>
  void says(const T& message) {
    endpoint.receive(recording_outbox::from({role::endpoint, 1}, message), out);
  }
  void opens(const std::string& token = "") { says(page::open{1, 1, std::string(32, 'a'), token, "test"}); }
  void pass_ms(std::int64_t ms) {
    out.time_us += ms * actors::us_per_ms;
    endpoint.tick(out);
  }
  template <class T>
  std::vector<T> takes() {
    std::vector<T> result;
    std::erase_if(wire->sent, [&](const auto& each) {
      if (messages::tag_of(*each) != static_cast<std::uint64_t>(T::tag))
        return false;
      result.push_back(messages::decode<T>(*each));
      return true;
    });
    return result;
  }
  std::string failure_code() {
    const auto all = takes<page::failed>();
    return all.empty() ? "" : all.back().code;
  }
  void hears_of(const std::vector<std::string>& tables) {
    if (signals->note_change(tables, false))
      endpoint.receive(recording_outbox::from({role::host}, messages::wake{}), out);
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(page_endpoint)

BOOST_FIXTURE_TEST_CASE(a_page_is_greeted_and_let_read, one_page) {
  const auto before = wire->granted;
  opens();
  const auto hello = takes<page::opened>();
  BOOST_REQUIRE(hello.size() == 1U);
  BOOST_TEST(hello[0].site == replica.core.self().site.to_hex());
  BOOST_TEST(hello[0].name == "desk");
  BOOST_TEST(!hello[0].is_read_only);
  BOOST_TEST(wire->granted - before >= limits::page_window_bytes);
}

BOOST_FIXTURE_TEST_CASE(what_the_page_says_counts_more_than_what_its_transport_was_shown, one_page) {
  opens("wrong");
  BOOST_TEST(failure_code() == "denied");
  BOOST_TEST(wire->is_closed);
}

BOOST_FIXTURE_TEST_CASE(a_page_that_says_nothing_is_sent_away, one_page) {
  pass_ms(limits::page_open_ms_max);
  BOOST_TEST(failure_code() == "protocol");
  BOOST_TEST(wire->is_closed);
}

BOOST_FIXTURE_TEST_CASE(a_write_rings_the_observer, one_page) {
  opens();
  says(page::execute{1, 0, 0, "", {{"INSERT INTO tasks VALUES(1, 'a')", {}}}});
  BOOST_TEST(takes<page::done>().size() == 1U);
  BOOST_TEST(rings == 1);
  BOOST_TEST(replica.rows() == "1");
}

BOOST_FIXTURE_TEST_CASE(a_locked_database_is_waited_for_until_the_deadline, one_page) {
  opens();
  replica.app.run("BEGIN IMMEDIATE");
  says(page::execute{1, 100, 0, "", {{"INSERT INTO tasks VALUES(1, 'a')", {}}}});
  says(page::execute{2, 1'000, 0, "", {{"INSERT INTO tasks VALUES(2, 'b')", {}}}});
  pass_ms(100);
  BOOST_TEST(failure_code() == "deadline");
  replica.app.run("COMMIT");
  pass_ms(100);
  const auto answers = takes<page::done>();
  BOOST_REQUIRE(answers.size() == 1U);
  BOOST_TEST(answers[0].id == 2U);
}

BOOST_FIXTURE_TEST_CASE(nothing_overtakes_a_write_that_came_to_no_decision, one_page) {
  opens();
  replica.app.run("BEGIN IMMEDIATE");
  says(page::execute{1, 100, 0, "", {{"INSERT INTO tasks VALUES(1, 'a')", {}}}});
  says(page::execute{2, 1'000, 0, "", {{"INSERT INTO tasks VALUES(2, 'b')", {}}}, 1});
  says(page::execute{3, 1'000, 0, "", {{"INSERT INTO tasks VALUES(3, 'c')", {}}}, 2});
  says(page::execute{4, 1'000, 0, "", {{"INSERT INTO tasks VALUES(4, 'd')", {}}}});
  pass_ms(100);
  replica.app.run("COMMIT");
  pass_ms(100);
  const auto failures = takes<page::failed>();
  BOOST_REQUIRE(failures.size() == 3U);
  for (const auto& each : failures)
    BOOST_TEST(each.code == "deadline");
  BOOST_TEST(replica.app.ask("SELECT group_concat(id) FROM tasks") == "4");
  // A refusal is a decision, and so is what was answered before.
  says(page::execute{5, 0, 0, "", {{"INSERT INTO tasks VALUES(4, 'again')", {}}}});
  says(page::execute{6, 0, 0, "", {{"INSERT INTO tasks VALUES(6, 'e')", {}}}, 5});
  says(page::execute{7, 0, 0, "", {{"INSERT INTO tasks VALUES(7, 'f')", {}}}, 4});
  BOOST_TEST(failure_code() == "constraint");
  BOOST_TEST(replica.app.ask("SELECT group_concat(id) FROM tasks") == "4,6,7");
}

BOOST_FIXTURE_TEST_CASE(writes_that_waited_are_done_in_one_transaction, one_page) {
  opens();
  replica.app.run("CREATE TABLE commits(id INTEGER PRIMARY KEY)");
  replica.app.run("BEGIN IMMEDIATE");
  for (std::uint64_t id = 1; id <= 5; ++id)
    says(page::execute{id, 60'000, 0, "", {{"INSERT INTO tasks VALUES(" + std::to_string(id) + ", 'a')", {}}}});
  says(page::execute{6, 60'000, 0, "name", {{"INSERT INTO commits VALUES(1), (2)", {}}}});
  says(page::execute{7, 60'000, 0, "name", {{"INSERT INTO commits VALUES(1), (2)", {}}}}); // It is said twice.
  replica.app.run("COMMIT");
  pass_ms(100);
  const auto answers = takes<page::done>();
  BOOST_REQUIRE(answers.size() == 7U);
  for (std::size_t i = 0; i < answers.size(); ++i)
    BOOST_TEST(answers[i].id == i + 1);
  BOOST_TEST(answers[4].changes == 1U);
  BOOST_TEST(answers[4].last_rowid == 5);
  BOOST_TEST(answers[5].changes == 2U);
  BOOST_TEST(!answers[5].is_repeat);
  BOOST_TEST(answers[6].changes == 2U);
  BOOST_TEST(answers[6].is_repeat);
  BOOST_TEST(rings == 1);
  BOOST_TEST(replica.app.ask("SELECT group_concat(id) FROM tasks") == "1,2,3,4,5");
}

BOOST_FIXTURE_TEST_CASE(writes_that_come_at_once_are_gathered_and_a_query_behind_them_sees_them, one_page) {
  opens();
  out.more_waits = true;
  for (std::uint64_t id = 1; id <= 4; ++id)
    says(page::execute{id, 0, 0, "", {{"INSERT INTO tasks VALUES(" + std::to_string(id) + ", 'a')", {}}}});
  BOOST_TEST(takes<page::done>().empty());
  BOOST_TEST(out.due_us.has_value()); // Nothing depends on the message that waits.
  says(page::query{5, 0, 0, "SELECT count(*) FROM tasks", {}, 0, 0});
  BOOST_TEST(takes<page::done>().size() == 4U);
  BOOST_TEST(rings == 1);
  const auto rows = takes<page::rows>();
  BOOST_REQUIRE(rows.size() == 1U);
  BOOST_TEST(rows[0].values.at(0).integer == 4);
  pass_ms(limits::page_lock_rest_ms_max);
  says(page::execute{6, 0, 0, "", {{"INSERT INTO tasks VALUES(6, 'a')", {}}}});
  out.more_waits = false;
  says(page::cancel{7}); // What comes last need not be a write.
  BOOST_TEST(takes<page::done>().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(more_writes_than_may_wait_are_done_as_they_come, one_page) {
  opens();
  out.more_waits = true;
  const auto count = 3 * limits::page_writes_max;
  for (std::uint64_t id = 1; id <= count; ++id)
    says(page::execute{id, 0, 0, "", {{"INSERT INTO tasks VALUES(" + std::to_string(id) + ", 'a')", {}}}});
  out.more_waits = false;
  pass_ms(limits::page_lock_rest_ms_max);
  pass_ms(limits::page_lock_rest_ms_max);
  BOOST_TEST(takes<page::failed>().empty());
  BOOST_TEST(takes<page::done>().size() == count);
  BOOST_TEST(replica.rows() == std::to_string(count));
}

BOOST_FIXTURE_TEST_CASE(one_of_several_writes_that_fails_fails_alone, one_page) {
  opens();
  replica.app.run("CREATE TABLE parents(id INTEGER PRIMARY KEY)");
  replica.app.run(
      "CREATE TABLE children(id INTEGER PRIMARY KEY, of INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED)");
  const std::vector<std::string> wrong = {"INSERT INTO tasks VALUES(1, 'again')",
                                          "INSERT OR ROLLBACK INTO tasks VALUES(1, 'again')",
                                          "INSERT INTO children VALUES(1, 99)", "INSERT INTO nowhere VALUES(1)"};
  std::uint64_t id = 0;
  std::int64_t row = 0;
  for (const auto& sql : wrong) {
    replica.app.run("BEGIN IMMEDIATE");
    for (int number = 0; number < 4; ++number) {
      const auto statement = number == 2 ? sql : "INSERT INTO tasks VALUES(" + std::to_string(++row) + ", 'fine')";
      const auto before = id++;
      says(page::execute{id, 60'000, 0, "", {{statement, {}}}, before}); // In a chain: none overtakes.
    }
    replica.app.run("COMMIT");
    for (int tries = 0; tries < 10; ++tries)
      pass_ms(100);
    const auto failures = takes<page::failed>();
    BOOST_TEST_CONTEXT(sql) {
      BOOST_REQUIRE(failures.size() == 1U);
      BOOST_TEST(failures[0].id == id - 1);
      BOOST_TEST((failures[0].code == "constraint" || failures[0].code == "sql"), failures[0].code);
      BOOST_TEST(takes<page::done>().size() == 3U);
      BOOST_TEST(replica.app.ask("SELECT count(*) FROM tasks") == std::to_string(row));
      BOOST_TEST(replica.app.ask("SELECT count(*) FROM children") == "0");
    }
  }
}

BOOST_FIXTURE_TEST_CASE(others_get_the_lock_before_the_writes_that_still_wait, one_page) {
  opens();
  replica.app.run("BEGIN IMMEDIATE");
  for (std::uint64_t id = 1; id <= 3; ++id) {
    const auto table = id == 2 ? "nowhere" : "tasks";
    const auto sql = std::string{"INSERT INTO "} + table + " VALUES(" + std::to_string(id) + ", 'a')";
    says(page::execute{id, 60'000, 0, "", {{sql, {}}}});
  }
  replica.app.run("COMMIT");
  out.due_us.reset();
  pass_ms(100);
  BOOST_TEST(takes<page::done>().size() == 1U); // The second one ended what could be done together.
  BOOST_REQUIRE(out.due_us.has_value());
  BOOST_TEST(*out.due_us > out.time_us);
  replica.app.run("INSERT INTO tasks VALUES(4, 'by the app')");
  pass_ms(limits::page_lock_rest_ms_max);
  pass_ms(limits::page_lock_rest_ms_max);
  BOOST_TEST(failure_code() == "sql");
  BOOST_TEST(replica.app.ask("SELECT group_concat(id) FROM (SELECT id FROM tasks ORDER BY id)") == "1,3,4");
}

BOOST_FIXTURE_TEST_CASE(a_transaction_is_rolled_back_at_its_limit, one_page) {
  opens();
  says(page::begin{1, 0, 200});
  says(page::execute{2, 0, 1, "", {{"INSERT INTO tasks VALUES(1, 'a')", {}}}});
  says(page::execute{3, 0, 0, "", {{"INSERT INTO tasks VALUES(2, 'b')", {}}}});
  BOOST_TEST(takes<page::done>().size() == 2U);
  pass_ms(199);
  BOOST_TEST(replica.rows() == "0");
  pass_ms(1); // The write that waited for its end goes on at once.
  const auto answers = takes<page::done>();
  BOOST_REQUIRE(answers.size() == 1U);
  BOOST_TEST(answers[0].id == 3U);
  says(page::finish{4, 0, 1, true, ""});
  BOOST_TEST(failure_code() == "deadline"); // Begun anew it would take as long again.
  BOOST_TEST(replica.app.ask("SELECT group_concat(id) FROM tasks") == "2");
}

BOOST_FIXTURE_TEST_CASE(results_wait_for_room_and_no_more_is_read, one_page) {
  opens();
  wire->unsent = limits::page_unsent_bytes_max;
  const auto granted = wire->granted;
  says(page::query{1, 0, 0, "SELECT 1", {}, 0, 0});
  BOOST_TEST(takes<page::rows>().empty());
  BOOST_TEST(wire->granted == granted);
  BOOST_TEST(signals->wants_drained);
  wire->unsent = 0;
  endpoint.receive(recording_outbox::from({role::supervisor}, messages::drained{}), out);
  BOOST_TEST(takes<page::rows>().size() == 1U);
  BOOST_TEST(wire->granted > granted);
}

BOOST_FIXTURE_TEST_CASE(a_query_that_the_page_does_not_fetch_ends, one_page) {
  opens();
  for (int id = 1; id <= 5; ++id)
    replica.insert(id);
  says(page::query{1, 1'000, 0, "SELECT id FROM tasks", {}, 2, 1});
  BOOST_TEST(takes<page::rows>().size() == 1U);
  pass_ms(1'000);
  BOOST_TEST(failure_code() == "deadline");
  says(page::more{1, 5});
  BOOST_TEST(takes<page::rows>().empty());
}

BOOST_FIXTURE_TEST_CASE(a_live_query_hears_of_its_own_tables_only, one_page) {
  opens();
  says(page::watch{1, 0, "SELECT id FROM tasks", {}, {"id"}});
  BOOST_TEST(takes<page::live>().at(0).is_whole);
  says(page::taken{1, 1});
  replica.insert(1);
  hears_of({"others"});
  pass_ms(100);
  BOOST_TEST(takes<page::live>().empty());
  hears_of({"tasks"});
  pass_ms(100);
  const auto told = takes<page::live>();
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].total == 1U);
  replica.insert(2);
  hears_of({}); // Any table, but the page has not taken the last one.
  pass_ms(100);
  BOOST_TEST(takes<page::live>().empty());
  says(page::taken{1, 2});
  BOOST_TEST(takes<page::live>().size() == 1U);
  says(page::cancel{1});
  BOOST_TEST(failure_code() == "cancelled");
}

BOOST_FIXTURE_TEST_CASE(a_live_query_without_room_asks_for_no_time_until_there_is_some, one_page) {
  opens();
  says(page::watch{1, 0, "SELECT id FROM tasks", {}, {"id"}});
  says(page::taken{1, 1});
  takes<page::live>();
  wire->unsent = limits::page_unsent_bytes_max;
  out.due_us.reset();
  replica.insert(1);
  hears_of({"tasks"});
  pass_ms(100);
  BOOST_TEST(takes<page::live>().empty());
  BOOST_TEST(!out.due_us.has_value()); // At once would be again and again, for as long as the page does not read.
  BOOST_TEST(signals->wants_drained);
  wire->unsent = 0;
  endpoint.receive(recording_outbox::from({role::supervisor}, messages::drained{}), out);
  BOOST_TEST(takes<page::live>().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_cancel_holds_while_a_statement_runs, one_page) {
  opens();
  signals->cancel(1); // As the transport does, past the mailbox.
  says(page::query{
      1, 0, 0, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT count(*) FROM n", {}, 0, 0});
  BOOST_TEST(failure_code() == "cancelled");
}

BOOST_FIXTURE_TEST_CASE(a_page_that_may_only_read_can_not_write, one_page) {
  right = page_right::read_only;
  opens();
  BOOST_TEST(takes<page::opened>().at(0).is_read_only);
  says(page::execute{1, 0, 0, "", {{"INSERT INTO tasks VALUES(1, 'a')", {}}}});
  BOOST_TEST(failure_code() == "denied");
  says(page::query{2, 0, 0, "SELECT 1", {}, 0, 0});
  BOOST_TEST(takes<page::rows>().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_node_that_stops_rolls_back_and_says_so, one_page) {
  opens();
  says(page::begin{1, 0, 0});
  says(page::execute{2, 0, 1, "", {{"INSERT INTO tasks VALUES(1, 'a')", {}}}});
  endpoint.stop(out);
  BOOST_TEST(failure_code() == "network");
  BOOST_TEST(wire->is_closed);
  replica.insert(2);
  BOOST_TEST(replica.rows() == "1");
}

BOOST_FIXTURE_TEST_CASE(a_page_that_asks_for_too_much_at_once_may_ask_again, one_page) {
  opens();
  replica.app.run("BEGIN IMMEDIATE");
  std::uint64_t id = 0;
  while (id < limits::page_writes_max) {
    ++id;
    says(page::execute{id, 100, 0, "", {{"INSERT INTO tasks VALUES(" + std::to_string(id) + ", 'a')", {}}}});
  }
  const auto refused = id + 1;
  says(page::execute{refused, 0, 0, "", {{"INSERT INTO tasks VALUES(1000, 'b')", {}}}});
  BOOST_TEST(failure_code() == "busy");
  pass_ms(100);
  replica.app.run("COMMIT");
  takes<page::failed>();
  // No decision: what was to follow it must not go first.
  says(page::execute{refused + 1, 0, 0, "", {{"INSERT INTO tasks VALUES(1001, 'c')", {}}}, refused});
  BOOST_TEST(failure_code() == "busy");
  BOOST_TEST(replica.rows() == "0");
  id = refused + 1;
  for (std::size_t i = 0; i <= limits::page_queries_max; ++i)
    says(page::query{++id, 0, 0, "SELECT 1 UNION ALL SELECT 2", {}, 1, 1});
  BOOST_TEST(failure_code() == "busy");
}

BOOST_FIXTURE_TEST_CASE(a_transaction_whose_begin_is_cancelled_too_late_is_rolled_back, one_page) {
  opens();
  says(page::begin{1, 0, 0});
  BOOST_TEST(takes<page::done>().size() == 1U);
  says(page::execute{2, 0, 0, "", {{"INSERT INTO tasks VALUES(1, 'a')", {}}}});
  BOOST_TEST(takes<page::done>().empty()); // It waits for the end of the transaction.
  signals->cancel(1);
  says(page::cancel{1});
  BOOST_TEST(takes<page::done>().size() == 1U);
  BOOST_TEST(failure_code().empty()); // The begin was answered already.
  says(page::finish{3, 0, 1, true, ""});
  BOOST_TEST(failure_code() == "transaction_lost");
  BOOST_TEST(replica.rows() == "1");
}

BOOST_FIXTURE_TEST_CASE(parts_of_a_result_say_that_more_follows, one_page) {
  opens();
  const std::string half_a_message(limits::page_live_bytes_target / 2 + 1, 'x');
  for (const auto id : {1, 2, 3})
    replica.insert(id, half_a_message);
  says(page::watch{1, 0, "SELECT id, title FROM tasks", {}, {"id"}});
  const auto next = [this] {
    pass_ms(1'000);
    const auto told = takes<page::live>();
    BOOST_REQUIRE(told.size() == 1U);
    return told[0];
  };
  auto part = next();
  BOOST_TEST(part.total == 1U);
  BOOST_TEST(part.more_follows);
  says(page::taken{1, 1});
  part = next();
  BOOST_TEST(part.total == 2U);
  BOOST_TEST(part.more_follows);
  replica.app.run("DELETE FROM tasks WHERE id = 3"); // So that there is nothing more to say, but that.
  says(page::taken{1, 2});
  part = next();
  BOOST_TEST(part.inserted.empty());
  BOOST_TEST(part.total == 2U);
  BOOST_TEST(!part.more_follows);
}

BOOST_FIXTURE_TEST_CASE(news_that_woke_nobody_before_the_page_was_open_keep_none_away, one_page) {
  BOOST_REQUIRE(signals->note_change({"tasks"}, false)); // Its wake-up was lost: the actor could not be reached yet.
  opens();
  says(page::watch{1, 0, "SELECT id FROM tasks", {}, {}});
  BOOST_REQUIRE(takes<page::live>().size() == 1U);
  says(page::taken{1, 1});
  replica.insert(1);
  hears_of({"tasks"});
  pass_ms(1'000);
  BOOST_TEST(takes<page::live>().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(who_observes_all_tables_hears_of_those_that_do_not_sync, one_page) {
  replica.app.run("CREATE TABLE plain(x)");
  opens();
  says(page::observe{1, {}});
  replica.app.run("INSERT INTO plain VALUES(1)");
  BOOST_REQUIRE(signals->note_commit());
  endpoint.receive(recording_outbox::from({role::host}, messages::wake{}), out);
  const auto told = takes<page::changed>();
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].tables.empty());
}

BOOST_AUTO_TEST_SUITE_END()
