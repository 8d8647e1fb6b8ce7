// The policy `text`: edits of different lines and words must all survive, whatever the order of delivery.
#include <algorithm>
#include <array>
#include <set>

#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "messages/limits.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::storage::policy;
using tandem::storage::resolution;

namespace {

const std::vector<std::string> notes_sql{"CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT, title VARCHAR(20), n)"};
const std::vector<std::string> notes{"notes"};
const std::vector<policy> merged_bodies{{"notes", "body", "text"}};

std::string set_body(const std::string& text) {
  return "UPDATE notes SET body = '" + text + "'";
}

struct two_writers : two_replicas {
  explicit two_writers(const std::vector<policy>& policies = merged_bodies,
                       const std::string& body = "one two\nthree\n")
      : two_replicas{notes_sql, notes} {
    core_a().track(notes, policies);
    a("INSERT INTO notes VALUES (1, '" + body + "', 'a title', 7)");
    level();
  }
  std::string body() {
    const auto shown = text("SELECT replace(body, char(10), '|') FROM notes");
    return shown.size() < 4 ? shown : shown.substr(2, shown.size() - 4);
  }
  std::string rules() {
    std::string result;
    for (const auto& each : conflicts())
      result += (result.empty() ? "" : ", ") + each.rule;
    return result;
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(edits_of_different_lines_and_words_both_stay) {
  two_writers both;
  both.a(set_body("ONE two\nthree\n"));
  both.b(set_body("one two\nthree\nfour\n"));
  both.level();
  BOOST_TEST(both.body() == "ONE two|three|four|");
  both.a(set_body("ONE and two\nthree\nfour\n"));
  both.b(set_body("ONE TWO\nthree\nfour\n"));
  both.level();
  BOOST_TEST(both.body() == "ONE and TWO|three|four|");
  BOOST_TEST(both.rules() == "text, text");
  const auto first = both.conflicts().front();
  BOOST_TEST(first.base_json == R"("one two\nthree\n")");
  BOOST_TEST(first.settlements.size() == 1U);
  BOOST_TEST(!first.is_contested);
}

BOOST_AUTO_TEST_CASE(the_later_text_stands_where_both_changed_the_same_words) {
  two_writers both;
  both.a(set_body("one 2\nthree\n"));
  both.b_is_later();
  both.b(set_body("one zwei\nthree\n"));
  both.level();
  BOOST_TEST(both.body() == "one zwei|three|");
  const auto found = both.conflicts();
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found[0].rule == "text: both changed the same words; lww");
  BOOST_TEST(found[0].state == "settled");
  BOOST_TEST(found[0].other_json == R"("one 2\nthree\n")");
  BOOST_TEST(found[0].base_json == R"("one two\nthree\n")");
}

BOOST_AUTO_TEST_CASE(people_choose_where_they_are_to_be_asked) {
  two_writers both{{{"notes", "body", "text", "ask"}}};
  both.a(set_body("one 2\nthree\n"));
  both.b_is_later();
  both.b(set_body("one zwei\nthree\n"));
  both.level();
  const auto found = both.conflicts();
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found[0].rule == "text: both changed the same words; ask");
  BOOST_TEST(found[0].state == "open");
  both.core_b().resolve({found[0].id, resolution::kind::take_other, {}});
  both.level();
  BOOST_TEST(both.body() == "one 2|three|");
  both.a(set_body("one 2\nthree\n4\n"));
  both.b(set_body("0 one 2\nthree\n"));
  both.level();
  BOOST_TEST(both.body() == "0 one 2|three|4|"); // from what was chosen
}

BOOST_AUTO_TEST_CASE(a_merge_can_be_undone_and_either_side_brought_back) {
  two_writers both;
  both.a(set_body("ONE two\nthree\n"));
  both.b_is_later();
  both.b(set_body("one two\nTHREE\n"));
  both.level();
  BOOST_TEST(both.body() == "ONE two|THREE|");
  const auto id = both.conflicts().front().id;
  both.core_a().resolve({id, resolution::kind::undo, {}});
  both.level();
  BOOST_TEST(both.body() == "one two|THREE|");
  both.core_b().resolve({id, resolution::kind::undo, {}});
  both.level();
  BOOST_TEST(both.body() == "ONE two|THREE|");
  auto either = resolution{id, resolution::kind::take_other, {}};
  either.is_forced = true;
  both.core_b().resolve(either);
  both.level();
  const auto one = both.body();
  either.take = resolution::kind::take_current;
  both.core_b().resolve(either);
  both.level();
  BOOST_TEST((std::set<std::string>{one, both.body()} == std::set<std::string>{"ONE two|three|", "one two|THREE|"}));
}

BOOST_AUTO_TEST_CASE(many_writes_apart_have_the_first_as_their_base) {
  two_writers both;
  for (int i = 0; i < 10; ++i) {
    both.a(set_body("one two " + std::to_string(i) + "\nthree\n"));
    if (i % 3 == 0)
      both.core_a().stamp_pending();
  }
  both.b(set_body("one two\n3\n"));
  both.core_b().stamp_pending();
  both.b(set_body("one two\n3\n4\n"));
  both.level();
  BOOST_TEST(both.body() == "one two 9|3|4|");
  // And from what was exchanged, not from what came first.
  both.a(set_body("one\n3\n4\n"));
  both.b(set_body("one two 9\n3\n4\n5\n"));
  both.level();
  BOOST_TEST(both.body() == "one|3|4|5|");
}

BOOST_AUTO_TEST_CASE(more_writes_than_are_kept_still_merge) {
  two_writers both;
  for (std::size_t i = 0; i < 3 * tandem::limits::bases_each_cell_max; ++i) {
    both.a(set_body("one two " + std::to_string(i) + "\nthree\n"));
    both.core_a().stamp_pending();
  }
  both.b(set_body("one two\n3\n"));
  both.level();
  BOOST_TEST(both.body() == "one two 191|3|");
  BOOST_TEST(both.text("SELECT count(*) <= 64 FROM tandem_bases") == "(1)");
  both.a(set_body("one\n3\n"));
  both.b(set_body("one two 191\n3\n4\n"));
  both.level();
  BOOST_TEST(both.body() == "one|3|4|");
}

BOOST_AUTO_TEST_CASE(what_all_have_applied_is_kept_no_longer) {
  two_writers both;
  both.a(set_body("1"));
  both.core_a().stamp_pending();
  both.a(set_body("2"));
  both.core_a().stamp_pending();
  BOOST_TEST(shown_rows(both.all.at(0).app(), "SELECT count(*) FROM tandem_bases") == "(2)");
  while (!both.core_a().compact(1'000).is_done) {
  }
  BOOST_TEST(shown_rows(both.all.at(0).app(), "SELECT count(*) FROM tandem_bases") == "(2)");
  both.level();
  for (std::size_t i = 0; i < 2; ++i)
    while (!both.all.at(i).core().compact(1'000).is_done) {
    }
  BOOST_TEST(both.text("SELECT count(*) FROM tandem_bases") == "(0)");
  both.a(set_body("2 a"));
  both.b(set_body("b 2"));
  both.level();
  BOOST_TEST(both.body() == "b 2 a");
}

BOOST_AUTO_TEST_CASE(a_deleted_row_comes_back_with_the_edited_text) {
  two_writers both;
  both.a(set_body("ONE two\nthree\n"));
  both.b("DELETE FROM notes");
  both.level();
  BOOST_TEST(both.body() == "ONE two|three|");
  both.a(set_body("1\n"));
  both.b("DELETE FROM notes; INSERT INTO notes VALUES (1, 'new', 't', 0)");
  both.level();
  BOOST_TEST(both.conflicts().back().rule == "text: both changed the same words; lww");
}

BOOST_AUTO_TEST_CASE(a_row_that_is_replaced_is_an_edit_of_the_old_one) {
  for (const std::string anew :
       {"DELETE FROM notes; INSERT INTO notes", "REPLACE INTO notes", "INSERT OR REPLACE INTO notes"}) {
    two_writers both;
    both.a(set_body("one two\nTHREE\n"));
    both.b(anew + " VALUES (1, 'ONE two' || char(10) || 'three' || char(10), 't', 0)");
    both.b("INSERT OR IGNORE INTO notes VALUES (1, 'no', 't', 0)");
    both.b(anew + " VALUES (1, '1 two' || char(10) || 'three' || char(10), 't', 0)");
    both.level();
    BOOST_TEST(both.body() == "1 two|THREE|");
    BOOST_TEST(shown_rows(both.all.at(1).app(), "SELECT count(*) FROM tandem_bases WHERE until = 0") == "(0)");
  }
}

BOOST_AUTO_TEST_CASE(two_inserts_of_one_key_stand_whole) {
  two_writers both;
  both.a("INSERT INTO notes VALUES (2, 'a', 't', 0)");
  both.b_is_later();
  both.b("INSERT INTO notes VALUES (2, 'b', 't', 0)");
  both.level();
  BOOST_TEST(both.text("SELECT body FROM notes WHERE id = 2") == "('b')");
  both.a("UPDATE notes SET body = 'b 1' WHERE id = 2");
  both.b("UPDATE notes SET body = '0 b' WHERE id = 2");
  both.level();
  BOOST_TEST(both.text("SELECT body FROM notes WHERE id = 2") == "('0 b 1')");
}

BOOST_AUTO_TEST_CASE(what_is_no_text_is_not_merged) {
  two_writers both;
  for (const std::string other : {"NULL", "x'00ff'"}) {
    both.a(set_body("1 two"));
    both.b_is_later();
    both.b("UPDATE notes SET body = " + other);
    both.level();
    BOOST_TEST(both.conflicts().back().rule == "text: one is no text; lww");
    both.a(set_body("one two"));
    both.b_is_later();
    both.b(set_body("one two three"));
    both.level();
    BOOST_TEST(both.conflicts().back().rule == "text: no common base is known; lww");
    BOOST_TEST(both.body() == "one two three");
  }
}

BOOST_AUTO_TEST_CASE(texts_that_are_too_large_are_not_merged) {
  two_writers both;
  const auto large = "printf('%.*c', " + std::to_string(tandem::limits::merged_text_bytes_max + 1) + ", 'x')";
  both.a("UPDATE notes SET body = " + large);
  both.b_is_later();
  both.b(set_body("one two\nthree\nfour\n"));
  both.level();
  BOOST_TEST(both.rules() == "text: too large; lww");
  BOOST_TEST(both.body() == "one two|three|four|");
}

BOOST_AUTO_TEST_CASE(sql_sets_the_policy_and_takes_it_back) {
  two_replicas both{notes_sql, notes, "INSERT INTO notes VALUES (1, 'x', '', 0)"};
  const auto body = [&] {
    return both.text("SELECT body FROM notes");
  };
  both.b(set_body("x b"));
  both.core_b().stamp_pending();
  both.a("INSERT INTO tandem_policies(tbl, col, policy) VALUES ('notes', 'body', 'text')");
  both.all.at(0).move_clock(1'000);
  both.a(set_body("a x")); // the triggers do not keep texts yet
  both.level();
  BOOST_TEST(body() == "('a x')");
  BOOST_TEST(both.conflicts().size() == 1U);
  BOOST_TEST(both.conflicts().back().rule != "text");
  both.a(set_body("a x 1"));
  both.b(set_body("0 a x"));
  both.level();
  BOOST_TEST(body() == "('0 a x 1')");
  both.b("DELETE FROM tandem_policies");
  both.level();
  BOOST_TEST(both.text("SELECT count(*) FROM tandem_bases") == "(0)");
  both.a(set_body("a"));
  both.b_is_later();
  both.b(set_body("b"));
  both.level();
  BOOST_TEST(body() == "('b')");
  BOOST_TEST(both.conflicts().back().rule == "lww");
}

BOOST_AUTO_TEST_CASE(a_renamed_and_an_added_column_go_on) {
  two_writers both;
  for (std::size_t i = 0; i < 2; ++i)
    both.all.at(i).app().execute("ALTER TABLE notes ADD COLUMN more TEXT DEFAULT 'm'");
  both.level();
  both.core_a().track(notes, std::vector<policy>{{"notes", "more", "text"}});
  both.level();
  both.a("UPDATE notes SET more = 'm 1', body = 'ONE two' || char(10) || 'three' || char(10)");
  both.b("UPDATE notes SET more = '0 m', body = body || 'four'");
  both.level();
  BOOST_TEST(both.body() == "ONE two|three|four");
  BOOST_TEST(both.text("SELECT more FROM notes") == "('0 m 1')");
}

BOOST_AUTO_TEST_CASE(columns_that_hold_no_texts_are_refused) {
  two_writers both;
  for (const auto& each : {policy{"notes", "n", "text"}, policy{"notes", "", "text"}, policy{"notes", "id", "text"},
                           policy{"notes", "body", "text", "asks"}, policy{"notes", "body", "lww", "ask"}})
    BOOST_CHECK_THROW(both.core_a().track(notes, std::vector<policy>{each}), failure);
  both.core_a().track(notes, std::vector<policy>{{"notes", "title", "text"}});
}

BOOST_AUTO_TEST_CASE(tables_without_the_policy_keep_nothing) {
  two_replicas both{notes_sql, notes, "INSERT INTO notes VALUES (1, 'x', '', 0)"};
  both.a(set_body("y"));
  both.level();
  BOOST_TEST(both.text("SELECT count(*) FROM tandem_bases") == "(0)");
  BOOST_TEST(both.text("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'tandem_update%' AND "
                       "sql LIKE '%tandem_deleted%'") == "(0)");
}

namespace {

// A text of one line for each device, of which each device edits its own: the model is the last that each wrote.
std::string body_of(const std::vector<int>& lines) {
  std::string result = "head\n";
  for (std::size_t i = 0; i < lines.size(); ++i)
    result += "line " + std::to_string(i) + " is " + std::to_string(lines[i]) + "\n\n";
  return result + "tail\n";
}

void hand_over(world& all, std::size_t from, std::size_t to) {
  all.at(from).core().stamp_pending();
  if (const auto message = all.bundle(from, to)) {
    all.deliver(to, *message);
    all.deliver(to, *message); // a repetition changes nothing
    all.deliver(from, all.acknowledgement(to, from));
  }
}

void cross(world& all, const tandem::property::link& over) {
  all.at(over.first).core().stamp_pending();
  all.at(over.second).core().stamp_pending();
  const auto there = all.bundle(over.first, over.second);
  const auto back = all.bundle(over.second, over.first);
  if (there)
    all.deliver(over.second, *there);
  if (back)
    all.deliver(over.first, *back);
}

/// Replaces one line of what the device shows, as an app would.
void edit_line(device& at, std::size_t line, int from, int to) {
  const auto name = "line " + std::to_string(line) + " is ";
  at.app().execute("UPDATE notes SET body = replace(body, '" + name + std::to_string(from) + "' || char(10), '" + name +
                   std::to_string(to) + "' || char(10))");
}

} // namespace

BOOST_AUTO_TEST_CASE(all_edits_of_lines_survive_in_every_order_of_delivery) {
  std::size_t merged = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_source random{seed};
      const auto devices = 2 + random.below(3);
      world all{devices, random_tree(random, devices), notes_sql, notes};
      all.at(0).core().track(notes, merged_bodies);
      std::vector<int> lines(devices, 0);
      all.at(0).app().execute("INSERT INTO notes VALUES (1, '" + body_of(lines) + "', '', 0)");
      all.heal();
      for (int step = 0; step < 30; ++step) {
        const auto who = random.below(devices);
        auto& device = all.at(who);
        const auto& over = all.links()[random.below(all.links().size())];
        device.move_clock(static_cast<std::int64_t>(random.below(3)) - 1);
        switch (random.below(8)) {
        case 0:
        case 1:
        case 2:
          edit_line(device, who, lines[who], lines[who] + 1);
          ++lines[who];
          break;
        case 3:
          device.core().stamp_pending();
          device.take_image();
          device.restart_from_image();
          all.forget_sent();
          break;
        case 4:
          cross(all, over);
          break;
        case 5:
          device.core().compact(1'000);
          break;
        case 6:
          hand_over(all, over.first, over.second);
          break;
        default:
          hand_over(all, over.second, over.first);
        }
      }
      all.heal();
      must_be_level(all);
      for (std::size_t i = 0; i < devices; ++i)
        BOOST_TEST(all.at(i).app().query("SELECT body FROM notes").front().front().bytes == body_of(lines));
      for (const auto& each : all.at(0).core().conflicts()) {
        BOOST_TEST(each.rule == "text");
        ++merged;
      }
    }
  }
  BOOST_TEST(merged > 30U);
}

BOOST_AUTO_TEST_CASE(replicas_agree_whatever_is_written) {
  const std::array<std::string, 6> edits{"body || 'end '", "'start ' || body", "replace(body, 'one', 'two')",
                                         "upper(body)",    "substr(body, 3)",  "body || char(10) || 'line'"};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_source random{seed};
      const auto devices = 2 + random.below(3);
      world all{devices, random_tree(random, devices), notes_sql, notes};
      all.at(0).core().track(notes, merged_bodies);
      all.at(0).app().execute("INSERT INTO notes VALUES (1, 'one two three', '', 0), (2, '', '', 0)");
      all.heal();
      for (int step = 0; step < 40; ++step) {
        auto& device = all.at(random.below(devices));
        const auto& over = all.links()[random.below(all.links().size())];
        const auto id = std::to_string(1 + random.below(2));
        device.move_clock(static_cast<std::int64_t>(random.below(3)) - 1);
        switch (random.below(8)) {
        case 0:
          device.app().execute("DELETE FROM notes WHERE id = " + id);
          break;
        case 1:
          device.app().execute("INSERT OR REPLACE INTO notes VALUES (" + id + ", 'anew one', '', 0)");
          break;
        case 2:
          cross(all, over);
          break;
        case 3:
          hand_over(all, over.first, over.second);
          break;
        case 4:
          hand_over(all, over.second, over.first);
          break;
        default:
          device.app().execute("UPDATE notes SET body = " + edits[random.below(edits.size())] + " WHERE id = " + id);
        }
      }
      all.heal();
      must_be_level(all);
      const auto first = shown_rows(all.at(0).app(), "SELECT * FROM notes");
      for (std::size_t i = 1; i < devices; ++i)
        BOOST_TEST(shown_rows(all.at(i).app(), "SELECT * FROM notes") == first);
    }
  }
}
