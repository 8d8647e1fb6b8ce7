// Whole tables that some replicas do not have: kept for the others, and put in place when they come.
#include <map>

#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::messages::failure_code;

namespace {

const std::vector<std::string> tasks_sql{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)"};
const std::vector<std::string> tasks{"tasks"};
const std::vector<std::string> notes{"notes"};
const std::string notes_sql = "CREATE TABLE notes(id TEXT PRIMARY KEY, body TEXT DEFAULT 'empty', stars INTEGER "
                              "DEFAULT 3 CHECK (stars < 6), slug TEXT UNIQUE)";
const std::string all_notes = "SELECT id, body, stars, slug FROM notes ORDER BY id";

/// A chain A - B - C, of which B gets the table last.
struct old_between_new {
  world all{3, {{0, 1}, {1, 2}}, tasks_sql, tasks};

  void run(std::size_t at, const std::string& sql) { all.at(at).app().execute(sql); }
  void upgrade(std::size_t at, const std::string& sql = notes_sql) {
    run(at, sql);
    all.at(at).core().track(notes);
  }
  std::string shown_at(std::size_t at, const std::string& sql = all_notes) { return shown_rows(all.at(at).app(), sql); }
  void must_be_sound() {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto wrong = all.at(i).core().verify();
      BOOST_TEST(wrong.empty(), all.at(i).name() << ": " << (wrong.empty() ? "" : wrong.front()));
    }
  }
};

bool is_schema_failure(const failure& error) {
  return error.code() == failure_code::schema;
}

} // namespace

BOOST_AUTO_TEST_SUITE(kept_tables)

BOOST_AUTO_TEST_CASE(an_old_replica_relays_a_table_that_it_does_not_have) {
  old_between_new world;
  world.upgrade(0);
  world.upgrade(2);
  world.run(
      0,
      "INSERT INTO notes VALUES ('a', 'from A', 1, 's1'), ('b', 'to die', 2, 's2'); INSERT INTO tasks VALUES (1, 't')");
  world.all.heal();
  world.run(2, "UPDATE notes SET body = 'edited at C' WHERE id = 'a'; DELETE FROM notes WHERE id = 'b'; "
               "INSERT INTO notes VALUES ('c', NULL, 5, 's2')");
  world.all.heal();
  const std::string expected = "('a', 'edited at C', 1, 's1')('c', NULL, 5, 's2')";
  BOOST_TEST(world.shown_at(0) == expected);
  BOOST_TEST(world.shown_at(2) == expected);
  BOOST_TEST(world.shown_at(1, "SELECT title FROM tasks") == "('t')");
  const auto status = world.all.at(1).core().status();
  BOOST_REQUIRE(status.kept_tables.size() == 1);
  BOOST_TEST(status.kept_tables[0].name == "notes");
  BOOST_TEST(status.kept_tables[0].rows == 2);
  BOOST_TEST(status.tables.size() == 1);
  world.must_be_sound();
  // The same rows stand there already, wherever the table does.
  BOOST_TEST(world.all.at(0).core().digest() == world.all.at(1).core().digest());

  world.run(1, notes_sql);
  BOOST_TEST(world.all.at(1).core().untracked_tables() == notes, boost::test_tools::per_element());
  world.all.at(1).core().track(notes);
  BOOST_TEST(world.shown_at(1) == expected);
  BOOST_TEST(world.all.at(1).core().status().kept_tables.empty());
  world.run(1, "UPDATE notes SET stars = 4 WHERE id = 'c'");
  world.all.heal();
  BOOST_CHECK_NO_THROW(must_be_level(world.all));
  BOOST_TEST(world.shown_at(0) == "('a', 'edited at C', 1, 's1')('c', NULL, 4, 's2')");
  BOOST_TEST(world.all.at(0).core().conflicts().empty());
  world.must_be_sound();
}

BOOST_AUTO_TEST_CASE(a_new_replica_takes_the_table_from_one_that_only_keeps_it) {
  old_between_new world;
  world.upgrade(0);
  world.run(0, "CREATE INDEX by_stars ON notes(stars); INSERT INTO notes VALUES ('a', 'from A', 1, 's1')");
  world.all.heal();
  const auto path = world.all.folder().file("empty.db");
  auto empty = tandem::storage::replica::open(path, {.mode = tandem::storage::open_mode::create});
  empty.level_schema(world.all.at(1).core().schema());
  BOOST_TEST(empty.untracked_tables().empty());
  const auto names = empty.status().tables;
  BOOST_TEST(std::ranges::count(names, "notes", &tandem::storage::table_status::name) == 1);
  app_database app{path};
  BOOST_CHECK(!app.attempt("INSERT INTO notes VALUES ('x', 'x', 9, 'x')", {})); // with its constraints
}

BOOST_AUTO_TEST_CASE(rows_that_the_app_had_already_are_later_and_lose_nothing) {
  old_between_new world;
  world.upgrade(0);
  world.run(0, "INSERT INTO notes VALUES ('a', 'from A', 1, 's1'), ('b', 'same', 1, 's2'), ('dead', '', 1, 's3')");
  world.all.heal();
  world.run(0, "DELETE FROM notes WHERE id = 'dead'");
  world.all.heal();
  world.all.at(1).move_clock(10'000);
  world.upgrade(1, notes_sql + "; INSERT INTO notes VALUES ('a', 'seed', 2, 's1'), ('b', 'same', 1, 's2'), "
                               "('dead', 'seed', 2, 's3'), ('d', 'own', 2, 's4')");
  world.all.heal();
  world.upgrade(2);
  world.all.heal();
  BOOST_CHECK_NO_THROW(must_be_level(world.all));
  BOOST_TEST(world.shown_at(0) ==
             "('a', 'seed', 2, 's1')('b', 'same', 1, 's2')('d', 'own', 2, 's4')('dead', 'seed', 2, 's3')");
  const auto conflicts = world.all.at(2).core().conflicts();
  BOOST_REQUIRE(conflicts.size() == 1);
  BOOST_TEST(conflicts[0].other_json.find("from A") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_the_table_does_not_admit_is_set_aside_and_columns_that_it_lacks_stay_for_others) {
  old_between_new world;
  world.upgrade(0);
  world.upgrade(2);
  world.run(0, "INSERT INTO notes VALUES ('a', 'five', 5, 's1'), ('b', 'one', 1, 's2')");
  world.all.heal();
  world.run(0, "ALTER TABLE notes ADD COLUMN late TEXT DEFAULT 'x'");
  world.run(0, "UPDATE notes SET late = 'came while kept' WHERE id = 'b'");
  world.all.heal();
  world.upgrade(
      1, "CREATE TABLE notes(id TEXT PRIMARY KEY, slug TEXT, stars INTEGER CHECK (stars < 3), late TEXT DEFAULT 'x', "
         "own TEXT DEFAULT 'mine')");
  BOOST_TEST(world.shown_at(1, "SELECT id, slug, stars, late, own FROM notes") ==
             "('b', 's2', 1, 'came while kept', 'mine')");
  BOOST_TEST(world.all.at(1).core().quarantine().size() == 1);
  world.run(1, "UPDATE notes SET slug = 'edited' WHERE id = 'b'");
  world.run(2, "UPDATE notes SET stars = 2 WHERE id = 'a'");
  world.all.heal();
  BOOST_TEST(world.shown_at(1, "SELECT id, stars FROM notes ORDER BY id") == "('a', 2)('b', 1)");
  BOOST_TEST(world.shown_at(0, all_notes) == "('a', 'five', 2, 's1')('b', 'one', 1, 'edited')");
  BOOST_TEST(world.shown_at(2, all_notes) == world.shown_at(0, all_notes));
  world.run(2, "UPDATE notes SET body = 'edited at C'; INSERT INTO notes VALUES ('c', 'new', 1, 's3')");
  world.all.heal();
  world.run(1, "ALTER TABLE notes ADD COLUMN body TEXT DEFAULT 'empty'");
  world.all.heal();
  BOOST_TEST(world.shown_at(1, "SELECT id, body FROM notes ORDER BY id") ==
             "('a', 'edited at C')('b', 'edited at C')('c', 'new')");
  world.must_be_sound();
}

BOOST_AUTO_TEST_CASE(parents_and_children_come_together) {
  old_between_new world;
  const std::string sql = "CREATE TABLE lines(id INTEGER PRIMARY KEY, bill INTEGER NOT NULL REFERENCES bills(id)); "
                          "CREATE TABLE bills(id INTEGER PRIMARY KEY, total REAL)";
  const std::vector<std::string> both{"lines", "bills"};
  world.run(0, sql);
  world.all.at(0).core().track(both);
  world.run(0, "INSERT INTO bills VALUES (1, 2.25), (2, 3.5); INSERT INTO lines VALUES (1, 1), (2, 2), (3, 2)");
  world.all.heal();
  world.run(1, sql);
  world.all.at(1).core().track(std::vector<std::string>{"lines"}); // whose parents are only kept
  world.must_be_sound();
  world.all.at(1).core().track(both);
  world.all.heal();
  world.run(2, sql);
  world.all.at(2).core().track(both);
  world.all.heal();
  BOOST_CHECK_NO_THROW(must_be_level(world.all));
  BOOST_TEST(world.shown_at(1, "SELECT count(*) FROM lines JOIN bills ON bill = bills.id") == "(3)");
  BOOST_TEST(world.shown_at(2, "SELECT * FROM bills ORDER BY id") == "(1, 2.25)(2, 3.5)");
  BOOST_TEST(world.all.at(1).core().quarantine().empty());
}

BOOST_AUTO_TEST_CASE(renamed_tables_stay_one_table) {
  old_between_new world;
  world.upgrade(0);
  world.upgrade(2);
  world.run(0, "INSERT INTO notes VALUES ('a', 'from A', 1, 's1')");
  world.all.heal();
  world.run(0, "ALTER TABLE notes RENAME TO memos; ALTER TABLE memos RENAME COLUMN body TO text");
  world.run(0, "UPDATE memos SET text = 'as a memo'");
  world.all.heal();
  BOOST_TEST(world.shown_at(2) == "('a', 'as a memo', 1, 's1')");
  BOOST_TEST(world.all.at(1).core().status().kept_tables.size() == 1);
  world.upgrade(1);
  world.run(1, "UPDATE notes SET body = 'from the middle'");
  world.all.heal();
  BOOST_TEST(world.shown_at(0, "SELECT text FROM memos") == "('from the middle')");
}

BOOST_AUTO_TEST_CASE(a_table_that_was_tracked_before_is_not_kept) {
  two_replicas both{{tasks_sql[0], notes_sql}, {"tasks", "notes"}, "INSERT INTO notes VALUES ('a', 'one', 1, 's1')"};
  both.core_b().untrack(notes);
  const auto theirs = both.core_a().schema();
  BOOST_CHECK_EXCEPTION(both.core_b().bind_peer(both.all.at(0).site(), theirs), failure, is_schema_failure);
  BOOST_TEST(both.core_b().status().kept_tables.empty());
  both.core_b().track(notes);
  both.a("UPDATE notes SET body = 'two'");
  both.all.at(0).move_clock(20'000);
  both.a("UPDATE notes SET body = 'three'");
  both.all.heal();
  BOOST_CHECK_NO_THROW(both.core_b().verify());
}

BOOST_AUTO_TEST_CASE(what_makes_no_table_is_refused_with_nothing_changed) {
  two_replicas both{tasks_sql, tasks};
  const auto forged = [&](const std::string& name, std::vector<std::string> ddl, std::uint32_t key_position = 1) {
    auto theirs = both.core_b().schema();
    theirs.version += 1;
    theirs.tables.push_back({99, name, {{1, "id", "INTEGER", key_position}, {2, "x", "TEXT", 0}}, std::move(ddl), {}});
    return theirs;
  };
  const auto peer = both.all.at(1).site();
  const auto objects = both.all.at(0).app().integer("SELECT count(*) FROM sqlite_schema");
  const std::string good = "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)";
  for (const auto& bad : {forged("t", {}), forged("t", {"CREATE TABLE other(id INTEGER PRIMARY KEY, x TEXT)"}),
                          forged("t", {"CREATE TABLE t(id, x)"}), forged("t", {good}, 2), forged("t", {good}, 0),
                          forged("t", {good + "; DROP TABLE tasks"}), forged("t", {"DROP TABLE tasks"}),
                          forged("tandem_x", {"CREATE TABLE tandem_x(id INTEGER PRIMARY KEY, x TEXT)"}),
                          forged("t", {"CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT) AS SELECT 1"})}) {
    BOOST_CHECK_EXCEPTION(both.core_a().bind_peer(peer, bad), failure, is_schema_failure);
    BOOST_TEST(both.all.at(0).app().integer("SELECT count(*) FROM sqlite_schema") == objects);
  }
  BOOST_TEST(both.core_a().verify().empty());
  both.core_a().bind_peer(peer, forged("t", {good}));
  both.a("CREATE TABLE t(id TEXT PRIMARY KEY, x TEXT)");
  BOOST_CHECK_EXCEPTION(both.core_a().track(std::vector<std::string>{"t"}), failure, is_schema_failure);
  BOOST_TEST(both.core_a().status().kept_tables.size() == 1);
  BOOST_CHECK_THROW(both.core_a().untrack(std::vector<std::string>{"t"}), failure);
  both.core_a().untrack(tasks);
  BOOST_TEST(both.all.at(0).app().integer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'tandem%'") == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// Replicas get the table at random times, and write to it from then on; each write is later than all before it.
BOOST_AUTO_TEST_CASE(no_write_to_a_table_that_some_lack_is_lost) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    random_source random{seed};
    const auto count = 3 + random.below(2);
    world all{count, random_tree(random, count), tasks_sql, tasks};
    std::vector<bool> has_table(count);
    std::map<std::string, std::string> expected;
    const auto upgrade = [&](std::size_t at) {
      all.at(at).app().execute(notes_sql);
      all.at(at).core().track(notes);
      has_table[at] = true;
    };
    upgrade(random.below(count));
    for (int step = 0; step < 60; ++step) {
      for (std::size_t i = 0; i < count; ++i)
        all.at(i).move_clock(1'000);
      const auto at = random.below(count);
      if (random.chance(4) && !has_table[at])
        upgrade(at);
      if (random.chance(50) && has_table[at]) {
        const auto key = std::to_string(at) + "-" + std::to_string(random.below(4));
        const auto body = "v" + std::to_string(step);
        const auto dies = random.chance(20);
        must(all.at(at).app().attempt(dies ? "DELETE FROM notes WHERE id = ?1"
                                           : "INSERT INTO notes(id, body) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET "
                                             "body = excluded.body",
                                      dies ? row{of_text(key)} : row{of_text(key), of_text(body)}),
             all.at(at).app().last_error());
        if (dies)
          expected.erase(key);
        else
          expected[key] = body;
        all.at(at).core().stamp_pending();
      } else {
        const auto& [left, right] = random.pick(all.links());
        const auto from = random.chance(50) ? left : right;
        all.at(from).core().stamp_pending();
        if (const auto message = all.bundle(from, left + right - from))
          all.deliver(left + right - from, *message);
      }
    }
    all.heal();
    for (std::size_t i = 0; i < count; ++i)
      if (!has_table[i])
        upgrade(i);
    all.heal();
    must_be_level(all);
    std::string shown;
    for (const auto& [key, body] : expected)
      shown += "('" + key + "', '" + body + "')";
    for (std::size_t i = 0; i < count; ++i)
      BOOST_TEST(shown_rows(all.at(i).app(), "SELECT id, body FROM notes ORDER BY id") == shown, "seed " << seed);
  }
}
