#include <random>
#include <string>

#include <boost/test/unit_test.hpp>

#include "messages/limits.hpp"
#include "tests/simulation/world.hpp"

using namespace tandem;
using actors::role;
using tests::world;

namespace {

struct hub_and_two {
  static constexpr std::uint64_t seed = 20;
  world all{seed};
  std::size_t hub = all.add_node("hub", true, {});
  std::size_t a = all.add_node("a", false, {"ws://hub:1/"});
  std::size_t b = all.add_node("b", false, {"ws://hub:1/"});

  hub_and_two() {
    BOOST_TEST_MESSAGE("seed " << seed);
    for (const auto node : {hub, a, b})
      all.start(node);
    BOOST_REQUIRE(all.run_until([this] { return has_table(a) && has_table(b) && all.is_level(); }));
  }
  bool has_table(std::size_t node) {
    return all.database(node).ask("SELECT count(*) FROM sqlite_master WHERE name = 'tasks'") == "1";
  }
  bool levels() {
    return all.run_until([this] { return all.is_level(); });
  }
  std::string count(std::size_t node) { return all.database(node).ask("SELECT count(*) FROM tasks"); }
};

std::string insert(const std::string& id, const std::string& title) {
  return "INSERT INTO tasks(id, title) VALUES('" + id + "', '" + title + "')";
}

} // namespace

BOOST_AUTO_TEST_SUITE(simulation)

BOOST_FIXTURE_TEST_CASE(writes_of_all_sides_converge, hub_and_two) {
  all.write(a, insert("1", "of a"));
  all.write(b, insert("2", "of b"));
  all.write(hub, insert("3", "of the hub"));
  BOOST_TEST(all.run_until([this] { return all.is_level() && count(a) == "3"; }));
}

BOOST_FIXTURE_TEST_CASE(a_row_arrives_within_milliseconds, hub_and_two) {
  const auto before = all.now_ms();
  all.write(a, insert("1", "quick"));
  BOOST_TEST(all.run_until([this] { return count(b) == "1"; }));
  BOOST_TEST(all.now_ms() - before <= 20);
}

BOOST_FIXTURE_TEST_CASE(what_was_written_apart_meets_after_the_cut, hub_and_two) {
  all.block("hub");
  all.cut();
  for (int i = 0; i < 50; ++i) {
    all.write(a, insert("a" + std::to_string(i), "of a"));
    all.write(b, insert("b" + std::to_string(i), "of b"));
    all.step();
  }
  all.write(a, insert("same", "by a"));
  all.write(b, insert("same", "by b"));
  all.run_until([] { return false; }, 1'000);
  BOOST_TEST(count(a) == "51");
  all.unblock("hub");
  BOOST_TEST(all.run_until([this] { return all.is_level() && count(a) == "101"; }));
}

BOOST_FIXTURE_TEST_CASE(a_stopped_node_catches_up, hub_and_two) {
  all.stop(b);
  for (int i = 0; i < 500; ++i)
    all.write(a, insert(std::to_string(i), "row"));
  all.write(b, insert("while nothing ran", "x"));
  all.run_until([this] { return count(hub) == "500"; });
  all.start(b);
  BOOST_TEST(all.run_until([this] { return all.is_level() && count(hub) == "501"; }));
}

BOOST_FIXTURE_TEST_CASE(any_actor_may_die_at_any_time, hub_and_two) {
  int number = 0;
  for (const auto who : {role::observer, role::batcher, role::arbiter, role::monitor, role::host}) {
    for (const auto node : {hub, a}) {
      all.write(a, insert("before" + std::to_string(number), "x"));
      all.step();
      all.crew(node).fail({who});
      all.write(b, insert("after" + std::to_string(number++), "x"));
      BOOST_TEST(all.run_until([&] { return all.is_level() && count(a) == std::to_string(2 * number); }),
                 messages::name_of(who) << " of node " << node);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(an_actor_of_a_link_may_die_too, hub_and_two) {
  for (const auto who : {role::queue, role::endpoint}) {
    for (const auto& load : all.crew(hub).loads())
      if (load.where.who == who) {
        all.crew(hub).fail(load.where);
        break;
      }
    all.write(a, insert(std::string{messages::name_of(who)}, "x"));
    BOOST_TEST(all.run_until([this, who] {
      return all.is_level() && all.database(b).ask("SELECT count(*) FROM tasks WHERE id = '" +
                                                   std::string{messages::name_of(who)} + "'") == "1";
    }));
  }
}

BOOST_FIXTURE_TEST_CASE(no_mailbox_grows_beyond_its_bound, hub_and_two) {
  all.stop(b);
  for (int i = 0; i < 40; ++i) {
    all.write(a, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
                 "INSERT INTO tasks(id, title) SELECT 'k' || " +
                     std::to_string(i) + " || '-' || i, hex(randomblob(100)) FROM n");
    all.step();
  }
  all.start(b);
  BOOST_TEST(all.run_until([this] { return all.is_level() && count(b) == "20000"; }));
  for (const auto node : {hub, a, b})
    for (const auto& load : all.crew(node).loads()) {
      BOOST_TEST(load.items_peak <= 4 * limits::link_window_items, load.where.text() << " had " << load.items_peak);
      BOOST_TEST(load.bytes_peak <= 2 * (limits::link_window_bytes + limits::frame_bytes_max),
                 load.where.text() << " had " << load.bytes_peak << " bytes");
    }
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_stops_reading_costs_bounded_mailboxes_and_holds_up_nobody, hub_and_two) {
  all.set_reading(b, false);
  for (int i = 0; i < 30; ++i) {
    all.write(a, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
                 "INSERT INTO tasks(id, title) SELECT 'k' || " +
                     std::to_string(i) + " || '-' || i, hex(randomblob(200)) FROM n");
    all.step();
  }
  BOOST_TEST(all.run_until([this] { return count(hub) == "15000"; }));
  BOOST_TEST(count(b) == "0");
  // All that the hub holds for it, in any mailbox and on the wire, is what it had been granted.
  std::uint64_t waiting_bytes = 0;
  for (const auto& load : all.crew(hub).loads()) {
    waiting_bytes += load.bytes;
    BOOST_TEST(load.bytes_peak <= 2 * (limits::link_window_bytes + limits::frame_bytes_max),
               load.where.text() << " had " << load.bytes_peak << " bytes");
  }
  BOOST_TEST(waiting_bytes <= limits::link_window_bytes);
  BOOST_TEST(all.bytes_under_way() <= limits::link_window_bytes + limits::frame_bytes_max);
  all.set_reading(b, true);
  BOOST_TEST(all.run_until([this] { return all.is_level() && count(b) == "15000"; }));
}

BOOST_FIXTURE_TEST_CASE(a_device_that_slept_for_a_week_wakes_up_as_if_nothing_had_been, hub_and_two) {
  constexpr std::int64_t week_ms = 7LL * 24 * 3'600 * 1'000;
  all.write(b, insert("before", "x"));
  BOOST_TEST(all.run_until([this] { return count(hub) == "1"; }));
  all.set_reading(b, false);
  all.write(b, insert("falling asleep", "x"));
  all.write(a, insert("meanwhile", "x"));
  all.run_until([] { return false; }, 100);
  all.step(week_ms);
  all.cut(); // what its network did long ago
  all.write(a, insert("a week later", "x"));
  all.set_reading(b, true);
  BOOST_TEST(all.run_until([this] { return all.is_level() && count(b) == "4"; }));
}

BOOST_AUTO_TEST_CASE(random_histories_converge) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 random{seed};
      world all{seed};
      all.add_node("hub", true, {});
      for (const std::string name : {"a", "b", "c"})
        all.add_node(name, true, {"ws://hub:1/"});
      for (std::size_t node = 0; node < 4; ++node)
        all.start(node);
      for (int i = 0; i < 200; ++i) {
        const auto node = random() % 4;
        const auto id = std::to_string(random() % 20);
        switch (random() % 12) {
        case 0:
          all.cut();
          break;
        case 1:
          all.stop(node);
          all.start(node);
          break;
        case 2:
          all.write(node, "DELETE FROM tasks WHERE id = '" + id + "'");
          break;
        default:
          all.write(node, "INSERT INTO tasks VALUES('" + id + "', 't" + std::to_string(i) +
                              "', 0) ON CONFLICT(id) DO UPDATE SET title = excluded.title, done = done + 1");
        }
        all.step(static_cast<std::int64_t>(random() % 5));
      }
      BOOST_TEST(all.run_until([&all] { return all.is_level(); }));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
