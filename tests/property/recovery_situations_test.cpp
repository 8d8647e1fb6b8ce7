// Situations by name: compaction, snapshots, clocks that ran ahead, rows that were tampered with.
#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::comparison;
using tandem::storage::conflict_kind;

namespace {

const std::vector<std::string> tasks_sql{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT, note)"};
const std::vector<std::string> tasks{"tasks"};
constexpr std::int64_t hour_ms = 3'600'000;

struct pair_with_tasks : two_replicas {
  pair_with_tasks()
      : two_replicas{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one', 'n'), (2, 'two', 'n'), (3, 'three', 'n')"} {
  }

  /// B has been away for too long.
  void a_forgets() {
    core_a().stamp_pending();
    core_a().set_retention(hour_ms);
    all.at(0).move_clock(2 * hour_ms);
    all.at(1).move_clock(2 * hour_ms);
    while (!core_a().compact(1).is_done) {
    }
    BOOST_TEST(core_a().status().log_entries == 0U);
    BOOST_TEST(shown_rows(all.at(0).app(), "SELECT count(*) FROM tandem_dead") == "(0)");
  }
  /// As somebody would who takes our triggers away for a moment.
  void tamper(std::size_t at, const std::string& sql) {
    auto& app = all.at(at).app();
    const auto triggers = app.query("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
    for (const auto& each : triggers)
      app.execute("DROP TRIGGER \"" + each[0].bytes + "\"");
    app.execute(sql);
    for (const auto& each : triggers)
      app.execute(each[1].bytes);
  }
  /// B asks A, as the side that called; returns how many ranges differed.
  std::size_t repair() {
    const auto site_a = all.at(0).site();
    const auto site_b = all.at(1).site();
    core_a().bind_peer(site_b, core_b().schema());
    core_b().bind_peer(site_a, core_a().schema());
    const auto answer =
        core_a().compare(site_b, core_b().head(), core_b().peer(site_a)->applied, core_b().ranges("tasks"));
    if (answer.how != comparison::differs)
      return 0;
    const auto ours = core_b().rows_of(answer.rows);
    core_b().mend(site_a, answer.rows, true);
    core_a().mend(site_b, ours, false);
    all.heal();
    return answer.rows.ranges.size();
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_deletion_that_was_forgotten_reaches_who_was_away_by_what_its_snapshot_does_not_name) {
  pair_with_tasks both;
  both.a("DELETE FROM tasks WHERE id = 2");
  both.a_forgets();
  both.level();
  BOOST_TEST(both.text("SELECT id FROM tasks ORDER BY id") == "(1)(3)");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(writes_of_who_was_away_are_replayed_and_updated_rows_live_on) {
  pair_with_tasks both;
  both.a("DELETE FROM tasks WHERE id IN (2, 3)");
  both.a("UPDATE tasks SET title = 'by a' WHERE id = 1");
  both.b("UPDATE tasks SET note = 'by b' WHERE id IN (1, 2)");
  both.b("INSERT INTO tasks VALUES (4, 'by b', 'n')");
  both.a_forgets();
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks ORDER BY id") == "(1, 'by a', 'by b')(2, 'two', 'by b')(4, 'by b', 'n')");
  const auto all = both.conflicts();
  BOOST_REQUIRE(all.size() == 1U);
  BOOST_TEST((all[0].kind == conflict_kind::deletion));
}

BOOST_AUTO_TEST_CASE(two_that_have_both_forgotten_meet_again) {
  pair_with_tasks both;
  both.a("DELETE FROM tasks WHERE id = 1");
  both.b("DELETE FROM tasks WHERE id = 2");
  both.a_forgets();
  both.core_b().stamp_pending();
  both.core_b().set_retention(hour_ms);
  both.all.at(1).move_clock(2 * hour_ms);
  while (!both.core_b().compact(1).is_done) {
  }
  both.level();
  BOOST_TEST(both.text("SELECT id FROM tasks") == "(3)");
}

BOOST_AUTO_TEST_CASE(what_a_clock_ahead_has_stamped_is_mended_in_order_and_later_than_what_it_saw) {
  pair_with_tasks both;
  auto& b = both.all.at(1);
  const auto true_ms = 1'000 + tandem::messages::ms_of_hlc(both.core_a().why("tasks", "1").cells.front().written.hlc);
  b.move_clock(hour_ms);
  both.b("UPDATE tasks SET title = 'first' WHERE id = 1");
  both.core_b().stamp_pending();
  both.b("UPDATE tasks SET title = 'second' WHERE id = 2");
  both.core_b().stamp_pending();
  const auto acked = both.core_b().peer(both.all.at(0).site())->acked;
  b.move_clock(-hour_ms);
  BOOST_TEST(both.core_b().correct_stamps(acked, true_ms, hour_ms) == 2U);
  BOOST_TEST(both.core_b().correct_stamps(acked, true_ms, hour_ms) == 0U);
  const auto title_of = [&both](const std::string& key) {
    for (const auto& cell : both.core_b().why("tasks", key).cells)
      if (cell.column == "title")
        return cell.written.hlc;
    return std::uint64_t{0};
  };
  BOOST_TEST(title_of("1") < title_of("2"));
  BOOST_TEST(tandem::messages::ms_of_hlc(title_of("2")) <= true_ms + hour_ms / 2);
  BOOST_TEST(title_of("1") > both.core_a().why("tasks", "1").cells.front().written.hlc);
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks WHERE id < 3 ORDER BY id") == "('first')('second')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(a_write_that_saw_another_stands_though_its_stamp_was_set_back) {
  pair_with_tasks both;
  const auto true_ms = 1'000 + tandem::messages::ms_of_hlc(both.core_a().why("tasks", "1").cells.front().written.hlc);
  both.all.at(0).move_clock(hour_ms);
  both.all.at(1).move_clock(hour_ms);
  both.a("UPDATE tasks SET title = 'first' WHERE id = 1");
  both.level();
  both.b("UPDATE tasks SET title = 'second' WHERE id = 1");
  both.core_b().stamp_pending();
  const auto acked = both.core_b().peer(both.all.at(0).site())->acked;
  both.all.at(0).move_clock(-hour_ms);
  both.all.at(1).move_clock(-hour_ms);
  BOOST_TEST(both.core_b().correct_stamps(acked, true_ms, hour_ms) == 1U);
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks WHERE id = 1") == "('second')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(a_stamp_that_a_peer_has_is_not_given_again_though_no_record_names_it_any_more) {
  pair_with_tasks both;
  const auto true_ms = tandem::messages::ms_of_hlc(both.core_a().why("tasks", "1").cells.front().written.hlc);
  both.all.at(1).move_clock(hour_ms / 120); // fast, but within what a peer takes
  both.b("UPDATE tasks SET note = 'next to it' WHERE id = 3");
  both.level();
  both.b("UPDATE tasks SET title = 'first' WHERE id = 1");
  both.level();
  both.b("UPDATE tasks SET title = 'second' WHERE id = 1");
  both.core_b().stamp_pending();
  both.all.at(1).move_clock(hour_ms);
  both.b("UPDATE tasks SET title = 'third' WHERE id = 2");
  both.core_b().stamp_pending();
  const auto acked = both.core_b().peer(both.all.at(0).site())->acked;
  both.all.at(1).move_clock(-hour_ms);
  BOOST_TEST(both.core_b().correct_stamps(acked, true_ms, hour_ms) == 2U);
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks WHERE id < 3 ORDER BY id") == "('second')('third')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(equal_replicas_have_equal_ranges) {
  pair_with_tasks both;
  BOOST_TEST(both.repair() == 0U);
}

BOOST_AUTO_TEST_CASE(a_comparison_waits_until_both_have_all) {
  pair_with_tasks both;
  both.a("UPDATE tasks SET title = 'not sent' WHERE id = 1");
  const auto site_b = both.all.at(1).site();
  const auto ask = [&] {
    return both.core_a()
        .compare(site_b, both.core_b().head(), both.core_b().peer(both.all.at(0).site())->applied,
                 both.core_b().ranges("tasks"))
        .how;
  };
  BOOST_TEST((ask() == comparison::later)); // not stamped
  both.core_a().stamp_pending();
  BOOST_TEST((ask() == comparison::later)); // not applied
  both.level();
  BOOST_TEST((ask() == comparison::equal));
}

BOOST_AUTO_TEST_CASE(a_tampered_value_yields_to_the_called_sides_and_is_kept) {
  pair_with_tasks both;
  both.tamper(1, "UPDATE tasks SET title = 'tampered' WHERE id = 2");
  BOOST_TEST(both.repair() == 1U);
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks WHERE id = 2") == "('two')");
  const auto all = both.conflicts();
  BOOST_REQUIRE(all.size() == 1U);
  BOOST_TEST(all[0].rule == "repair");
  BOOST_TEST(all[0].other_json == "\"tampered\"");
  BOOST_TEST(both.repair() == 0U);
}

BOOST_AUTO_TEST_CASE(rows_and_records_that_were_lost_come_back) {
  pair_with_tasks both;
  both.tamper(1, "DELETE FROM tasks WHERE id = 1");
  both.tamper(0, "DELETE FROM tasks WHERE id = 2");
  both.tamper(1, "DELETE FROM tandem_rows_3 WHERE slot = 3");
  BOOST_TEST(both.repair() > 0U);
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks ORDER BY id") == "('one')('two')('three')");
  BOOST_TEST(both.repair() == 0U);
}

BOOST_AUTO_TEST_CASE(a_row_that_was_written_behind_our_back_becomes_a_write) {
  pair_with_tasks both;
  both.tamper(0, "INSERT INTO tasks VALUES (4, 'unnoticed', 'n')");
  BOOST_TEST(both.repair() == 1U);
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks WHERE id = 4") == "('unnoticed')");
}

BOOST_AUTO_TEST_CASE(rows_that_were_not_asked_for_mend_nothing) {
  pair_with_tasks both;
  const auto site_b = both.all.at(1).site();
  both.core_a().bind_peer(site_b, both.core_b().schema());
  auto rows =
      both.core_b().rows_of({"tasks",
                             64,
                             {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                              22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
                              44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63},
                             0,
                             {}});
  const auto before = both.core_a().digest();
  rows.ranges.clear();
  BOOST_CHECK_THROW(both.core_a().mend(site_b, rows, true), tandem::messages::failure);
  rows.count = 0;
  BOOST_CHECK_THROW(both.core_a().mend(site_b, rows, true), tandem::messages::failure);
  rows.count = 64;
  rows.ranges = {5, 3};
  BOOST_CHECK_THROW(both.core_a().mend(site_b, rows, true), tandem::messages::failure);
  BOOST_TEST(both.core_a().digest() == before);
}
