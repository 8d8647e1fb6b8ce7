// Situations by name, in which two or three replicas meet.
#include <boost/test/unit_test.hpp>

#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::storage::conflict_kind;
using tandem::storage::resolution;

namespace {

const std::vector<std::string> tasks_sql{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT, done INTEGER, note)"};

const std::vector<std::string> tasks{"tasks"};
const std::string first_row = "INSERT INTO tasks VALUES (1, 'one', 0, 'n')";

struct pair_with_a_task : two_replicas {
  pair_with_a_task() : two_replicas{tasks_sql, tasks, first_row} {}
};

} // namespace

BOOST_AUTO_TEST_CASE(a_change_arrives_with_all_its_columns) {
  pair_with_a_task both;
  both.b("UPDATE tasks SET done = 1 WHERE id = 1");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks") == "(1, 'one', 1, 'n')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(different_columns_of_one_row_both_stay) {
  pair_with_a_task both;
  both.a("UPDATE tasks SET title = 'by a' WHERE id = 1");
  both.b("UPDATE tasks SET note = 'by b' WHERE id = 1");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks") == "(1, 'by a', 0, 'by b')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(the_same_column_on_both_sides_is_a_conflict_with_both_values) {
  pair_with_a_task both;
  both.a("UPDATE tasks SET title = 'by a'");
  both.b_is_later();
  both.b("UPDATE tasks SET title = 'by b'");
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks") == "('by b')");
  const auto all = both.conflicts();
  BOOST_REQUIRE(all.size() == 1);
  BOOST_TEST((all[0].kind == conflict_kind::cell));
  BOOST_TEST(all[0].table == "tasks");
  BOOST_TEST(all[0].key_json == "1");
  BOOST_TEST(all[0].column == "title");
  BOOST_TEST(all[0].current_json == "\"by b\"");
  BOOST_TEST(all[0].other_json == "\"by a\"");
  BOOST_TEST(both.core_b().conflicts().size() == 1);
}

BOOST_AUTO_TEST_CASE(equal_values_on_both_sides_are_no_conflict) {
  pair_with_a_task both;
  both.a("UPDATE tasks SET title = 'same'");
  both.b("UPDATE tasks SET title = 'same'");
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks") == "('same')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(writes_that_had_seen_each_other_are_no_conflict) {
  pair_with_a_task both;
  for (int i = 0; i < 4; ++i) {
    both.a("UPDATE tasks SET title = 'a" + std::to_string(i) + "'");
    both.level();
    both.b("UPDATE tasks SET title = 'b" + std::to_string(i) + "'");
    both.level();
  }
  BOOST_TEST(both.text("SELECT title FROM tasks") == "('b3')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(taking_the_other_value_brings_it_back_everywhere_and_undo_takes_it_away) {
  pair_with_a_task both;
  both.a("UPDATE tasks SET title = 'by a'");
  both.b_is_later();
  both.b("UPDATE tasks SET title = 'by b'");
  both.level();
  const auto id = both.conflicts().at(0).id;
  both.core_a().resolve({id.substr(0, 8), resolution::kind::take_other, {}});
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks") == "('by a')");
  BOOST_TEST(both.core_b().find_conflict(id).state == "resolved");
  both.core_b().resolve({id, resolution::kind::undo, {}});
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks") == "('by b')");
  both.core_b().resolve({id, resolution::kind::take_value, "\"by a person\""});
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks") == "('by a person')");
  BOOST_TEST(both.conflicts().size() == 1);
}

BOOST_AUTO_TEST_CASE(a_losing_value_of_any_type_comes_back_exactly) {
  for (const auto* value : {"x'00ff'", "9223372036854775807", "1.0", "1e999", "''", "CAST(x'6100620aff' AS TEXT)"}) {
    BOOST_TEST_CONTEXT("value " << value) {
      pair_with_a_task both;
      both.a(std::string{"UPDATE tasks SET note = "} + value);
      const auto before = shown_rows(both.all.at(0).app(), "SELECT typeof(note), hex(note) FROM tasks");
      both.b_is_later();
      both.b("UPDATE tasks SET note = 'wins'");
      both.level();
      BOOST_REQUIRE(both.conflicts().size() == 1);
      both.core_b().resolve({both.conflicts()[0].id, resolution::kind::take_other, {}});
      both.level();
      BOOST_TEST(both.text("SELECT typeof(note), hex(note) FROM tasks") == before);
    }
  }
}

BOOST_AUTO_TEST_CASE(of_two_inserts_of_one_key_the_loser_stands_whole_in_the_audit) {
  pair_with_a_task both;
  both.a("INSERT INTO tasks VALUES (7, 'a title', 1, 'a note')");
  both.b_is_later();
  both.b("INSERT INTO tasks VALUES (7, 'b title', 0, 'b note')");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks WHERE id = 7") == "(7, 'b title', 0, 'b note')");
  const auto all = both.conflicts();
  BOOST_REQUIRE(all.size() == 1);
  BOOST_TEST((all[0].kind == conflict_kind::insert));
  BOOST_TEST(all[0].key_json == "7");
  for (const auto* part : {"\"a title\"", "\"a note\"", "1"})
    BOOST_TEST(all[0].other_json.find(part) != std::string::npos, all[0].other_json << " lacks " << part);
  both.core_b().resolve({all[0].id, resolution::kind::take_other, {}});
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks WHERE id = 7") == "(7, 'a title', 1, 'a note')");
}

BOOST_AUTO_TEST_CASE(an_update_brings_a_concurrently_deleted_row_back_whole) {
  for (const bool delete_is_later : {false, true}) {
    pair_with_a_task both;
    both.all.at(delete_is_later ? 0 : 1).move_clock(1'000);
    both.a("DELETE FROM tasks WHERE id = 1");
    both.b("UPDATE tasks SET title = 'edited' WHERE id = 1");
    both.level();
    BOOST_TEST(both.text("SELECT * FROM tasks") == "(1, 'edited', 0, 'n')");
    BOOST_REQUIRE(both.conflicts().size() == 1);
    BOOST_TEST((both.conflicts()[0].kind == conflict_kind::deletion));
  }
}

BOOST_AUTO_TEST_CASE(a_delete_that_had_seen_the_update_stays) {
  pair_with_a_task both;
  both.b("UPDATE tasks SET title = 'edited' WHERE id = 1");
  both.level();
  both.a("DELETE FROM tasks");
  both.level();
  BOOST_TEST(both.text("SELECT count(*) FROM tasks") == "(0)");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(delete_and_reinsert_crosses_an_update) {
  pair_with_a_task both;
  both.a("DELETE FROM tasks WHERE id = 1");
  both.core_a().stamp_pending();
  both.a("INSERT INTO tasks VALUES (1, 'new life', 0, 'new')");
  both.b("UPDATE tasks SET done = 1 WHERE id = 1");
  both.level();
  BOOST_TEST(both.text("SELECT count(*) FROM tasks WHERE id = 1") == "(1)");
}

BOOST_AUTO_TEST_CASE(deletes_on_both_sides_are_no_conflict) {
  pair_with_a_task both;
  both.a("DELETE FROM tasks");
  both.b("DELETE FROM tasks");
  both.level();
  BOOST_TEST(both.text("SELECT count(*) FROM tasks") == "(0)");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(replace_that_displaces_another_row_travels_as_a_delete_of_it) {
  two_replicas both{{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, name TEXT UNIQUE, v)"},
                    {"tasks"},
                    "INSERT INTO tasks VALUES (1, 'x', 'old'), (2, 'y', 'other')"};
  both.a("INSERT OR REPLACE INTO tasks VALUES (3, 'x', 'new')");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks ORDER BY id") == "(2, 'y', 'other')(3, 'x', 'new')");
  both.b("UPDATE OR REPLACE tasks SET name = 'x' WHERE id = 2");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks ORDER BY id") == "(2, 'x', 'other')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(unique_values_swapped_in_one_transaction_arrive_swapped) {
  two_replicas both{{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, rank INTEGER UNIQUE)"},
                    {"tasks"},
                    "INSERT INTO tasks VALUES (1, 10), (2, 20), (3, 30)"};
  both.a("BEGIN; UPDATE tasks SET rank = -1 WHERE id = 1; UPDATE tasks SET rank = 10 WHERE id = 3; "
         "UPDATE tasks SET rank = 30 WHERE id = 2; UPDATE tasks SET rank = 20 WHERE id = 1; COMMIT");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks ORDER BY id") == "(1, 20)(2, 30)(3, 10)");
  BOOST_TEST(both.conflicts().empty());
  BOOST_TEST(both.core_b().quarantine().empty());
}

BOOST_AUTO_TEST_CASE(a_unique_value_moved_to_another_row_arrives) {
  two_replicas both{
      {"CREATE TABLE tasks(id TEXT PRIMARY KEY, name TEXT UNIQUE)"}, {"tasks"}, "INSERT INTO tasks VALUES ('z', 'n')"};
  both.a("DELETE FROM tasks WHERE id = 'z'");
  both.a("INSERT INTO tasks VALUES ('a', 'n')");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks") == "('a', 'n')");
  BOOST_TEST(both.core_b().quarantine().empty());
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(a_key_change_is_a_delete_and_an_insert) {
  pair_with_a_task both;
  both.a("UPDATE tasks SET id = 5 WHERE id = 1");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks") == "(5, 'one', 0, 'n')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(three_replicas_that_wrote_apart_agree_and_lose_nothing) {
  world all{3, {{0, 1}, {1, 2}}, tasks_sql, {"tasks"}};
  all.at(0).app().execute("INSERT INTO tasks VALUES (1, 'one', 0, 'n')");
  all.heal();
  for (std::size_t i = 0; i < 3; ++i) {
    all.at(i).move_clock(static_cast<std::int64_t>(i) * 1'000);
    all.at(i).app().execute("UPDATE tasks SET title = 'by " + all.at(i).name() + "'");
  }
  all.heal();
  must_be_level(all);
  BOOST_TEST(all.at(0).app().text("SELECT title FROM tasks") == "by C");
  std::string audit;
  for (const auto& each : all.at(2).core().conflicts())
    audit += each.other_json;
  BOOST_TEST(audit.find("by A") != std::string::npos);
  BOOST_TEST(audit.find("by B") != std::string::npos);
}
