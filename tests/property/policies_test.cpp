// Policies: what must come out where replicas wrote at once, whatever the order of delivery.
#include <algorithm>

#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::storage::policy;
using tandem::storage::resolution;

namespace {

const std::vector<std::string> items_sql{
    "CREATE TABLE items(id INTEGER PRIMARY KEY, low INTEGER, high INTEGER, first TEXT, last TEXT, asked TEXT)",
    "CREATE TABLE places(id INTEGER PRIMARY KEY, street TEXT, town TEXT, note TEXT)"};
const std::vector<std::string> items{"items", "places"};
const std::vector<policy> item_policies{{"items", "low", "min"},
                                        {"items", "high", "max"},
                                        {"items", "first", "keep_first"},
                                        {"items", "asked", "ask"},
                                        {"places", "", "row"}};

void hand_over(world& all, std::size_t from, std::size_t to) {
  if (const auto message = all.bundle(from, to)) {
    all.deliver(to, *message);
    all.deliver(from, all.acknowledgement(to, from));
  }
}

// Bundles that cross: both are made before either arrives.
void cross(world& all, const tandem::property::link& over) {
  const auto there = all.bundle(over.first, over.second);
  const auto back = all.bundle(over.second, over.first);
  if (there)
    all.deliver(over.second, *there);
  if (back)
    all.deliver(over.first, *back);
}

void exchange_at_random(world& all, random_source& random) {
  for (std::size_t i = 0; i < all.size(); ++i)
    all.at(i).core().stamp_pending();
  for (int step = 0; step < 8; ++step) {
    const auto& over = all.links()[random.below(all.links().size())];
    if (random.below(2))
      cross(all, over);
    else if (random.below(2))
      hand_over(all, over.first, over.second);
    else
      hand_over(all, over.second, over.first);
  }
}

std::string text_of(world& all, const std::string& sql) {
  const auto result = shown_rows(all.at(0).app(), sql);
  for (std::size_t i = 1; i < all.size(); ++i)
    BOOST_TEST(shown_rows(all.at(i).app(), sql) == result);
  return result;
}

struct items_world {
  explicit items_world(std::size_t devices, std::vector<tandem::property::link> links)
      : all{devices, std::move(links), items_sql, items} {
    all.at(0).core().track(items, item_policies);
    all.at(0).app().execute("INSERT INTO items VALUES (1, 50, 50, 'none', 'none', 'none')");
    all.at(0).app().execute("INSERT INTO places VALUES (1, 'street', 'town', 'note')");
    all.heal();
    must_be_level(all);
  }
  world all;
};

} // namespace

BOOST_AUTO_TEST_CASE(each_policy_gives_what_it_says_in_every_order_of_delivery) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_source random{seed};
      const auto devices = 2 + random.below(3);
      items_world here{devices, random_tree(random, devices)};
      auto& all = here.all;
      for (int round = 0; round < 2; ++round) {
        std::int64_t low = 0, high = 0;
        std::vector<std::size_t> order; // of the writes, by time
        for (std::size_t i = 0; i < devices; ++i)
          order.insert(order.begin() + static_cast<std::ptrdiff_t>(random.below(i + 1)), i);
        for (std::size_t place = 0; place < devices; ++place) {
          auto& device = all.at(order[place]);
          // Each round is later than the one before, and each device a second after the other.
          device.move_clock(10'000 + static_cast<std::int64_t>(place) * 1'000);
          // Never what stands already: that would be no write.
          const auto number =
              static_cast<std::int64_t>(random.below(100) * 100 + static_cast<std::size_t>(round) * 10 + place);
          low = place ? std::min(low, number) : number;
          high = place ? std::max(high, number) : number;
          const auto name = "'" + device.name() + std::to_string(round) + "'";
          device.app().execute("UPDATE items SET low = " + std::to_string(number) + ", high = " +
                               std::to_string(number) + ", first = " + name + ", last = " + name + ", asked = " + name);
          // Each changes other fields of the row that merges as a whole.
          const std::vector<std::string> fields{"street", "town", "note"};
          device.app().execute("UPDATE places SET " + fields[place % 3] + " = " + name);
          device.core().stamp_pending();
          device.move_clock(-static_cast<std::int64_t>(place) * 1'000);
        }
        const auto before = shown_rows(all.at(order.back()).app(), "SELECT * FROM places");
        exchange_at_random(all, random);
        all.heal();
        must_be_level(all);
        const auto first = all.at(order.front()).name() + std::to_string(round);
        const auto last = all.at(order.back()).name() + std::to_string(round);
        BOOST_TEST(text_of(all, "SELECT * FROM items") == "(1, " + std::to_string(low) + ", " + std::to_string(high) +
                                                              ", '" + first + "', '" + last + "', '" + last + "')");
        BOOST_TEST(text_of(all, "SELECT * FROM places") == before);
        std::size_t open = 0;
        for (const auto& each : all.at(0).core().conflicts(true))
          open += each.column == "asked";
        BOOST_TEST(open >= 1U);
        // Whatever was written stands, or is in the audit trail.
        std::string audit;
        for (const auto& each : all.at(0).core().conflicts())
          if (each.column == "first")
            audit += each.other_json;
        for (std::size_t place = 1; place < devices; ++place)
          BOOST_TEST(audit.find(all.at(order[place]).name() + std::to_string(round)) != std::string::npos);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(replicas_that_write_on_while_conflicts_are_settled_agree) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_source random{seed};
      const auto devices = 2 + random.below(3);
      items_world here{devices, random_tree(random, devices)};
      auto& all = here.all;
      for (int step = 0; step < 25; ++step) {
        auto& device = all.at(random.below(devices));
        device.move_clock(static_cast<std::int64_t>(random.below(3)));
        const auto number = std::to_string(random.below(100));
        const auto name = "'" + device.name() + std::to_string(step) + "'";
        switch (random.below(6)) {
        case 0:
          device.app().execute("UPDATE items SET low = " + number + ", high = " + number);
          break;
        case 1:
          device.app().execute("UPDATE items SET first = " + name + ", asked = " + name);
          break;
        case 2:
          device.app().execute("UPDATE places SET street = " + name);
          break;
        case 3:
          device.app().execute("UPDATE places SET town = " + name + ", note = " + name);
          break;
        case 4:
          device.app().execute("DELETE FROM items");
          device.app().execute("INSERT INTO items VALUES (1, 5, 5, " + name + ", " + name + ", " + name + ")");
          break;
        default:
          exchange_at_random(all, random);
        }
      }
      all.heal();
      must_be_level(all);
    }
  }
}

BOOST_AUTO_TEST_CASE(of_two_inserts_the_first_stays_whole_under_keep_first) {
  two_replicas both{{"CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)"}, {"t"}};
  both.core_a().track(std::vector<std::string>{"t"}, std::vector<policy>{{"t", "", "keep_first"}});
  both.level();
  both.a("INSERT INTO t VALUES (1, 'first', 'first')");
  both.b_is_later();
  both.b("INSERT INTO t VALUES (1, 'second', 'second')");
  both.level();
  BOOST_TEST(both.text("SELECT * FROM t") == "(1, 'first', 'first')");
  BOOST_REQUIRE(both.conflicts().size() == 1);
  BOOST_TEST(both.conflicts()[0].rule == "keep_first");
  BOOST_TEST(both.conflicts()[0].other_json.find("second") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_delete_wins_where_the_policy_says_so) {
  for (const bool delete_is_later : {false, true}) {
    two_replicas both{{"CREATE TABLE t(id INTEGER PRIMARY KEY, a)"}, {"t"}};
    both.core_a().track(std::vector<std::string>{"t"}, std::vector<policy>{{"t", "", "delete_wins"}});
    both.a("INSERT INTO t VALUES (1, 'old')");
    both.level();
    both.all.at(delete_is_later ? 0 : 1).move_clock(1'000);
    both.a("DELETE FROM t");
    both.b("UPDATE t SET a = 'edited'");
    both.level();
    BOOST_TEST(both.text("SELECT count(*) FROM t") == "(0)");
    BOOST_REQUIRE(both.conflicts().size() == 1);
    BOOST_TEST(both.conflicts()[0].rule == "delete_wins");
    both.core_b().resolve({both.conflicts()[0].id, resolution::kind::take_other, {}});
    both.level();
    BOOST_TEST(both.text("SELECT * FROM t") == "(1, 'edited')");
  }
}

BOOST_AUTO_TEST_CASE(plain_sql_changes_a_policy_for_conflicts_settled_from_then_on) {
  two_replicas both{{"CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER)"}, {"t"}, "INSERT INTO t VALUES (1, 0)"};
  both.a("INSERT INTO tandem_policies(tbl, col, policy) VALUES ('t', 'a', 'max')");
  both.level();
  both.a("UPDATE t SET a = 9");
  both.b_is_later();
  both.b("UPDATE t SET a = 5");
  both.level();
  BOOST_TEST(both.text("SELECT a FROM t") == "(9)");
  both.b("DELETE FROM tandem_policies");
  both.level();
  both.a("UPDATE t SET a = 19");
  both.b_is_later();
  both.b("UPDATE t SET a = 15");
  both.level();
  BOOST_TEST(both.text("SELECT a FROM t") == "(15)");
}

BOOST_AUTO_TEST_CASE(replicas_that_do_not_know_the_policy_yet_agree_with_those_that_do) {
  two_replicas both{{"CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER)"}, {"t"}, "INSERT INTO t VALUES (1, 0)"};
  both.a("UPDATE t SET a = 9");
  both.b_is_later();
  both.b("UPDATE t SET a = 5");
  both.core_b().stamp_pending();
  both.a("INSERT INTO tandem_policies(tbl, col, policy) VALUES ('t', 'a', 'max')");
  both.core_a().stamp_pending();
  cross(both.all, {0, 1}); // B settles by the larger stamp, A by the policy
  both.level();
  BOOST_TEST(both.text("SELECT a FROM t") == "(9)");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused_at_track_and_told_where_sql_wrote_it) {
  two_replicas both{
      {"CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, picture BLOB)"}, {"t"}, "INSERT INTO t VALUES (1, 0, NULL)"};
  const std::vector<policy> wrong{{"t", "a", "tallest"}, {"t", "b", "max"},           {"nothing", "", "row"},
                                  {"t", "", "max"},      {"t", "a", "row"},           {"t", "picture", "max"},
                                  {"t", "id", "max"},    {"t", "", "row", "sideways"}};
  int round = 0;
  for (const auto& each : wrong) {
    BOOST_TEST_CONTEXT(each.table << "." << each.column << "=" << each.name) {
      BOOST_CHECK_THROW(both.core_a().track(std::vector<std::string>{"t"}, std::vector<policy>{each}), failure);
      BOOST_TEST(both.core_a().status().policies.empty());
      both.a("INSERT INTO tandem_policies VALUES ('" + each.table + "', '" + each.column + "', '" + each.name + "', '" +
             each.options + "')");
      both.core_a().stamp_pending();
      BOOST_TEST(both.core_a().verify().size() == 1U);
      BOOST_REQUIRE(both.core_a().status().policies.size() == 1U);
      BOOST_TEST(!both.core_a().status().policies[0].trouble.empty());
      ++round;
      both.a("UPDATE t SET a = " + std::to_string(1000 + round));
      both.b_is_later();
      both.b("UPDATE t SET a = " + std::to_string(round));
      both.all.heal();
      BOOST_TEST(both.text("SELECT a FROM t") == "(" + std::to_string(round) + ")");
      both.a("DELETE FROM tandem_policies");
      both.level();
    }
  }
}
