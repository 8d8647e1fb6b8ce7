// The audit trail: a few of many are found, and what has to go goes everywhere, stays away, and the rest stays.
#include <algorithm>
#include <map>
#include <set>

#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "storage/conflict_reading.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::storage::conflict_kind;
using tandem::storage::conflict_reader;
using tandem::storage::conflict_wish;
using tandem::storage::policy;
using tandem::storage::resolution;
using kind = resolution::kind;

namespace {

constexpr std::uint64_t all_at_once = 1'000'000;
const std::vector<std::string> notes_sql{"CREATE TABLE notes(id INTEGER PRIMARY KEY, quiet TEXT, asked TEXT)"};

std::set<std::string> ids(tandem::storage::replica& core) {
  std::set<std::string> result;
  for (const auto& each : core.conflicts())
    result.insert(each.id);
  return result;
}

std::int64_t trail_rows(device& at) {
  return std::stoll(shown_rows(at.app(), "SELECT count(*) FROM tandem_conflicts").substr(1));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_few_of_many_are_found_by_age_and_by_any_text_and_all_are_counted) {
  two_replicas both{notes_sql, {"notes"}};
  both.core_a().track(std::vector<std::string>{"notes"}, std::vector<policy>{{"notes", "asked", "ask"}});
  for (int id = 1; id <= 12; ++id)
    both.a("INSERT INTO notes VALUES (" + std::to_string(id) + ", 'old', 'old')");
  both.level();
  for (int id = 1; id <= 12; ++id) {
    const auto where = " WHERE id = " + std::to_string(id);
    both.a("UPDATE notes SET " + std::string{id % 2 == 0 ? "asked" : "quiet"} + " = 'Ähren " + std::to_string(id) +
           "'" + where);
    both.core_a().stamp_pending();
    both.all.at(1).move_clock(1'000);
    both.b("UPDATE notes SET " + std::string{id % 2 == 0 ? "asked" : "quiet"} + " = 'Beta " + std::to_string(id) + "'" +
           where);
    both.core_b().stamp_pending();
    both.all.at(0).move_clock(1'000);
  }
  both.level();
  const auto path = both.all.at(0).path();
  conflict_reader reader{path};
  const auto keys = [&](const conflict_wish& wanted) {
    std::string result;
    for (const auto& each : reader.find(wanted).shown)
      result += each.what.key_json + " ";
    return result;
  };
  BOOST_TEST(keys({false, true, "", 3}) == "12 11 10 ");
  BOOST_TEST(keys({false, false, "", 3}) == "1 2 3 ");
  BOOST_TEST(keys({true, true, "", 2}) == "12 10 ");
  BOOST_TEST(reader.find({false, true, "", 3}).total == 12U);
  BOOST_TEST(reader.find({true, true, "", 3}).total == 6U);
  BOOST_TEST(reader.find({}).shown.size() == 12U);
  // A value, a key and a column, in either case; beyond ASCII as it is written.
  BOOST_TEST(keys({false, true, "beta 1", 2}) == "12 11 ");
  BOOST_TEST(reader.find({false, true, "beta 1", 2}).total == 4U); // of 1, 10, 11 and 12
  BOOST_TEST(keys({false, false, "Ähren 7", 5}) == "7 ");
  BOOST_TEST(reader.find({false, true, "ASKED", 1}).total == 6U);
  BOOST_TEST(reader.find({false, true, "nowhere", 1}).total == 0U);
  BOOST_TEST(reader.find({false, true, reader.find({}).shown.at(4).what.id, 2}).total == 1U);
  // A person, and what one of them has written in place of both; also once another choice stands.
  const auto id = reader.find({true, true, "", 1}).shown.at(0).what.id;
  both.core_a().resolve({id, kind::take_value, "\"a third way\"", "Ada"});
  BOOST_TEST(keys({false, true, "ada", 5}) == "12 ");
  both.core_a().resolve({id, kind::take_other, {}, "Hugo", true});
  BOOST_TEST(keys({false, true, "Third Way", 5}) == "12 ");
  BOOST_TEST(keys({false, true, "ada", 5}) == "12 ");
  const auto found = reader.find({false, true, "hugo", 5});
  BOOST_REQUIRE(found.shown.size() == 1U);
  BOOST_TEST(found.shown[0].what.settlements.size() == 2U);
  BOOST_TEST(found.shown[0].what.settled_who == "Hugo");
  BOOST_TEST(reader.find({true, true, "", 1}).total == 5U);
}

BOOST_AUTO_TEST_CASE(rows_and_keys_of_any_type_are_searched_and_one_that_is_set_aside_tells_what_it_waits_for) {
  two_replicas both{
      {"CREATE TABLE people(part BLOB, name TEXT, mail TEXT UNIQUE, PRIMARY KEY(part, name)) WITHOUT ROWID"},
      {"people"}};
  both.a("INSERT INTO people VALUES (x'beef', 'Eve', 'one@example.org')");
  both.b_is_later();
  both.b("INSERT INTO people VALUES (x'cafe', 'Mallory', 'one@example.org')");
  both.level();
  for (std::size_t at = 0; at < 2; ++at) {
    conflict_reader reader{both.all.at(at).path()};
    for (const auto* text : {"CAFE", "mallory", "one@", "PEOPLE", "constraint"}) {
      const auto found = reader.find({true, false, text, 10});
      BOOST_REQUIRE_MESSAGE(found.shown.size() == 1U, text);
      BOOST_TEST((found.shown[0].what.kind == conflict_kind::constraint));
      BOOST_TEST(found.shown[0].waits_for == both.all.at(at).core().quarantine().at(0).reason);
      BOOST_TEST(found.shown[0].waits_for.find("Eve") != std::string::npos);
    }
    BOOST_TEST(reader.find({true, false, "", 10, true}).total == 1U);
    BOOST_TEST(reader.find({true, false, "", 10, false}).total == 0U);
    BOOST_TEST(reader.find({true, false, "eve", 10, false}).total == 0U);
  }
  // Another one takes its place in its way.
  both.a("UPDATE people SET mail = 'two@example.org'");
  both.level();
  conflict_reader reader{both.all.at(1).path()};
  BOOST_TEST(reader.find({true, false, "", 10}).total == 0U);
  BOOST_TEST(reader.find({false, false, "mallory", 10}).shown.at(0).waits_for.empty());
}

BOOST_AUTO_TEST_CASE(settled_conflicts_go_by_age_and_by_count_and_open_ones_stay) {
  two_replicas both{notes_sql, {"notes"}, "INSERT INTO notes VALUES (1, 'old', 'old')"};
  both.core_a().track(std::vector<std::string>{"notes"}, std::vector<policy>{{"notes", "asked", "ask"}});
  both.level();
  for (int round = 0; round < 4; ++round) {
    both.a("UPDATE notes SET quiet = 'a" + std::to_string(round) + "', asked = 'a" + std::to_string(round) + "'");
    both.b_is_later();
    both.b("UPDATE notes SET quiet = 'b" + std::to_string(round) + "', asked = 'b" + std::to_string(round) + "'");
    both.level();
    both.all.at(0).move_clock(10'000);
    both.all.at(1).move_clock(9'000);
  }
  BOOST_TEST(both.conflicts().size() == 8U);
  BOOST_TEST(both.core_a().prune_audit(all_at_once).removed == 0U); // there are no limits
  BOOST_CHECK_THROW(both.core_a().set_audit_limits({-1, 0}), failure);
  both.core_a().set_audit_limits({0, 2});
  BOOST_TEST(both.core_a().current_audit_limits().keep_count == 2U);
  BOOST_TEST(both.core_a().prune_audit(1).removed == 1U);
  BOOST_TEST(both.core_a().prune_audit(all_at_once).removed == 1U);
  both.level();
  BOOST_TEST(both.core_b().conflicts().size() == 6U);
  BOOST_TEST(both.core_b().conflicts(true).size() == 4U);
  both.core_b().set_audit_limits({15'000, 0});
  both.core_b().prune_audit(all_at_once);
  both.level();
  BOOST_TEST(both.core_a().conflicts().size() == 5U); // the four open ones and the latest of the others
  // A choice goes with its conflict.
  for (const auto& each : both.core_a().conflicts(true))
    both.core_a().resolve({each.id, kind::take_current});
  both.level();
  BOOST_TEST(trail_rows(both.all.at(1)) == 9);
  both.core_b().set_audit_limits({0, 1});
  both.core_b().prune_audit(all_at_once);
  both.level();
  BOOST_TEST(both.conflicts().size() == 1U);
  BOOST_TEST(trail_rows(both.all.at(0)) <= 2);
}

BOOST_AUTO_TEST_CASE(a_choice_about_a_conflict_that_was_removed_meanwhile_counts_and_leaves_nothing_behind) {
  two_replicas both{notes_sql, {"notes"}, "INSERT INTO notes VALUES (1, 'old', 'old')"};
  both.a("UPDATE notes SET quiet = 'a'");
  both.b_is_later();
  both.b("UPDATE notes SET quiet = 'b'");
  both.level();
  const auto id = both.conflicts().at(0).id;
  both.core_a().set_audit_limits({1, 0});
  both.all.at(0).move_clock(60'000);
  BOOST_TEST(both.core_a().prune_audit(all_at_once).removed == 1U);
  both.core_b().resolve({id, kind::take_other});
  both.level();
  BOOST_TEST(both.text("SELECT quiet FROM notes") == "('a')");
  BOOST_TEST(both.conflicts().empty());
  both.core_a().prune_audit(all_at_once);
  both.level();
  BOOST_TEST(trail_rows(both.all.at(0)) == 0);
  BOOST_TEST(trail_rows(both.all.at(1)) == 0);
  BOOST_CHECK_THROW(both.core_b().resolve({id, kind::take_other}), failure);
}

BOOST_AUTO_TEST_CASE(what_is_removed_stays_away_whatever_the_order_of_delivery) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_source random{seed};
      const auto devices = 2 + random.below(3);
      world all{devices, random_tree(random, devices), notes_sql, {"notes"}};
      all.at(0).core().track(std::vector<std::string>{"notes"}, std::vector<policy>{{"notes", "asked", "ask"}});
      all.at(0).app().execute("INSERT INTO notes VALUES (1, 'old', 'old'), (2, 'old', 'old')");
      all.heal();
      std::set<std::string> removed;
      for (int step = 0; step < 40; ++step) {
        auto& device = all.at(random.below(devices));
        device.move_clock(static_cast<std::int64_t>(random.below(2'000)));
        const auto text = "'" + device.name() + std::to_string(step) + "'";
        const auto& over = all.links()[random.below(all.links().size())];
        switch (random.below(6)) {
        case 0:
        case 1:
          device.app().execute("UPDATE notes SET quiet = " + text + ", asked = " + text +
                               " WHERE id = " + std::to_string(1 + random.below(2)));
          break;
        case 2: {
          device.core().stamp_pending();
          const auto before = ids(device.core());
          std::map<std::string, std::string> states;
          for (const auto& each : device.core().conflicts(true))
            states[each.id] = each.state;
          device.core().set_audit_limits({static_cast<std::int64_t>(random.below(3'000)), 1 + random.below(3)});
          device.core().prune_audit(1 + random.below(3));
          const auto after = ids(device.core());
          for (const auto& each : before)
            if (!after.contains(each)) {
              BOOST_TEST(!states.contains(each));
              removed.insert(each);
            }
          break;
        }
        case 3: {
          const auto conflicts = device.core().conflicts();
          if (!conflicts.empty())
            device.core().resolve({conflicts[random.below(conflicts.size())].id, kind::take_other, {}, {}, true});
          break;
        }
        default:
          all.at(over.first).core().stamp_pending();
          if (const auto message = all.bundle(over.first, over.second)) {
            all.deliver(over.second, *message);
            if (random.below(3))
              all.deliver(over.first, all.acknowledgement(over.second, over.first));
          }
        }
      }
      all.heal();
      must_be_level(all);
      for (std::size_t i = 0; i < devices; ++i) {
        for (const auto& each : ids(all.at(i).core()))
          BOOST_TEST(!removed.contains(each));
        all.at(i).core().compact(all_at_once);
      }
      all.heal();
      must_be_level(all);
    }
  }
}
