// The policy `counter`: what was counted must be what is shown, whatever the order of delivery.
#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::storage::policy;

namespace {

const std::vector<std::string> shop_sql{
    "CREATE TABLE stock(id INTEGER PRIMARY KEY, n INTEGER, price REAL, label TEXT)"};
const std::vector<std::string> shop{"stock"};
const std::vector<policy> shop_policies{{"stock", "n", "counter"}, {"stock", "price", "counter"}};

struct shop_of_two : two_replicas {
  shop_of_two() : two_replicas{shop_sql, shop, "INSERT INTO stock VALUES (1, 10, 0.5, 'nuts')"} {
    core_a().track(shop, shop_policies);
    level();
  }
  std::string n() { return text("SELECT n FROM stock"); }
};

void hand_over(world& all, std::size_t from, std::size_t to) {
  all.at(from).core().stamp_pending();
  if (const auto message = all.bundle(from, to)) {
    all.deliver(to, *message);
    all.deliver(to, *message); // a repetition changes nothing
    all.deliver(from, all.acknowledgement(to, from));
  }
}

} // namespace

BOOST_AUTO_TEST_CASE(increments_made_at_once_add_up) {
  shop_of_two both;
  both.a("UPDATE stock SET n = n + 3");
  both.b("UPDATE stock SET n = n - 1, label = 'sold'");
  both.level();
  BOOST_TEST(both.text("SELECT n, label FROM stock") == "(12, 'sold')");
  both.a("UPDATE stock SET n = n + 1");
  both.b("UPDATE stock SET n = n + 1"); // the same value on both sides
  both.level();
  BOOST_TEST(both.n() == "(14)");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(all_increments_are_counted_once_in_every_order_of_delivery) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_source random{seed};
      const auto devices = 2 + random.below(3);
      world all{devices, random_tree(random, devices), shop_sql, shop};
      all.at(0).core().track(shop, shop_policies);
      all.at(0).app().execute("INSERT INTO stock VALUES (1, 100, 0, ''), (2, 0, 0, '')");
      all.heal();
      std::int64_t first = 100, second = 0;
      for (int step = 0; step < 40; ++step) {
        auto& device = all.at(random.below(devices));
        const auto& over = all.links()[random.below(all.links().size())];
        const auto by = static_cast<std::int64_t>(random.below(20)) - 10;
        const auto times = "UPDATE stock SET n = n + (" + std::to_string(by) + ") WHERE id = ";
        device.move_clock(static_cast<std::int64_t>(random.below(3)) - 1);
        switch (random.below(8)) {
        case 0:
        case 1:
          device.app().execute(times + "1");
          first += by;
          break;
        case 2:
          device.app().execute(times + "2");
          device.app().execute(times + "2");
          second += 2 * by;
          break;
        case 3: // a row that is deleted and comes back with what it had
          device.app().execute("BEGIN; CREATE TEMP TABLE kept AS SELECT * FROM stock WHERE id = 2; "
                               "DELETE FROM stock WHERE id = 2; INSERT INTO stock SELECT * FROM kept; "
                               "DROP TABLE kept; COMMIT");
          break;
        case 4:
          device.core().stamp_pending();
          device.take_image();
          device.restart_from_image();
          all.forget_sent();
          break;
        case 5: { // bundles that cross
          all.at(over.first).core().stamp_pending();
          all.at(over.second).core().stamp_pending();
          const auto there = all.bundle(over.first, over.second);
          const auto back = all.bundle(over.second, over.first);
          all.deliver(over.second, *there);
          all.deliver(over.first, *back);
          break;
        }
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
        BOOST_TEST(shown_rows(all.at(i).app(), "SELECT id, n FROM stock ORDER BY id") ==
                   "(1, " + std::to_string(first) + ")(2, " + std::to_string(second) + ")");
    }
  }
}

BOOST_AUTO_TEST_CASE(an_increment_and_a_delete_bring_the_row_back_with_what_was_counted) {
  shop_of_two both;
  both.a("UPDATE stock SET n = n + 5");
  both.b("DELETE FROM stock");
  both.level();
  BOOST_TEST(both.n() == "(15)");
}

BOOST_AUTO_TEST_CASE(a_row_that_is_inserted_again_counts_from_its_new_value) {
  shop_of_two both;
  both.a("DELETE FROM stock");
  both.a("INSERT INTO stock VALUES (1, 3, 0, 'again')");
  both.b("UPDATE stock SET n = n + 2");
  both.level();
  BOOST_TEST(both.n() == "(5)");
}

BOOST_AUTO_TEST_CASE(two_inserts_of_one_key_add_up) {
  shop_of_two both;
  both.a("INSERT INTO stock VALUES (2, 4, 0, 'a')");
  both.b("INSERT INTO stock VALUES (2, 6, 0, 'b')");
  both.level();
  BOOST_TEST(both.text("SELECT n FROM stock WHERE id = 2") == "(10)");
}

BOOST_AUTO_TEST_CASE(a_new_replica_gets_what_was_counted) {
  world all{3, {{0, 1}, {1, 2}}, shop_sql, shop};
  all.at(0).core().track(shop, shop_policies);
  all.at(0).app().execute("INSERT INTO stock VALUES (1, 1, 1.5, '')");
  all.at(0).core().stamp_pending();
  hand_over(all, 0, 1);
  all.at(0).app().execute("UPDATE stock SET n = n + 10");
  all.at(1).app().execute("UPDATE stock SET n = n + 100, price = price + 0.25");
  hand_over(all, 1, 0);
  while (!all.at(1).core().compact(1'000).is_done) {
  }
  all.heal();
  must_be_level(all);
  all.at(2).app().execute("UPDATE stock SET n = n + 1000");
  all.at(0).app().execute("UPDATE stock SET n = n + 1000");
  all.heal();
  must_be_level(all);
  BOOST_TEST(shown_rows(all.at(2).app(), "SELECT n, price FROM stock") == "(2111, 1.75)");
}

BOOST_AUTO_TEST_CASE(sql_sets_the_policy_and_rows_go_on_from_what_they_show) {
  two_replicas both{shop_sql, shop, "INSERT INTO stock VALUES (1, 10, 0, '')"};
  for (int round = 0; round < 2; ++round) {
    both.a("INSERT INTO tandem_policies(tbl, col, policy) VALUES ('stock', 'n', 'counter')");
    both.level();
    both.a("UPDATE stock SET n = n + 1");
    both.b("UPDATE stock SET n = n + 2");
    both.level();
    BOOST_TEST(both.text("SELECT n FROM stock") == (round == 0 ? "(13)" : "(103)"));
    both.a("DELETE FROM tandem_policies");
    both.level();
    both.a("UPDATE stock SET n = 100");
    both.level();
    BOOST_TEST(both.text("SELECT n FROM stock") == "(100)");
  }
}

BOOST_AUTO_TEST_CASE(what_was_written_before_the_policy_came_is_counted_or_in_the_audit_trail) {
  two_replicas both{shop_sql, shop, "INSERT INTO stock VALUES (1, 10, 0, '')"};
  both.b("UPDATE stock SET n = 50");
  both.core_a().track(shop, shop_policies);
  both.a("UPDATE stock SET n = n + 1");
  both.level();
  std::string kept = both.text("SELECT n FROM stock");
  for (const auto& each : both.conflicts())
    kept += each.current_json + " " + each.other_json + " ";
  BOOST_TEST(kept.find("50") != std::string::npos);
  BOOST_TEST(kept.find("11") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_and_texts_count_as_zero) {
  shop_of_two both;
  both.a("UPDATE stock SET n = NULL");
  both.b("UPDATE stock SET n = n + 2");
  both.level();
  BOOST_TEST(both.n() == "(2)");
  both.a("UPDATE stock SET n = 'many'");
  both.level();
  BOOST_TEST(both.n() == "(0)");
  BOOST_REQUIRE(!both.conflicts().empty());
  BOOST_TEST(both.conflicts()[0].other_json == "\"many\"");
}

BOOST_AUTO_TEST_CASE(a_counter_stays_at_the_largest_integer) {
  shop_of_two both;
  both.a("UPDATE stock SET n = 9223372036854775807");
  both.level();
  both.a("UPDATE stock SET n = n - 5");
  both.b("UPDATE stock SET n = 9223372036854775800");
  both.level();
  both.a("UPDATE stock SET n = 9223372036854775807");
  both.b("UPDATE stock SET n = 9223372036854775806");
  both.level();
  BOOST_TEST(both.n() == "(9223372036854775807)");
}

BOOST_AUTO_TEST_CASE(a_refused_increment_is_not_counted) {
  shop_of_two both;
  both.core_a().put_rule({"few", "stock", "", "new.n <= 20", "no more than 20", {}});
  both.b("UPDATE stock SET n = 500");
  both.level();
  BOOST_TEST(both.n() == "(10)");
  both.b("UPDATE stock SET n = n + 1");
  both.level();
  BOOST_TEST(both.n() == "(11)");
}

BOOST_AUTO_TEST_CASE(columns_that_hold_no_numbers_are_refused) {
  shop_of_two both;
  for (const auto& each : {policy{"stock", "label", "counter"}, policy{"stock", "", "counter"}})
    BOOST_CHECK_THROW(both.core_a().track(shop, std::vector<policy>{each}), failure);
}
