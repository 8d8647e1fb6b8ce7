// A hub's rules refuse row changes: they are rolled back at their author, who reads why, and nothing else is held up.
#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "tests/property/environment.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::storage::conflict_kind;

namespace {

const std::vector<std::string> orders_sql{"CREATE TABLE orders(id INTEGER PRIMARY KEY, state TEXT, amount INTEGER)"};
const std::vector<std::string> orders{"orders"};
const std::string all_orders = "SELECT * FROM orders ORDER BY id";

/// A is the hub with rules, B a leaf.
struct hub_and_leaf : two_replicas {
  explicit hub_and_leaf(const std::string& first = "INSERT INTO orders VALUES (1, 'open', 10)")
      : two_replicas{orders_sql, orders, first} {}
  void rule(const std::string& name, const std::string& expression, const std::string& message = "not so") {
    core_a().put_rule({name, "orders", "", expression, message, ""});
  }
  std::size_t refusals() {
    std::size_t result = 0;
    for (const auto& each : conflicts())
      result += each.kind == conflict_kind::refused;
    return result;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(rejection)

BOOST_AUTO_TEST_CASE(a_refused_update_goes_back_and_the_author_reads_why) {
  hub_and_leaf both;
  both.rule("limit", "new.amount <= 100", "orders over 100 need the office");
  both.b("UPDATE orders SET amount = 500, state = 'sent'; INSERT INTO orders VALUES (2, 'open', 20)");
  both.level();
  BOOST_TEST(both.text(all_orders) == "(1, 'open', 10)(2, 'open', 20)");
  BOOST_REQUIRE(both.refusals() == 1);
  const auto told = both.core_b().conflicts();
  BOOST_REQUIRE(told.size() == 1);
  BOOST_TEST(told[0].rule == "limit: orders over 100 need the office");
  BOOST_TEST(told[0].other_json.find("500") != std::string::npos);
  const auto why = both.core_b().why("orders", "1");
  BOOST_TEST(why.sentences.back().find("orders over 100 need the office") != std::string::npos);
  BOOST_TEST(both.core_b().status().refused == 1);
  // Later changes of the same row go on.
  both.b("UPDATE orders SET amount = 50");
  both.level();
  BOOST_TEST(both.text(all_orders) == "(1, 'open', 50)(2, 'open', 50)");
  BOOST_TEST(both.refusals() == 1);
}

BOOST_AUTO_TEST_CASE(a_refused_insert_goes_away) {
  hub_and_leaf both;
  both.rule("no-new", "old.id IS NOT NULL");
  both.b("INSERT INTO orders VALUES (2, 'open', 20)");
  both.level();
  BOOST_TEST(both.text(all_orders) == "(1, 'open', 10)");
  BOOST_TEST(both.refusals() == 1);
  both.core_a().remove_rule("no-new");
  both.b("INSERT INTO orders VALUES (2, 'again', 20)");
  both.level();
  BOOST_TEST(both.text(all_orders) == "(1, 'open', 10)(2, 'again', 20)");
}

BOOST_AUTO_TEST_CASE(a_refused_delete_comes_back) {
  hub_and_leaf both;
  both.rule("keep", "new.id IS NOT NULL", "orders are never deleted");
  both.b("DELETE FROM orders");
  both.level();
  BOOST_TEST(both.text(all_orders) == "(1, 'open', 10)");
  BOOST_TEST(both.refusals() == 1);
}

BOOST_AUTO_TEST_CASE(a_row_written_on_while_its_refusal_is_under_way_settles) {
  hub_and_leaf both;
  both.rule("limit", "new.amount <= 100");
  both.b("INSERT INTO orders VALUES (2, 'open', 500)");
  both.core_b().stamp_pending();
  const auto first = both.all.bundle(1, 0);
  both.all.deliver(0, *first);
  both.b("UPDATE orders SET amount = 600 WHERE id = 2; UPDATE orders SET amount = 700 WHERE id = 1");
  both.level();
  BOOST_TEST(both.text(all_orders) == "(1, 'open', 10)");
  BOOST_TEST(both.refusals() >= 2);
}

BOOST_AUTO_TEST_CASE(rules_are_for_the_sites_that_they_name) {
  hub_and_leaf both;
  both.core_a().put_rule({"b-only", "orders", both.all.at(1).site().to_hex().substr(0, 8), "0", "b may not", ""});
  both.b("UPDATE orders SET amount = 1");
  both.level();
  BOOST_TEST(both.text(all_orders) == "(1, 'open', 10)");
  both.core_a().put_rule({"b-only", "orders", "ffffffffffffffffffffffffffffffff", "0", "nobody", ""});
  both.b("UPDATE orders SET amount = 2");
  both.level();
  BOOST_TEST(both.text(all_orders) == "(1, 'open', 2)");
}

BOOST_AUTO_TEST_CASE(a_rule_that_does_not_compile_is_refused_or_told) {
  hub_and_leaf both;
  for (const auto* bad :
       {"", "new.", "new.absent > 1", "1; DROP TABLE orders", "load_extension('x')", "1) FROM orders --"})
    BOOST_CHECK_THROW(both.rule("bad", bad), failure);
  BOOST_CHECK_THROW(both.core_a().put_rule({"bad", "absent", "", "1", "", ""}), failure);
  BOOST_CHECK_THROW(both.core_a().remove_rule("bad"), failure);
  both.a("INSERT INTO tandem_rules VALUES ('planted', 'orders', NULL, 'new.amount >', 'm')");
  BOOST_TEST(both.core_a().verify().size() == 1);
  BOOST_TEST(!both.core_a().rules().at(0).fault.empty());
  both.b("UPDATE orders SET amount = 3");
  both.all.heal();
  BOOST_TEST(both.text(all_orders) == "(1, 'open', 3)");
}

BOOST_AUTO_TEST_CASE(a_rule_without_end_refuses_and_sync_goes_on) {
  hub_and_leaf both;
  both.rule("slow", "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n) > 0");
  both.b("UPDATE orders SET amount = 3");
  both.level();
  BOOST_TEST(both.text(all_orders) == "(1, 'open', 10)");
  BOOST_TEST(both.refusals() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

// Random writes at three leaves under a rule: no replica ever ends with what the rule refuses, all agree, and each
// refused value stands in the audit trail.
BOOST_AUTO_TEST_CASE(no_refused_value_stands_and_none_is_lost) {
  const auto seeds = number_from_environment("TANDEM_RUNS").value_or(60);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    random_source random{seed};
    world all{4, {{0, 1}, {0, 2}, {0, 3}}, orders_sql, orders};
    all.at(0).core().put_rule({"limit", "orders", "", "new.amount < 100", "too much", ""});
    std::vector<std::int64_t> refused;
    std::int64_t number = 0;
    for (int step = 0; step < 40; ++step) {
      for (std::size_t i = 0; i < all.size(); ++i)
        all.at(i).move_clock(1'000);
      const auto at = 1 + random.below(3);
      auto& app = all.at(at).app();
      // Each leaf writes rows of its own, so that what is refused is never overwritten before it is judged.
      const auto key = static_cast<std::int64_t>(at * 1'000 + random.below(4));
      const bool is_bad = random.chance(30);
      const auto amount = is_bad ? 100'000 + ++number : static_cast<std::int64_t>(random.below(100));
      must(app.attempt("INSERT INTO orders VALUES (?, 'open', ?) ON CONFLICT DO UPDATE SET amount = excluded.amount",
                       {of_integer(key), of_integer(amount)}),
           app.last_error());
      all.at(at).core().stamp_pending();
      if (is_bad || random.chance(40)) {
        if (const auto up = all.bundle(at, 0))
          all.deliver(0, *up);
        if (is_bad)
          refused.push_back(amount);
      }
      if (random.chance(40))
        if (const auto down = all.bundle(0, at))
          all.deliver(at, *down);
    }
    all.heal();
    must_be_level(all);
    for (std::size_t i = 0; i < all.size(); ++i)
      BOOST_TEST(all.at(i).app().integer("SELECT count(*) FROM orders WHERE amount >= 100") == 0);
    std::string audit;
    for (const auto& each : all.at(1).core().conflicts())
      if (each.kind == conflict_kind::refused)
        audit += each.other_json;
    for (const auto each : refused)
      BOOST_TEST(audit.find(std::to_string(each)) != std::string::npos,
                 "seed " << seed << ": " << each << " is nowhere");
  }
}
