// What people choose: settled once, later choices over earlier ones, undo, fields, re-insertion, and rows of the audit
// trail that a peer made up.
#include <algorithm>
#include <set>

#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "messages/limits.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::storage::conflict;
using tandem::storage::conflict_kind;
using tandem::storage::policy;
using tandem::storage::resolution;
namespace limits = tandem::limits;
using kind = resolution::kind;

namespace {

const std::vector<std::string> tasks_sql{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT, done INTEGER)"};

/// Two writes of one title, of which B's is the later; the conflict is open.
struct one_conflict : two_replicas {
  explicit one_conflict(const std::string& rule = "ask")
      : two_replicas{tasks_sql, {"tasks"}, "INSERT INTO tasks VALUES (1, 'old', 0)"} {
    core_a().track(std::vector<std::string>{"tasks"}, std::vector<policy>{{"tasks", "title", rule}});
    level();
    a("UPDATE tasks SET title = 'by a'");
    b_is_later();
    b("UPDATE tasks SET title = 'by b'");
    level();
    id = conflicts().at(0).id;
  }
  conflict found() {
    const auto here = core_a().find_conflict(id);
    const auto there = core_b().find_conflict(id);
    BOOST_TEST(here.state == there.state);
    BOOST_TEST(here.settlements.size() == there.settlements.size());
    BOOST_TEST(here.is_contested == there.is_contested);
    BOOST_TEST(here.is_overtaken == there.is_overtaken);
    return here;
  }
  std::string title() { return text("SELECT title FROM tasks"); }
  std::string id;
};

std::string refusal(tandem::storage::replica& core, const resolution& choice) {
  const auto before = core.digest();
  try {
    core.resolve(choice);
  } catch (const failure& refused) {
    BOOST_TEST(core.digest() == before);
    return refused.what();
  }
  BOOST_ERROR("this should have been refused");
  return {};
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_conflict_is_settled_once_and_says_so_afterwards) {
  one_conflict both;
  BOOST_TEST(both.found().state == "open");
  both.core_a().resolve({both.id, kind::take_other, {}, "Ann"});
  both.level();
  const auto settled = both.found();
  BOOST_TEST(settled.state == "resolved");
  BOOST_TEST(settled.settled_who == "Ann");
  BOOST_REQUIRE(settled.settlements.size() == 1U);
  BOOST_TEST(settled.settlements[0].who == "Ann");
  BOOST_TEST(settled.settlements[0].choice == "other");
  BOOST_TEST(settled.settlements[0].value_json == "\"by a\"");
  BOOST_TEST(settled.settlements[0].replaced_json == "\"by b\"");
  BOOST_TEST((settled.settlements[0].written.site == both.all.at(0).site()));
  BOOST_TEST(has(refusal(both.core_b(), {both.id, kind::take_current}), "settled already, by Ann (other)"));
  both.core_b().resolve({both.id, kind::take_current, {}, "Bob", true});
  both.level();
  BOOST_TEST(both.title() == "('by b')");
  BOOST_TEST(!both.found().is_contested);
  BOOST_TEST(both.found().settlements.size() == 2U);
  BOOST_TEST(both.core_a().conflicts(true).empty());
}

BOOST_AUTO_TEST_CASE(of_two_people_who_settle_at_once_the_later_choice_stands_whatever_the_policy) {
  for (const auto* rule : {"lww", "ask", "keep_first", "max", "min"})
    for (const bool a_is_later : {false, true}) {
      BOOST_TEST_CONTEXT(rule << (a_is_later ? ", A is later" : ", B is later")) {
        one_conflict both{rule};
        both.all.at(a_is_later ? 0 : 1).move_clock(5'000);
        both.core_a().resolve({both.id, kind::take_value, "\"ann's\"", "Ann"});
        both.core_b().resolve({both.id, kind::take_value, "\"bob's\"", "Bob"});
        both.level();
        BOOST_TEST(both.title() == (a_is_later ? "('ann''s')" : "('bob''s')"));
        const auto settled = both.found();
        BOOST_TEST(settled.state == "resolved");
        BOOST_TEST(settled.is_contested);
        BOOST_TEST(settled.settled_who == (a_is_later ? "Ann" : "Bob"));
        BOOST_REQUIRE(settled.settlements.size() == 2U);
        BOOST_TEST(settled.settlements[0].value_json == (a_is_later ? "\"bob's\"" : "\"ann's\""));
        BOOST_TEST(settled.settlements[1].value_json == (a_is_later ? "\"ann's\"" : "\"bob's\""));
        BOOST_TEST(both.core_a().conflicts(true).empty());
      }
    }
}

BOOST_AUTO_TEST_CASE(of_two_people_who_disagree_whether_a_row_lives_the_later_choice_stands) {
  for (const bool a_is_later : {false, true})
    for (const bool a_lets_live : {false, true}) {
      BOOST_TEST_CONTEXT("A is later " << a_is_later << ", A lets live " << a_lets_live) {
        two_replicas both{tasks_sql, {"tasks"}, "INSERT INTO tasks VALUES (1, 'old', 0)"};
        both.a("DELETE FROM tasks");
        both.b("UPDATE tasks SET title = 'edited'");
        both.level();
        const auto id = both.conflicts().at(0).id;
        both.all.at(a_is_later ? 0 : 1).move_clock(5'000);
        both.core_a().resolve({id, a_lets_live ? kind::take_current : kind::take_other});
        both.core_b().resolve({id, a_lets_live ? kind::take_other : kind::take_current});
        both.level();
        BOOST_TEST(both.text("SELECT title FROM tasks") == (a_lets_live == a_is_later ? "('edited')" : ""));
        BOOST_TEST(both.core_a().find_conflict(id).is_contested);
        BOOST_TEST(both.core_b().find_conflict(id).is_contested);
      }
    }
}

BOOST_AUTO_TEST_CASE(a_conflict_whose_cell_was_written_anew_is_shown_as_overtaken) {
  one_conflict both;
  BOOST_TEST(!both.found().is_overtaken);
  both.a("UPDATE tasks SET done = 1"); // another cell
  both.level();
  BOOST_TEST(both.found().state == "open");
  both.a("UPDATE tasks SET title = 'newer'");
  both.level();
  BOOST_TEST(both.found().state == "overtaken");
  BOOST_TEST(both.found().is_overtaken);
  BOOST_TEST(both.core_b().conflicts(true).at(0).state == "overtaken");
  both.core_b().resolve({both.id, kind::take_current});
  both.level();
  BOOST_TEST(both.title() == "('newer')");
  BOOST_TEST(both.core_b().conflicts(true).empty());
}

BOOST_AUTO_TEST_CASE(undo_of_undo_of_undo_goes_back_and_forth) {
  for (const auto* rule : {"lww", "ask", "max"}) {
    BOOST_TEST_CONTEXT(rule) {
      one_conflict both{rule};
      both.core_a().resolve({both.id, kind::take_value, "\"third\""});
      both.level();
      for (int round = 0; round < 4; ++round) {
        auto& core = round % 2 ? both.core_a() : both.core_b();
        core.resolve({both.id, kind::undo});
        both.level();
        BOOST_TEST(both.title() == (round % 2 ? "('third')" : "('by b')"));
        BOOST_TEST(both.found().state == (round % 2 ? "resolved" : "undone"));
      }
      BOOST_TEST(both.found().settlements.size() == 5U);
      both.core_a().resolve({both.id, kind::undo});
      both.core_a().resolve({both.id, kind::take_other});
      both.level();
      BOOST_TEST(both.title() == "('by a')");
    }
  }
}

BOOST_AUTO_TEST_CASE(what_a_policy_settled_is_undone_and_redone) {
  one_conflict both{"lww"};
  both.core_b().resolve({both.id, kind::undo});
  both.level();
  BOOST_TEST(both.title() == "('by a')");
  BOOST_TEST(both.found().state == "undone");
  both.core_a().resolve({both.id, kind::undo});
  both.level();
  BOOST_TEST(both.title() == "('by b')");
  BOOST_TEST(both.found().state == "settled");
}

BOOST_AUTO_TEST_CASE(an_undo_over_a_newer_write_is_refused_unless_forced) {
  one_conflict both;
  BOOST_TEST(has(refusal(both.core_a(), {both.id, kind::undo}), "is open"));
  both.core_a().resolve({both.id, kind::take_other});
  both.level();
  both.b("UPDATE tasks SET title = 'newer'");
  both.level();
  BOOST_TEST(has(refusal(both.core_a(), {both.id, kind::undo}), "written anew by site"));
  both.core_a().resolve({both.id, kind::undo, {}, {}, true});
  both.level();
  BOOST_TEST(both.title() == "('by b')");
  BOOST_TEST(both.found().settlements.back().replaced_json == "\"newer\"");
  both.a("DELETE FROM tasks");
  both.level();
  BOOST_TEST(has(refusal(both.core_a(), {both.id, kind::undo}), "written anew by site"));
  BOOST_TEST(has(refusal(both.core_a(), {both.id, kind::undo, {}, {}, true}), "was deleted since"));
}

namespace {

/// Two whole rows under one key, of which B's is the later, with a child of each.
struct two_inserts : two_replicas {
  two_inserts()
      : two_replicas{{"CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, town TEXT, age INTEGER)",
                      "CREATE TABLE pets(id INTEGER PRIMARY KEY, name TEXT, owner INTEGER REFERENCES people)"},
                     {"people", "pets"}} {
    a("INSERT INTO people VALUES (7, 'ann', 'a-town', 30)");
    a("INSERT INTO pets VALUES (1, 'cat of ann', 7)");
    b_is_later();
    b("INSERT INTO people VALUES (7, 'bob', 'b-town', 40)");
    b("INSERT INTO pets VALUES (2, 'dog of bob', 7)");
    level();
    for (const auto& each : conflicts())
      if (each.table == "people")
        id = each.id;
  }
  std::string people() { return text("SELECT * FROM people"); }
  std::string pets() { return text("SELECT id, owner FROM pets"); }
  std::string id;
};

} // namespace

BOOST_AUTO_TEST_CASE(fields_of_both_rows_and_of_neither_are_merged) {
  two_inserts both;
  BOOST_TEST(both.people() == "(7, 'bob', 'b-town', 40)");
  for (const auto* wrong : {"", "[]", "{}", "nothing", R"({"name": "both"})", R"({"height": "other"})",
                            R"({"id": "other"})", R"({"age": {"number": 3}})", R"({"age": 3})"})
    BOOST_TEST_CONTEXT(wrong) {
      refusal(both.core_a(), {both.id, kind::take_fields, wrong});
    }
  BOOST_TEST(has(refusal(both.core_a(), {both.id, kind::take_value, "1"}), "whole row"));
  both.core_a().resolve({both.id, kind::take_fields, R"({"name": "other", "age": {"value": 35}})", "Ann"});
  both.level();
  BOOST_TEST(both.people() == "(7, 'ann', 'b-town', 35)");
  const auto settled = both.core_b().find_conflict(both.id);
  BOOST_TEST(settled.choice == "fields");
  BOOST_TEST(settled.settlements.at(0).detail == R"({"name": "other", "age": {"value": 35}})");
  both.core_b().resolve({both.id, kind::undo});
  both.level();
  BOOST_TEST(both.people() == "(7, 'bob', 'b-town', 40)");
  one_conflict cell;
  refusal(cell.core_a(), {cell.id, kind::take_fields, R"({"title": "other"})"});
}

BOOST_AUTO_TEST_CASE(two_inserts_with_later_writes_of_their_own_are_not_overtaken_by_these) {
  two_replicas both{tasks_sql, {"tasks"}};
  both.a("INSERT INTO tasks VALUES (1, 'by a', 0)");
  both.b_is_later();
  both.b("INSERT INTO tasks VALUES (1, 'by b', 0)");
  both.core_b().stamp_pending();
  both.all.at(1).move_clock(1'000);
  both.b("UPDATE tasks SET done = 1");
  both.level();
  std::string id;
  for (const auto& each : both.conflicts())
    if (each.kind == conflict_kind::insert)
      id = each.id;
  BOOST_TEST(!both.core_a().find_conflict(id).is_overtaken);
  both.core_a().resolve({id, kind::undo});
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks") == "('by a')");
  both.b("UPDATE tasks SET done = 5");
  both.level();
  BOOST_TEST(both.core_a().find_conflict(id).is_overtaken);
  refusal(both.core_a(), {id, kind::undo});
}

BOOST_AUTO_TEST_CASE(a_deleted_row_comes_back_with_fields_of_its_own) {
  two_replicas both{tasks_sql, {"tasks"}, "INSERT INTO tasks VALUES (1, 'old', 0)"};
  both.core_a().track(std::vector<std::string>{"tasks"}, std::vector<policy>{{"tasks", "", "delete_wins"}});
  both.level();
  both.a("DELETE FROM tasks");
  both.b("UPDATE tasks SET title = 'edited'");
  both.level();
  const auto id = both.conflicts().at(0).id;
  BOOST_TEST(has(refusal(both.core_b(), {id, kind::take_fields, R"({"title": "current"})"}), "has no"));
  both.core_b().resolve({id, kind::take_fields, R"({"title": "other", "done": {"value": 9}})"});
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks") == "(1, 'edited', 9)");
  both.core_a().resolve({id, kind::undo});
  both.level();
  BOOST_TEST(both.text("SELECT count(*) FROM tasks") == "(0)");
}

BOOST_AUTO_TEST_CASE(the_row_that_lost_is_inserted_again_and_its_children_follow) {
  two_inserts both;
  both.a("INSERT INTO people VALUES (8, 'in the way', 'x', 0)");
  both.level();
  for (const auto* wrong : {"8", "7", "\"text\"", "[1, 2]", "null", "{}", "nothing"})
    BOOST_TEST_CONTEXT(wrong) {
      refusal(both.core_a(), {both.id, kind::reinsert, wrong});
    }
  both.core_b().resolve({both.id, kind::reinsert, "9"});
  both.level();
  BOOST_TEST(both.text("SELECT id, name FROM people") == "(7, 'bob')(8, 'in the way')(9, 'ann')");
  BOOST_TEST(both.pets() == "(1, 9)(2, 7)");
  BOOST_TEST(both.core_a().find_conflict(both.id).choice == "reinserted");
  both.a("UPDATE people SET age = 31 WHERE id = 9");
  both.level();
  BOOST_TEST(has(refusal(both.core_a(), {both.id, kind::undo}), "changed since"));
  both.core_a().resolve({both.id, kind::undo, {}, {}, true});
  both.level();
  BOOST_TEST(both.text("SELECT id FROM people") == "(7)(8)");
  BOOST_TEST(both.pets() == "(1, 7)(2, 7)");
  one_conflict cell;
  refusal(cell.core_a(), {cell.id, kind::reinsert, "5"});
}

// --- every order of delivery -------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(choices_made_at_once_on_several_devices_come_out_as_the_latest_everywhere) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_source random{seed};
      const auto devices = 2 + random.below(3);
      world all{devices, random_tree(random, devices), tasks_sql, {"tasks"}};
      const std::vector<std::string> rules{"lww", "ask", "max", "min", "keep_first"};
      all.at(0).core().track(std::vector<std::string>{"tasks"},
                             std::vector<policy>{{"tasks", "title", rules[random.below(rules.size())]}});
      all.at(0).app().execute("INSERT INTO tasks VALUES (1, 'old', 0)");
      all.heal();
      all.at(0).app().execute("UPDATE tasks SET title = 'one'");
      all.at(0).core().stamp_pending();
      all.at(1).move_clock(1'000);
      all.at(1).app().execute("UPDATE tasks SET title = 'two'");
      all.heal();
      const auto id = all.at(0).core().conflicts().at(0).id;
      // The model: whoever chose last, by the clock.
      std::string last;
      std::set<std::string> chosen;
      std::vector<std::size_t> order;
      for (std::size_t i = 0; i < devices; ++i)
        order.insert(order.begin() + static_cast<std::ptrdiff_t>(random.below(i + 1)), i);
      for (std::size_t place = 0; place < devices; ++place) {
        auto& device = all.at(order[place]);
        device.move_clock(10'000 + static_cast<std::int64_t>(place) * 3'000);
        last = "by " + device.name();
        chosen.insert("\"" + last + "\"");
        device.core().resolve({id, kind::take_value, "\"" + last + "\"", device.name()});
      }
      for (int step = 0; step < 12; ++step) {
        const auto& over = all.links()[random.below(all.links().size())];
        const bool back = random.below(2) != 0;
        const auto from = back ? over.second : over.first;
        const auto to = back ? over.first : over.second;
        const auto crossing = random.below(2) ? all.bundle(to, from) : std::nullopt;
        if (const auto message = all.bundle(from, to)) {
          all.deliver(to, *message);
          if (random.below(2))
            all.deliver(from, all.acknowledgement(to, from));
        }
        if (crossing)
          all.deliver(from, *crossing);
      }
      all.heal();
      must_be_level(all);
      for (std::size_t i = 0; i < devices; ++i) {
        BOOST_TEST(shown_rows(all.at(i).app(), "SELECT title FROM tasks") == "('" + last + "')");
        const auto settled = all.at(i).core().find_conflict(id);
        BOOST_TEST(settled.state == "resolved");
        BOOST_TEST("by " + settled.settled_who == last);
        std::set<std::string> audited;
        for (const auto& each : settled.settlements)
          audited.insert(each.value_json);
        BOOST_TEST((audited == chosen));
        BOOST_TEST(all.at(i).core().conflicts(true).empty());
      }
      // And all of it can still be undone: the latest choice goes.
      all.at(order.front()).core().resolve({id, kind::undo});
      all.heal();
      must_be_level(all);
      BOOST_TEST(all.at(0).core().find_conflict(id).state == "undone");
    }
  }
}

// --- rows that a peer made up ------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(made_up_rows_of_the_audit_trail_are_shown_with_what_is_wrong_and_harm_nothing) {
  one_conflict both;
  const std::string good =
      "'cell', 'tasks', x'0101', 'title', 'a', 1, zeroblob(16), 'b', 2, zeroblob(16), 'lww', 'open'";
  const auto made_up = [&](const std::string& id, std::string from, std::string to) {
    auto values = good;
    values.replace(values.find(from), from.size(), to);
    both.a("INSERT INTO tandem_conflicts(id, kind, tbl, k, col, current, current_hlc, current_site, other, other_hlc, "
           "other_site, rule, state) VALUES ('" +
           id + "', " + values + ")");
  };
  made_up("f01", "'tasks'", "'nothing'");
  made_up("f02", "'tasks'", "'tandem_policies'");
  made_up("f03", "'cell'", "'quarrel'");
  made_up("f04", "'open'", "'forgotten'");
  made_up("f05", "x'0101'", "x'ffffff'");
  made_up("f06", "x'0101'", "NULL");
  made_up("f07", "zeroblob(16)", "zeroblob(3)");
  made_up("f08", "'title', 'a'", "NULL, x'07ff'");
  made_up("f09", "'open'", "replace(hex(zeroblob(50000)), '0', 'x')");
  // Choices about nothing, without sites, and following themselves.
  both.a("INSERT INTO tandem_conflicts(id, kind, about) VALUES ('f10', 'settlement', '" + both.id + "')");
  both.a("INSERT INTO tandem_conflicts(id, kind, about, follows, choice, current_hlc, current_site, other_hlc, "
         "other_site) "
         "VALUES ('f11', 'settlement', '" +
         both.id + "', 'f11', 'undo', 5, zeroblob(16), 4, zeroblob(16))");
  both.a("INSERT INTO tandem_conflicts(id, kind, about) VALUES ('f12', 'settlement', 'nobody')");
  both.level();
  for (auto* core : {&both.core_a(), &both.core_b()}) {
    std::size_t troubled = 0;
    for (const auto& each : core->conflicts())
      troubled += !each.trouble.empty();
    BOOST_TEST(troubled == 9U);
    for (const auto* id : {"f01", "f02", "f03", "f04", "f05", "f06", "f07", "f08", "f09"})
      BOOST_TEST_CONTEXT(id) {
        BOOST_TEST(has(refusal(*core, {id, kind::take_other}), "nothing can be done about"));
        refusal(*core, {id, kind::undo});
      }
    refusal(*core, {"f10", kind::take_current});
    refusal(*core, {"f12", kind::take_current});
    refusal(*core, {both.id, kind::take_other, {}, std::string(limits::label_bytes_max + 1, 'x')});
    refusal(*core, {"", kind::take_other});
    core->status();
  }
  // They can be got out of the inbox, and the honest conflict is settled as ever.
  both.core_a().resolve({"f01", kind::take_current});
  both.core_a().resolve({both.id, kind::take_other});
  both.level();
  BOOST_TEST(both.title() == "('by a')");
  BOOST_TEST(both.core_b().find_conflict("f01").state == "resolved");
  both.core_b().resolve({both.id, kind::undo});
  both.level();
  BOOST_TEST(both.title() == "('by b')");
}
