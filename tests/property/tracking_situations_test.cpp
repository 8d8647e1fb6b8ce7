// Tables that come, change and go while they are tracked, and what can't be tracked at all.
#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::messages::failure_code;

namespace {

const std::vector<std::string> tasks_sql{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)"};
const std::vector<std::string> tasks{"tasks"};

// Whatever is named by us or names us.
const std::string ours = "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%tandem%' OR sql LIKE '%tandem%'";

std::string refusal(const std::vector<std::string>& sql, const std::string& table) {
  world one{1, {}, sql, {}};
  try {
    one.at(0).core().track(std::vector<std::string>{table});
  } catch (const failure& error) {
    BOOST_TEST(one.at(0).app().integer(ours) == 0);
    return error.what();
  }
  return "(tracked)";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_cannot_be_tracked_is_refused_with_the_reason) {
  BOOST_TEST(contains(refusal({"CREATE TABLE t(a, b)"}, "t"), "primary key"));
  BOOST_TEST(contains(refusal({"CREATE TABLE t(a PRIMARY KEY)", "CREATE VIEW v AS SELECT * FROM t"}, "v"), "view"));
  BOOST_TEST(contains(refusal({"CREATE VIRTUAL TABLE f USING fts5(a)"}, "f"), "virtual"));
  BOOST_TEST(contains(refusal({"CREATE VIRTUAL TABLE f USING fts5(a)"}, "f_data"), "shadow"));
  BOOST_TEST(contains(refusal({"CREATE TABLE t(a PRIMARY KEY)"}, "nothing"), "nothing"));
  BOOST_TEST(contains(refusal({"CREATE TABLE t(a TEXT PRIMARY KEY)", "INSERT INTO t VALUES (NULL)"}, "t"), "NULL"));
}

BOOST_AUTO_TEST_CASE(changes_are_as_urgent_as_the_most_urgent_of_their_tables) {
  using tandem::messages::priority;
  two_replicas both{{"CREATE TABLE calls(id INTEGER PRIMARY KEY, x)", "CREATE TABLE views(id INTEGER PRIMARY KEY, x)",
                     "CREATE TABLE notes(id INTEGER PRIMARY KEY, x)"},
                    {"calls", "views", "notes"},
                    "INSERT INTO notes VALUES (1, 1)"};
  auto& core = both.core_a();
  core.set_priority("calls", priority::critical);
  core.set_priority("views", priority::background);
  BOOST_CHECK_THROW(core.set_priority("nowhere", priority::critical), failure);
  const auto urgency_of = [&](const std::string& sql) {
    both.a(sql);
    return core.stamp_pending().urgency;
  };
  BOOST_TEST((urgency_of("INSERT INTO views VALUES (1, 1)") == priority::background));
  BOOST_TEST((urgency_of("INSERT INTO notes VALUES (2, 1)") == priority::normal));
  BOOST_TEST((urgency_of("INSERT INTO views VALUES (2, 1); UPDATE notes SET x = 2") == priority::normal));
  BOOST_TEST((urgency_of("INSERT INTO views VALUES (3, 1); INSERT INTO calls VALUES (1, 1)") == priority::critical));
  BOOST_TEST(
      (urgency_of("ALTER TABLE views RENAME TO visits; INSERT INTO visits VALUES (4, 1)") == priority::background));
  BOOST_TEST((core.stamp_pending().urgency == priority::normal)); // nothing has changed
  const auto told = core.priorities();
  BOOST_REQUIRE(told.size() == 2U);
  BOOST_TEST(told[1].table == "visits");
  core.set_priority("calls", priority::normal);
  BOOST_TEST(core.priorities().size() == 1U);
  BOOST_TEST(core.verify().empty());
  both.all.heal();
  BOOST_TEST(both.core_b().priorities().empty());
}

BOOST_AUTO_TEST_CASE(track_is_all_or_none) {
  world one{1, {}, {"CREATE TABLE good(a PRIMARY KEY)", "CREATE TABLE bad(a)"}, {}};
  BOOST_CHECK_THROW(one.at(0).core().track(std::vector<std::string>{"good", "bad"}), failure);
  BOOST_TEST(one.at(0).app().integer(ours) == 0);
}

BOOST_AUTO_TEST_CASE(rows_from_before_tracking_sync_too) {
  two_replicas both{tasks_sql, {}};
  both.a("INSERT INTO tasks VALUES (1, 'before')");
  both.core_a().track(tasks);
  both.core_b().track(tasks);
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks") == "(1, 'before')");
}

BOOST_AUTO_TEST_CASE(an_equal_row_on_both_sides_from_before_tracking_is_no_conflict) {
  two_replicas both{tasks_sql, {}};
  both.a("INSERT INTO tasks VALUES (1, 'same')");
  both.b("INSERT INTO tasks VALUES (1, 'same')");
  both.core_a().track(tasks);
  both.core_b().track(tasks);
  both.level();
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(writes_while_nothing_runs_are_picked_up) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  const auto path = both.all.at(0).path();
  both.all.at(0).take_image();
  both.all.at(0).restart_from_image();
  {
    app_database stock{path};
    stock.execute("BEGIN; INSERT INTO tasks VALUES (2, 'two'); UPDATE tasks SET title = 'ONE' WHERE id = 1; COMMIT");
  }
  both.all.at(0).reopen();
  BOOST_TEST(both.core_a().has_pending());
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks ORDER BY id") == "(1, 'ONE')(2, 'two')");
}

BOOST_AUTO_TEST_CASE(untrack_leaves_nothing_of_ours) {
  two_replicas both{
      {"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)", "CREATE TABLE more(k TEXT PRIMARY KEY) WITHOUT ROWID"},
      {"tasks", "more"},
      "INSERT INTO tasks VALUES (1, 'one')"};
  auto& app = both.all.at(0).app();
  both.core_a().untrack(tasks);
  BOOST_TEST(app.integer("SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'tasks' AND type = 'trigger'") == 0);
  app.execute("INSERT INTO more VALUES ('still tracked')");
  BOOST_TEST(both.core_a().has_pending());
  both.core_a().untrack(std::vector<std::string>{"more"});
  BOOST_TEST(app.integer(ours) == 0);
  app.execute("INSERT INTO tasks VALUES (2, 'free')");
  BOOST_TEST(app.integer("SELECT count(*) FROM tasks") == 2);
  BOOST_TEST(app.text("PRAGMA integrity_check") == "ok");
}

BOOST_AUTO_TEST_CASE(a_table_tracked_again_after_untrack_works) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.core_a().untrack(tasks);
  both.a("UPDATE tasks SET title = 'changed while untracked'");
  both.core_a().track(tasks);
  BOOST_TEST(both.core_a().verify().empty());
  both.all.forget_sent();
  BOOST_CHECK_NO_THROW(both.level());
}

BOOST_AUTO_TEST_CASE(a_column_added_at_both_sides_syncs) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  const auto version = both.core_a().schema_version();
  both.a("ALTER TABLE tasks ADD COLUMN done INTEGER DEFAULT 0");
  both.b("ALTER TABLE tasks ADD COLUMN done INTEGER DEFAULT 0");
  both.a("INSERT INTO tasks VALUES (2, 'two', 1); UPDATE tasks SET done = 7 WHERE id = 1");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks ORDER BY id") == "(1, 'one', 7)(2, 'two', 1)");
  BOOST_TEST(both.core_a().schema_version() > version);
  both.b("UPDATE tasks SET done = 3");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks ORDER BY id") == "(1, 'one', 3)(2, 'two', 3)");
  BOOST_TEST(both.conflicts().empty());
}

// SQLite refuses DROP COLUMN while a trigger names the column, and ours name all.
BOOST_AUTO_TEST_CASE(a_column_can_be_dropped_after_untrack_and_nobody_else_loses_it) {
  two_replicas both{{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT, old TEXT)"},
                    tasks,
                    "INSERT INTO tasks VALUES (1, 'one', 'kept')"};
  BOOST_CHECK_THROW(both.a("ALTER TABLE tasks DROP COLUMN old"), sql_error);
  BOOST_TEST(both.text("SELECT * FROM tasks") == "(1, 'one', 'kept')");
  both.core_a().untrack(tasks);
  both.a("ALTER TABLE tasks DROP COLUMN old");
  both.core_a().track(tasks);
  both.b("INSERT INTO tasks VALUES (2, 'two', 'b keeps')");
  both.all.forget_sent();
  both.all.heal();
  BOOST_TEST(shown_rows(both.all.at(1).app(), "SELECT id, old FROM tasks ORDER BY id") == "(1, 'kept')(2, 'b keeps')");
  BOOST_TEST(shown_rows(both.all.at(0).app(), "SELECT * FROM tasks ORDER BY id") == "(1, 'one')(2, 'two')");
  BOOST_TEST(both.core_a().verify().empty());
  BOOST_TEST(both.core_b().verify().empty());
}

BOOST_AUTO_TEST_CASE(a_renamed_column_keeps_its_values) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.a("ALTER TABLE tasks RENAME COLUMN title TO name");
  both.b("ALTER TABLE tasks RENAME COLUMN title TO name");
  both.a("UPDATE tasks SET name = 'two'");
  both.level();
  BOOST_TEST(both.text("SELECT id, name FROM tasks") == "(1, 'two')");
}

BOOST_AUTO_TEST_CASE(a_dropped_table_is_noticed_and_the_others_go_on) {
  two_replicas both{
      {"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)", "CREATE TABLE more(id INTEGER PRIMARY KEY, v)"},
      {"tasks", "more"},
      "INSERT INTO tasks VALUES (1, 'one'); INSERT INTO more VALUES (1, 'm')"};
  both.a("UPDATE tasks SET title = 'pending when it goes'; DROP TABLE tasks");
  both.a("UPDATE more SET v = 'goes on'");
  BOOST_CHECK_NO_THROW(both.core_a().stamp_pending());
  both.core_a().verify();
  BOOST_CHECK_NO_THROW(both.core_a().status());
  try {
    both.all.heal();
    BOOST_TEST(shown_rows(both.all.at(1).app(), "SELECT v FROM more") == "('goes on')");
  } catch (const failure& error) {
    BOOST_TEST((error.code() == failure_code::schema), error.what());
  }
  BOOST_TEST(shown_rows(both.all.at(1).app(), "SELECT * FROM tasks") == "(1, 'one')"); // nobody else loses rows by it
}

BOOST_AUTO_TEST_CASE(a_table_dropped_and_created_anew_syncs_again) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.a("DROP TABLE tasks");
  both.a(tasks_sql[0]);
  both.a("INSERT INTO tasks VALUES (5, 'five')");
  BOOST_CHECK_NO_THROW(both.core_a().stamp_pending());
  both.core_a().track(tasks);
  both.core_a().stamp_pending();
  BOOST_TEST(both.core_a().verify().empty());
  BOOST_CHECK_NO_THROW(both.all.heal());
  BOOST_TEST(contains(shown_rows(both.all.at(1).app(), "SELECT * FROM tasks"), "(5, 'five')"));
}

BOOST_AUTO_TEST_CASE(an_empty_file_adopts_what_its_peer_tracks) {
  world source{1,
               {},
               {"CREATE TABLE \"odd \"\"name\"\"\"(\"the key\" TEXT PRIMARY KEY, \"select\", made AS "
                "(length(\"select\")) STORED) WITHOUT ROWID",
                "CREATE INDEX by_select ON \"odd \"\"name\"\"\"(\"select\")"},
               {"odd \"name\""}};
  auto& from = source.at(0);
  from.app().execute("INSERT INTO \"odd \"\"name\"\"\" VALUES ('k', x'00')");
  from.core().stamp_pending();
  tandem::storage::replica_options options;
  options.mode = tandem::storage::open_mode::create;
  options.durable = false;
  auto to = tandem::storage::replica::open(source.folder().file("empty.db"), options);
  BOOST_TEST(to.status().adopting);
  const auto theirs = from.core().schema();
  to.level_schema(theirs);
  to.bind_peer(from.site(), theirs);
  const auto sender = from.site();
  auto reading = from.core().extract(to.self().site, 0);
  BOOST_REQUIRE(reading.has_value());
  to.merge(sender, reading->header(), [&, last = std::string{}]() mutable -> std::optional<std::string_view> {
    auto block = reading->next_block(1'000);
    if (!block)
      return std::nullopt;
    last = std::move(*block);
    return last;
  });
  reading.reset();
  BOOST_TEST(to.digest() == from.core().digest());
  app_database app{source.folder().file("empty.db")};
  BOOST_TEST(shown_rows(app, "SELECT * FROM \"odd \"\"name\"\"\"") == "('k', x'00', 1)");
  BOOST_TEST(app.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'by_select'") == 1);
  BOOST_TEST(to.verify().empty());
}
