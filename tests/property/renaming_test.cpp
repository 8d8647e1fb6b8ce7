// Renamed columns and tables: whoever still uses the former name understands.
#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "tests/property/three_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;

BOOST_AUTO_TEST_SUITE(renaming)

BOOST_AUTO_TEST_CASE(a_renamed_column_is_understood_by_old_versions) {
  three_replicas world;
  world.run(0, "INSERT INTO tasks VALUES (1, 'one')");
  world.all.heal();
  world.run(0, "ALTER TABLE tasks RENAME COLUMN title TO name");
  world.run(0, "UPDATE tasks SET name = 'two'; INSERT INTO tasks VALUES (2, 'new')");
  world.run(2, "INSERT INTO tasks VALUES (3, 'old')");
  world.all.heal();
  const std::string expected = "(1, 'two')(2, 'new')(3, 'old')";
  BOOST_TEST(world.shown_at(0, "SELECT id, name FROM tasks ORDER BY id") == expected);
  BOOST_TEST(world.shown_at(1, "SELECT id, title FROM tasks ORDER BY id") == expected);
  BOOST_TEST(world.shown_at(2, "SELECT id, title FROM tasks ORDER BY id") == expected);
  world.run(1, "ALTER TABLE tasks RENAME COLUMN title TO name");
  world.run(2, "UPDATE tasks SET title = 'from the last old one' WHERE id = 1");
  world.all.heal();
  BOOST_TEST(world.shown_at(0, "SELECT name FROM tasks WHERE id = 1") == "('from the last old one')");
  world.run(2, "ALTER TABLE tasks RENAME COLUMN title TO name");
  world.all.heal();
  BOOST_CHECK_NO_THROW(must_be_level(world.all));
  BOOST_TEST(world.all.at(1).core().conflicts().empty());
}

BOOST_AUTO_TEST_CASE(a_peer_is_told_of_a_rename_that_nobody_has_seen_yet) {
  three_replicas world;
  world.run(0, "INSERT INTO tasks VALUES (1, 'one')");
  world.all.heal();
  world.run(0, "ALTER TABLE tasks RENAME COLUMN title TO name"); // between the stamping and the greeting
  const auto told = world.all.at(0).core().schema();
  for (const auto& table : told.tables)
    for (const auto& column : table.columns)
      BOOST_TEST(column.id != 0);
  world.all.at(1).core().bind_peer(world.all.at(0).site(), told);
  BOOST_TEST(world.all.at(1).app().integer("SELECT count(*) FROM tandem_columns WHERE gone") == 0);
  world.all.heal();
  world.run(2, "ALTER TABLE tasks RENAME COLUMN title TO name; UPDATE tasks SET name = 'offline'");
  world.all.heal();
  BOOST_TEST(world.shown_at(1, "SELECT title FROM tasks") == "('offline')");
}

BOOST_AUTO_TEST_CASE(a_column_is_renamed_to_what_another_version_has_added) {
  three_replicas world;
  world.run(0, "INSERT INTO tasks VALUES (1, 'one'), (2, 'two'), (3, 'three')");
  world.all.heal();
  world.run(0, "ALTER TABLE tasks ADD COLUMN name TEXT; UPDATE tasks SET name = 'added' WHERE id = 1");
  world.all.heal();
  world.all.at(1).move_clock(1'000);
  world.run(1, "ALTER TABLE tasks RENAME COLUMN title TO name; UPDATE tasks SET name = 'zwei' WHERE id = 2");
  world.all.heal();
  // By its name a column is the same everywhere; what the renamed one held counts as written to it.
  const std::string names = "SELECT id, name FROM tasks ORDER BY id";
  BOOST_TEST(world.shown_at(1, names) == "(1, 'one')(2, 'zwei')(3, 'three')");
  BOOST_TEST(world.shown_at(0, names) == world.shown_at(1, names));
  BOOST_TEST(world.shown_at(0, "SELECT id, title FROM tasks ORDER BY id") == "(1, 'one')(2, 'zwei')(3, 'three')");
  BOOST_TEST(world.all.at(0).core().conflicts().size() == 1); // what was added lost, and can be had back
  world.run(2, "UPDATE tasks SET title = 'by the oldest' WHERE id = 3");
  world.all.heal();
  BOOST_TEST(world.shown_at(0, "SELECT id, title, name FROM tasks WHERE id = 3") == "(3, 'by the oldest', 'three')");
  world.must_be_sound();
  world.run(1, "ALTER TABLE tasks ADD COLUMN title TEXT");
  world.run(2, "ALTER TABLE tasks ADD COLUMN name TEXT");
  world.all.heal();
  BOOST_TEST(world.shown_at(1, "SELECT title FROM tasks ORDER BY id") == "('one')('zwei')('by the oldest')");
  BOOST_CHECK_NO_THROW(must_be_level(world.all));
}

BOOST_AUTO_TEST_CASE(names_move_up_to_one_that_another_version_has_added) {
  two_replicas both{{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT, note TEXT)"},
                    tasks,
                    "INSERT INTO tasks VALUES (1, 'a title', 'a note'), (2, 'another', NULL)"};
  both.a("ALTER TABLE tasks ADD COLUMN name TEXT; UPDATE tasks SET name = 'added' WHERE id = 2");
  both.all.heal();
  both.all.at(1).move_clock(1'000);
  both.b("BEGIN; ALTER TABLE tasks RENAME COLUMN note TO name; ALTER TABLE tasks RENAME COLUMN title TO note; COMMIT");
  both.all.heal();
  BOOST_TEST(both.core_b().verify().empty());
  BOOST_TEST(shown_rows(both.all.at(0).app(), "SELECT title, note, name FROM tasks ORDER BY id") ==
             "('a title', 'a title', 'a note')('another', 'another', 'added')");
  BOOST_TEST(shown_rows(both.all.at(1).app(), "SELECT note, name FROM tasks ORDER BY id") ==
             "('a title', 'a note')('another', 'added')");
  both.b("ALTER TABLE tasks ADD COLUMN title TEXT");
  both.level();
}

BOOST_AUTO_TEST_CASE(a_key_is_renamed_to_what_another_version_has_added) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.a("ALTER TABLE tasks ADD COLUMN number TEXT; UPDATE tasks SET number = 'added'");
  both.all.heal();
  both.b("ALTER TABLE tasks RENAME COLUMN id TO number; INSERT INTO tasks VALUES (2, 'two')");
  both.core_b().stamp_pending();
  BOOST_TEST(both.core_b().verify().empty());
  BOOST_CHECK_THROW(both.core_a().bind_peer(both.all.at(1).site(), both.core_b().schema()), failure);
  BOOST_TEST(shown_rows(both.all.at(1).app(), "SELECT * FROM tasks ORDER BY number") == "(1, 'one')(2, 'two')");
}

BOOST_AUTO_TEST_CASE(columns_that_change_places_keep_what_they_are) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.a("ALTER TABLE tasks ADD COLUMN note TEXT; UPDATE tasks SET note = 'a note'");
  both.b("ALTER TABLE tasks ADD COLUMN note TEXT");
  both.level();
  const std::string change =
      "BEGIN; ALTER TABLE tasks RENAME COLUMN title TO was; ALTER TABLE tasks RENAME COLUMN note "
      "TO title; ALTER TABLE tasks RENAME COLUMN was TO note; COMMIT";
  both.a(change);
  both.b(change + "; UPDATE tasks SET note = 'two'");
  both.level();
  BOOST_TEST(both.text("SELECT note, title FROM tasks") == "('two', 'a note')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(a_renamed_table_and_key_are_understood_by_old_versions) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.a("ALTER TABLE tasks RENAME TO jobs");
  both.a("ALTER TABLE jobs RENAME COLUMN id TO number");
  both.a("INSERT INTO jobs VALUES (2, 'new')");
  both.b("UPDATE tasks SET title = 'old'");
  both.all.heal();
  BOOST_TEST(shown_rows(both.all.at(0).app(), "SELECT * FROM jobs ORDER BY number") == "(1, 'old')(2, 'new')");
  BOOST_TEST(shown_rows(both.all.at(1).app(), "SELECT * FROM tasks ORDER BY id") == "(1, 'old')(2, 'new')");
}

BOOST_AUTO_TEST_CASE(an_alias_tells_what_a_rebuilt_table_renamed) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.a("UPDATE tasks SET title = 'edited before the migration'");
  both.core_a().stamp_pending();
  both.a("CREATE TABLE anew(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO anew SELECT id, title FROM tasks; "
         "DROP TABLE tasks; ALTER TABLE anew RENAME TO tasks");
  both.core_a().add_alias({"tasks", "name", "title"});
  both.all.heal();
  BOOST_TEST(shown_rows(both.all.at(1).app(), "SELECT title FROM tasks") == "('edited before the migration')");
  both.b("UPDATE tasks SET title = 'and back'");
  both.all.heal();
  BOOST_TEST(shown_rows(both.all.at(0).app(), "SELECT name FROM tasks") == "('and back')");
  BOOST_CHECK_THROW(both.core_a().add_alias({"tasks", "absent", "title"}), failure);
  BOOST_CHECK_THROW(both.core_a().add_alias({"tasks", "name", "name"}), failure);
  BOOST_CHECK_THROW(both.core_a().add_alias({"absent", "name", "title"}), failure);
}

BOOST_AUTO_TEST_SUITE_END()
