// The simulated disk keeps SQLite's promises, and breaks those that it is told to break.
#include <string>

#include <boost/test/unit_test.hpp>

#include "tests/property/app_database.hpp"
#include "tests/simulation/disk.hpp"

using namespace tandem::simulation;
using tandem::property::app_database;

namespace {

struct machine {
  std::int64_t now_ms = 1'700'000'000'000;
  disk storage{"disk-test", 7, [this] {
                 return now_ms;
               }};

  app_database open() { return app_database{"/notes.db", storage.vfs_name()}; }
  void make(const std::string& mode) {
    auto app = open();
    app.execute("PRAGMA journal_mode = " + mode);
    app.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, text)");
  }
  std::int64_t count() {
    auto app = open();
    BOOST_TEST(app.text("PRAGMA integrity_check") == "ok");
    return app.integer("SELECT count(*) FROM t");
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(simulated_disk)

BOOST_FIXTURE_TEST_CASE(what_was_synced_survives_a_power_cut_at_any_write, machine) {
  for (const std::string mode : {"WAL", "DELETE"})
    for (std::uint64_t writes = 1; writes <= 40; ++writes) {
      storage.restore("/notes.db", {}, false);
      make(mode);
      std::int64_t confirmed = 0;
      {
        auto app = open();
        storage.die_after(writes);
        while (app.attempt("INSERT INTO t(text) VALUES (hex(randomblob(600)))"))
          ++confirmed;
      }
      storage.come_back(true);
      const auto left = count();
      BOOST_TEST((left == confirmed || left == confirmed + 1), mode << ": " << left << " of " << confirmed << " rows");
    }
}

BOOST_FIXTURE_TEST_CASE(a_killed_process_loses_nothing_that_it_wrote, machine) {
  make("WAL");
  {
    auto app = open();
    app.execute("PRAGMA synchronous = OFF; INSERT INTO t(text) VALUES ('kept')");
    storage.die();
  }
  storage.come_back(false);
  BOOST_TEST(count() == 1);
}

BOOST_FIXTURE_TEST_CASE(a_disk_that_does_not_sync_loses_what_it_confirmed, machine) {
  make("WAL");
  storage.ignore_syncs();
  std::int64_t lost = 0;
  for (int i = 0; i < 20; ++i) {
    const auto before = count();
    {
      auto app = open();
      app.execute("INSERT INTO t(text) VALUES ('gone')");
      storage.die();
    }
    storage.come_back(true);
    lost += before + 1 - count();
  }
  BOOST_TEST(lost > 0);
}

BOOST_FIXTURE_TEST_CASE(a_full_disk_says_so_and_harms_nothing, machine) {
  make("WAL");
  storage.limit_bytes(storage.used_bytes() + 20'000);
  {
    auto app = open();
    std::int64_t done = 0;
    while (app.attempt("INSERT INTO t(text) VALUES (hex(randomblob(2000)))"))
      ++done;
    BOOST_TEST(app.last_error().find("full") != std::string::npos);
    BOOST_TEST(app.integer("SELECT count(*) FROM t") == done);
  }
  storage.limit_bytes(0);
  auto app = open();
  BOOST_TEST(app.attempt("INSERT INTO t(text) VALUES ('there is room again')"));
}

BOOST_FIXTURE_TEST_CASE(connections_share_and_exclude_as_on_a_real_disk, machine) {
  make("WAL");
  auto reader = open();
  auto writer = open();
  reader.execute("BEGIN");
  BOOST_TEST(reader.integer("SELECT count(*) FROM t") == 0);
  writer.execute("INSERT INTO t(text) VALUES ('new')");
  BOOST_TEST(reader.integer("SELECT count(*) FROM t") == 0); // its snapshot
  reader.execute("COMMIT");
  BOOST_TEST(reader.integer("SELECT count(*) FROM t") == 1);
  writer.execute("BEGIN IMMEDIATE");
  BOOST_TEST(!reader.attempt("BEGIN IMMEDIATE"));
  writer.execute("COMMIT");
  BOOST_TEST(reader.attempt("BEGIN IMMEDIATE"));
}

BOOST_FIXTURE_TEST_CASE(the_machine_s_clock_is_sqlite_s_clock, machine) {
  make("WAL");
  BOOST_TEST(open().text("SELECT strftime('%s', 'now') || ''") == "1700000000");
}

BOOST_FIXTURE_TEST_CASE(a_copy_is_put_back_as_it_was, machine) {
  make("WAL");
  auto app = std::make_unique<app_database>("/notes.db", storage.vfs_name());
  app->execute("INSERT INTO t(text) VALUES ('before')");
  const auto image = storage.copy("/notes.db");
  app->execute("INSERT INTO t(text) VALUES ('after')");
  app.reset();
  const auto inode = storage.inode_of("/notes.db");
  storage.restore("/notes.db", image, true);
  BOOST_TEST(count() == 1);
  BOOST_TEST(storage.inode_of("/notes.db") == inode);
  storage.restore("/notes.db", image, false);
  BOOST_TEST(storage.inode_of("/notes.db") != inode);
}

BOOST_AUTO_TEST_SUITE_END()
