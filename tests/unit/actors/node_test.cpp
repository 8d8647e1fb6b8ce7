// Whole nodes over real sockets, in one process.
#include <filesystem>

#include <boost/test/unit_test.hpp>

#include "actors/node.hpp"
#include "messages/failure.hpp"
#include "tests/unit/actors/test_folder.hpp"

using namespace tandem;
using tests::becomes;
using tests::plain_database;

namespace {

constexpr auto tasks = "CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT, done INTEGER DEFAULT 0)";

actors::node_options hub_of(const std::string& path) {
  actors::node_options options;
  options.path = path;
  options.listen.emplace();
  options.name = "hub";
  options.durable = false;
  return options;
}

actors::node_options leaf_of(const std::string& path, const std::string& url) {
  actors::node_options options;
  options.path = path;
  options.peers = {url};
  options.may_create = true;
  options.durable = false;
  return options;
}

struct hub_and_leaves {
  tests::test_folder folder;
  std::string hub_path = folder.file("hub.db");
  std::string a_path = folder.file("a.db");
  std::string b_path = folder.file("b.db");
};

} // namespace

BOOST_AUTO_TEST_SUITE(node_of_actors)

BOOST_FIXTURE_TEST_CASE(a_row_crosses_the_hub_both_ways, hub_and_leaves) {
  tests::make_tracked(hub_path, tasks, "tasks");
  actors::node hub{hub_of(hub_path)};
  hub.start();
  actors::node a{leaf_of(a_path, hub.url())};
  actors::node b{leaf_of(b_path, hub.url())};
  a.start();
  b.start();
  BOOST_REQUIRE(a.wait_until_level(60'000));
  BOOST_REQUIRE(b.wait_until_level(60'000));

  plain_database at_a{a_path};
  plain_database at_b{b_path};
  at_a.run("INSERT INTO tasks VALUES('1', 'milk', 0)");
  BOOST_TEST(becomes(at_b, "SELECT title FROM tasks WHERE id = '1'", "milk"));
  at_b.run("UPDATE tasks SET done = 1");
  BOOST_TEST(becomes(at_a, "SELECT done FROM tasks WHERE id = '1'", "1"));
}

BOOST_FIXTURE_TEST_CASE(what_was_written_while_the_hub_was_away_arrives, hub_and_leaves) {
  tests::make_tracked(hub_path, tasks, "tasks");
  auto options = hub_of(hub_path);
  std::string url;
  {
    actors::node hub{options};
    hub.start();
    url = hub.url();
    options.listen->port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    actors::node a{leaf_of(a_path, url)};
    a.start();
    BOOST_REQUIRE(a.wait_until_level(60'000));
  }
  plain_database at_a{a_path};
  at_a.run("INSERT INTO tasks VALUES('1', 'milk', 0)");
  actors::node a{leaf_of(a_path, url)};
  a.start();
  at_a.run("INSERT INTO tasks VALUES('2', 'bread', 0)");
  actors::node hub{options};
  hub.start();
  plain_database at_hub{hub_path};
  BOOST_TEST(becomes(at_hub, "SELECT group_concat(title) FROM (SELECT title FROM tasks ORDER BY id)", "milk,bread"));
}

BOOST_FIXTURE_TEST_CASE(a_large_history_arrives_whole, hub_and_leaves) {
  tests::make_tracked(hub_path, tasks, "tasks");
  plain_database at_hub{hub_path};
  at_hub.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
             "INSERT INTO tasks SELECT i, hex(randomblob(40)), i % 2 FROM n");
  actors::node hub{hub_of(hub_path)};
  hub.start();
  actors::node a{leaf_of(a_path, hub.url())};
  a.start();
  BOOST_REQUIRE(a.wait_until_level(60'000));
  plain_database at_a{a_path};
  BOOST_TEST(at_a.ask("SELECT count(*) FROM tasks") == "30000");
  for (const auto& each : std::filesystem::directory_iterator{std::filesystem::path{a_path}.parent_path()})
    BOOST_TEST(each.path().filename().string().find("tandem-bundle") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_copied_file_takes_a_new_identity, hub_and_leaves) {
  tests::make_tracked(hub_path, tasks, "tasks");
  actors::node hub{hub_of(hub_path)};
  hub.start();
  {
    actors::node a{leaf_of(a_path, hub.url())};
    a.start();
    BOOST_REQUIRE(a.wait_until_level(60'000));
  }
  std::filesystem::copy_file(a_path, b_path);
  plain_database at_a{a_path};
  at_a.run("INSERT INTO tasks VALUES('a', 'of a', 0)");
  {
    actors::node a{leaf_of(a_path, hub.url())};
    a.start();
    BOOST_REQUIRE(a.wait_until_level(60'000));
  }
  plain_database at_b{b_path};
  at_b.run("INSERT INTO tasks VALUES('b', 'of b', 0)");
  actors::node b{leaf_of(b_path, hub.url())};
  b.start();
  plain_database at_hub{hub_path};
  BOOST_TEST(becomes(at_hub, "SELECT group_concat(id) FROM (SELECT id FROM tasks ORDER BY id)", "a,b"));
  BOOST_TEST(becomes(at_b, "SELECT group_concat(id) FROM (SELECT id FROM tasks ORDER BY id)", "a,b"));
}

BOOST_FIXTURE_TEST_CASE(what_can_not_start_says_why, hub_and_leaves) {
  actors::node_options options;
  options.path = folder.file("missing.db");
  actors::node nothing{options};
  BOOST_CHECK_THROW(nothing.start(), messages::failure);
  tests::make_tracked(hub_path, tasks, "tasks");
  actors::node hub{hub_of(hub_path)};
  hub.start();
  auto second = hub_of(a_path);
  second.may_create = true;
  second.listen->port = static_cast<std::uint16_t>(std::stoi(hub.url().substr(hub.url().rfind(':') + 1)));
  actors::node late{second};
  BOOST_CHECK_THROW(late.start(), messages::failure);
}

BOOST_AUTO_TEST_SUITE_END()
