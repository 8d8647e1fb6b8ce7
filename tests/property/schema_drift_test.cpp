// Replicas of different versions of an app: what one lacks is kept for the others, and put in place later.
#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "messages/row_block.hpp"
#include "tests/property/environment.hpp"
#include "tests/property/three_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::messages::failure_code;
using tandem::messages::site_id;

namespace {

const std::string add_done = "ALTER TABLE tasks ADD COLUMN done INTEGER DEFAULT 0";

} // namespace

BOOST_AUTO_TEST_SUITE(schema_drift)

BOOST_AUTO_TEST_CASE(an_old_hub_relays_what_two_new_leaves_say) {
  three_replicas world;
  world.run(0, "INSERT INTO tasks VALUES (1, 'before')");
  world.all.heal();
  world.run(0, add_done);
  world.run(2, add_done);
  world.run(0, "UPDATE tasks SET done = 7; INSERT INTO tasks VALUES (2, 'new', 8)");
  world.run(1, "INSERT INTO tasks VALUES (3, 'from the old hub')");
  world.all.heal();
  const std::string all_rows = "SELECT * FROM tasks ORDER BY id";
  BOOST_TEST(world.shown_at(0, all_rows) == "(1, 'before', 7)(2, 'new', 8)(3, 'from the old hub', 0)");
  BOOST_TEST(world.shown_at(2, all_rows) == world.shown_at(0, all_rows));
  BOOST_TEST(world.shown_at(1, all_rows) == "(1, 'before')(2, 'new')(3, 'from the old hub')");
  BOOST_TEST(world.all.at(0).core().conflicts().empty());
  world.must_be_sound();
  // The hub's own migration puts in place what it kept.
  world.run(1, add_done);
  world.all.heal();
  BOOST_TEST(world.shown_at(1, all_rows) == world.shown_at(0, all_rows));
  BOOST_CHECK_NO_THROW(must_be_level(world.all));
}

BOOST_AUTO_TEST_CASE(adding_a_column_writes_nothing) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one'), (2, 'two')"};
  const auto head = both.core_a().head();
  both.a(add_done);
  BOOST_TEST(both.core_a().has_pending());
  both.core_a().stamp_pending();
  BOOST_TEST(!both.core_a().has_pending());
  BOOST_TEST(both.core_a().head() == head);
}

BOOST_AUTO_TEST_CASE(a_default_loses_to_what_was_written_and_is_no_conflict) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.a(add_done);
  both.a("UPDATE tasks SET done = 1");
  both.core_a().stamp_pending();
  both.all.at(1).move_clock(10'000);
  both.b("UPDATE tasks SET title = 'offline'");
  both.b(add_done); // later than what A wrote
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks") == "(1, 'offline', 1)");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(what_the_migration_wrote_meets_what_waited) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one'), (2, 'two')"};
  both.a(add_done);
  both.a("UPDATE tasks SET done = 1");
  both.all.heal();
  both.b_is_later();
  both.b(add_done);
  both.b("UPDATE tasks SET done = 9 WHERE id = 2");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks ORDER BY id") == "(1, 'one', 1)(2, 'two', 9)");
  BOOST_REQUIRE(both.conflicts().size() == 1);
  BOOST_TEST(both.conflicts()[0].other_json == "1");
  BOOST_TEST(both.conflicts()[0].column == "done");
}

BOOST_AUTO_TEST_CASE(deleted_rows_keep_what_was_aside) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.a(add_done);
  both.a("UPDATE tasks SET done = 5");
  both.all.heal();
  both.b("DELETE FROM tasks");
  both.a("UPDATE tasks SET title = 'crosses the delete'");
  both.all.heal();
  BOOST_TEST(shown_rows(both.all.at(0).app(), "SELECT * FROM tasks") == "(1, 'crosses the delete', 5)");
  both.b(add_done);
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks") == "(1, 'crosses the delete', 5)");
}

BOOST_AUTO_TEST_CASE(a_row_written_whole_by_the_old_version_keeps_the_new_column) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.a(add_done);
  both.a("UPDATE tasks SET done = 5");
  both.all.heal();
  both.b("DELETE FROM tasks; INSERT INTO tasks VALUES (1, 'anew')");
  both.all.heal();
  both.b("REPLACE INTO tasks VALUES (1, 'replaced')");
  both.all.heal();
  BOOST_TEST(shown_rows(both.all.at(0).app(), "SELECT * FROM tasks") == "(1, 'replaced', 5)");
  both.b(add_done);
  both.level();
}

BOOST_AUTO_TEST_CASE(a_value_that_the_new_column_does_not_admit_is_set_aside_and_comes_back) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one'), (2, 'two')"};
  both.a(add_done);
  both.a("UPDATE tasks SET done = 5 WHERE id = 1");
  both.all.heal();
  both.b("ALTER TABLE tasks ADD COLUMN done INTEGER DEFAULT 0 CHECK (done < 3)");
  both.all.heal();
  BOOST_TEST(shown_rows(both.all.at(1).app(), "SELECT * FROM tasks") == "(2, 'two', 0)");
  BOOST_TEST(both.core_b().quarantine().size() == 1);
  both.a("UPDATE tasks SET done = 1");
  both.level();
  BOOST_TEST(both.core_b().quarantine().empty());
  BOOST_TEST(both.text("SELECT id, done FROM tasks ORDER BY id") == "(1, 1)(2, 1)");
}

BOOST_AUTO_TEST_CASE(another_primary_key_is_refused_with_nothing_changed) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.b("DROP TABLE tasks; CREATE TABLE tasks(uuid TEXT PRIMARY KEY, id INTEGER, title TEXT)");
  both.core_b().stamp_pending();
  both.core_b().track(tasks);
  const auto theirs = both.core_b().schema();
  const auto head = both.core_a().head();
  const auto is_schema_failure = [](const failure& error) {
    return error.code() == failure_code::schema;
  };
  BOOST_CHECK_EXCEPTION(both.core_a().bind_peer(both.all.at(1).site(), theirs), failure, is_schema_failure);
  BOOST_TEST(both.core_a().head() == head);
  BOOST_TEST(both.core_a().verify().empty());
}

BOOST_AUTO_TEST_CASE(more_columns_than_the_limit_are_refused) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  auto theirs = both.core_b().schema();
  for (auto& table : theirs.tables)
    if (table.name == "tasks")
      for (std::uint32_t i = 0; i < 2'000; ++i)
        table.columns.push_back({100 + i, "forged" + std::to_string(i), "", 0});
  const auto is_limit = [](const failure& error) {
    return error.code() == failure_code::limit;
  };
  BOOST_CHECK_EXCEPTION(both.core_a().bind_peer(both.all.at(1).site(), theirs), failure, is_limit);
  BOOST_TEST(both.all.at(0).app().integer("SELECT count(*) FROM tandem_columns WHERE gone") == 0);
}

BOOST_AUTO_TEST_CASE(a_dropped_column_stays_for_others_and_comes_back_with_its_values) {
  three_replicas world;
  world.run(0, add_done);
  world.run(1, add_done);
  world.run(2, add_done);
  world.run(0, "INSERT INTO tasks VALUES (1, 'one', 5), (2, 'two', 6), (3, 'dead', 7)");
  world.all.heal();
  BOOST_CHECK(!world.all.at(1).app().attempt("ALTER TABLE tasks DROP COLUMN done", {})); // by any SQLite
  world.run(1, "DELETE FROM tasks WHERE id = 3");
  world.all.at(1).core().migrate("ALTER TABLE tasks ADD COLUMN a; ALTER TABLE tasks ADD COLUMN b; -- and then\n"
                                 "ALTER TABLE tasks DROP COLUMN done; UPDATE tasks SET a = id; "
                                 "ALTER TABLE tasks DROP COLUMN b; ");
  BOOST_TEST(world.shown_at(1, "SELECT * FROM tasks") == "(1, 'one', 1)(2, 'two', 2)");
  world.run(2, "UPDATE tasks SET done = 8 WHERE id = 2; UPDATE tasks SET title = 'crosses the delete' WHERE id = 3");
  world.run(1, "UPDATE tasks SET title = 'uno' WHERE id = 1");
  world.all.heal();
  const std::string rest = "(1, 'uno', 5)(2, 'two', 8)(3, 'crosses the delete', 7)";
  BOOST_TEST(world.shown_at(0, "SELECT id, title, done FROM tasks ORDER BY id") == rest);
  BOOST_TEST(world.shown_at(2, "SELECT id, title, done FROM tasks ORDER BY id") == rest);
  BOOST_TEST(world.shown_at(1, "SELECT id, a FROM tasks ORDER BY id") == "(1, 1)(2, 2)(3, NULL)");
  world.must_be_sound();
  world.run(1, add_done);
  world.all.heal();
  BOOST_TEST(world.shown_at(1, "SELECT id, title, done FROM tasks ORDER BY id") == rest);
  world.must_be_sound();
}

BOOST_AUTO_TEST_CASE(a_migration_that_fails_does_nothing) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.a(add_done);
  for (const auto* bad : {"ALTER TABLE tasks DROP COLUMN done; ALTER TABLE tasks DROP COLUMN absent",
                          "ALTER TABLE tasks DROP COLUMN done; nonsense", "ALTER TABLE tasks DROP COLUMN done; COMMIT",
                          "ALTER TABLE tasks DROP COLUMN id", "INSERT INTO tasks VALUES (1, 'again', 1)"})
    BOOST_CHECK_EXCEPTION(both.core_a().migrate(bad), failure,
                          [](const failure& error) { return error.code() == failure_code::usage; });
  both.a("UPDATE tasks SET done = 4");
  both.b(add_done);
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks") == "(1, 'one', 4)");
}

BOOST_AUTO_TEST_CASE(a_column_added_while_a_bundle_waits_takes_its_values) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.a(add_done);
  both.a("UPDATE tasks SET done = 4");
  both.core_a().stamp_pending();
  const auto waiting = both.all.bundle(0, 1);
  BOOST_REQUIRE(waiting.has_value());
  both.core_b().bind_peer(waiting->from, waiting->schema);
  both.b(add_done); // after the peer was bound, before its bundle is merged
  both.all.deliver(1, *waiting);
  BOOST_TEST(shown_rows(both.all.at(1).app(), "SELECT * FROM tasks") == "(1, 'one', 4)");
  both.level();
}

BOOST_AUTO_TEST_CASE(another_connection_to_the_file_relays_columns_that_came_meanwhile) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  auto sender = tandem::storage::replica::open(both.core_b().path());
  BOOST_TEST(sender.schema().tables.size() == both.core_b().schema().tables.size()); // it has read its tables
  both.a(add_done);
  both.a("UPDATE tasks SET done = 5");
  both.all.heal();
  site_id leaf;
  leaf.bytes.fill(7);
  auto bundle = sender.extract(leaf, both.core_b().head() - 1);
  BOOST_REQUIRE(bundle.has_value());
  std::vector<std::int64_t> sent;
  while (const auto block = bundle->next_block(1'000'000))
    tandem::messages::read_row_block(*block, [&](const tandem::messages::row_change& change) {
      for (const auto& each : change.values)
        sent.push_back(each.integer);
    });
  BOOST_TEST(sent == std::vector<std::int64_t>{5}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

// --- random migrations against a model -----------------------------------------------------------

namespace {

/// The app's versions, oldest first. Names by which the versions call the model's columns.
struct app_version {
  std::string migration;
  std::vector<std::string> columns; ///< in the model's order: title, done, note
};
const std::vector<app_version> versions{
    {"", {"title"}},
    {add_done, {"title", "done"}},
    {"ALTER TABLE tasks RENAME COLUMN title TO name", {"name", "done"}},
    {"ALTER TABLE tasks ADD COLUMN note TEXT DEFAULT 'none'", {"name", "done", "note"}},
};
const row defaults{value{}, of_integer(0), of_text("none")};

/// Every write has a time of its own and is stamped at once, so that the last one wins wherever it was made.
class drift_model {
public:
  explicit drift_model(std::uint64_t seed)
      : random_{seed}, count_{2 + random_.below(3)}, all_{count_, random_tree(random_, count_), tasks_sql, tasks},
        version_(count_) {}

  void run(std::size_t steps) {
    for (std::size_t i = 0; i < steps; ++i)
      step();
    all_.heal();
    for (std::size_t i = 0; i < count_; ++i)
      check(i);
    for (std::size_t i = 0; i < count_; ++i)
      while (version_[i] + 1 < versions.size())
        upgrade(i);
    all_.heal();
    for (std::size_t i = 0; i < count_; ++i)
      check(i);
    must_be_level(all_);
  }

private:
  void step() {
    for (std::size_t i = 0; i < count_; ++i)
      all_.at(i).move_clock(1'000);
    const auto at = random_.below(count_);
    const auto what = random_.below(100);
    if (what < 5 && version_[at] + 1 < versions.size())
      upgrade(at);
    else if (what < 25)
      insert(at);
    else if (what < 60)
      update(at);
    else
      exchange();
  }

  void upgrade(std::size_t at) {
    all_.at(at).app().execute(versions[++version_[at]].migration);
    if (random_.chance(50))
      all_.at(at).core().stamp_pending();
  }

  void insert(std::size_t at) {
    const auto key = ++last_key_;
    const auto& columns = versions[version_[at]].columns;
    row values{of_integer(key)};
    auto& expected = expected_[key];
    expected = defaults;
    std::string places = "?";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      places += ", ?";
      values.push_back(expected[i] = fresh_value(i));
    }
    must(all_.at(at).app().attempt("INSERT INTO tasks VALUES (" + places + ")", values),
         all_.at(at).app().last_error());
    all_.at(at).core().stamp_pending();
  }

  void update(std::size_t at) {
    const auto present = all_.at(at).app().query("SELECT id FROM tasks ORDER BY id");
    if (present.empty())
      return;
    const auto key = random_.pick(present).front();
    const auto& columns = versions[version_[at]].columns;
    const auto column = random_.below(columns.size());
    const auto given = fresh_value(column);
    must(all_.at(at).app().attempt("UPDATE tasks SET " + columns[column] + " = ? WHERE id = ?", {given, key}),
         all_.at(at).app().last_error());
    expected_[key.view().integer][column] = given;
    all_.at(at).core().stamp_pending();
  }

  // Values never repeat, nor equal a default.
  value fresh_value(std::size_t column) {
    ++last_value_;
    return column == 1 ? of_integer(last_value_) : of_text("v" + std::to_string(last_value_));
  }

  void exchange() {
    const auto& [left, right] = random_.pick(all_.links());
    const bool is_forward = random_.chance(50);
    const auto from = is_forward ? left : right;
    const auto to = is_forward ? right : left;
    all_.at(from).core().stamp_pending();
    const auto message = all_.bundle(from, to);
    if (!message || random_.chance(20))
      return; // lost
    all_.deliver(to, *message);
    if (random_.chance(20))
      all_.deliver(to, *message); // repeated
  }

  void check(std::size_t at) {
    const auto& columns = versions[version_[at]].columns;
    std::string names = "id";
    for (const auto& each : columns)
      names += ", " + each;
    rows expected;
    for (const auto& [key, values] : expected_) {
      row each{of_integer(key)};
      each.insert(each.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(columns.size()));
      expected.push_back(std::move(each));
    }
    const auto found = all_.at(at).app().query("SELECT " + names + " FROM tasks ORDER BY id");
    for (std::size_t i = 0; i < std::max(found.size(), expected.size()); ++i)
      must(i < found.size() && i < expected.size() && encoded(found[i]) == encoded(expected[i]),
           all_.at(at).name() + " (version " + std::to_string(version_[at]) + ") has " +
               (i < found.size() ? shown(found[i]) : "no row") + " where the model has " +
               (i < expected.size() ? shown(expected[i]) : "none"));
    const auto wrong = all_.at(at).core().verify();
    must(wrong.empty(), wrong.empty() ? "" : all_.at(at).name() + ": " + wrong.front());
  }

  random_source random_;
  std::size_t count_;
  world all_;
  std::vector<std::size_t> version_;
  std::map<std::int64_t, row> expected_;
  std::int64_t last_key_ = 0;
  std::int64_t last_value_ = 1'000;
};

} // namespace

BOOST_AUTO_TEST_CASE(random_migrations_lose_nothing) {
  const auto seeds = number_from_environment("TANDEM_RUNS").value_or(150);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    try {
      drift_model{seed}.run(60);
    } catch (const std::exception& error) {
      BOOST_ERROR("seed " << seed << ": " << error.what());
      return;
    }
}
