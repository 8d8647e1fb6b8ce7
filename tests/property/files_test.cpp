// Files that are no database, can't be written, are locked, or lie on a full disk: a clear error, and nothing done by
// halves.
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::messages::failure_code;
using tandem::messages::name_of;
namespace storage = tandem::storage;
namespace files = std::filesystem;

namespace {

storage::replica_options hasty(storage::open_mode mode = storage::open_mode::existing) {
  storage::replica_options result;
  result.mode = mode;
  result.busy_wait_ms = 0;
  result.durable = false;
  return result;
}

template <class Action>
void must_fail(failure_code expected, const std::string& text_part, Action action) {
  try {
    action();
    BOOST_ERROR("nothing was refused, expected " << name_of(expected));
  } catch (const failure& error) {
    BOOST_TEST((error.code() == expected), "got " << name_of(error.code()) << ": " << error.what());
    BOOST_TEST(std::string{error.what()}.find(text_part) != std::string::npos, error.what());
    BOOST_TEST_MESSAGE(error.what());
  }
}

const std::vector<std::string> tasks_sql{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)"};
const std::vector<std::string> tasks{"tasks"};

} // namespace

BOOST_AUTO_TEST_CASE(a_file_that_does_not_exist) {
  temp_folder folder;
  const auto path = folder.file("none.db");
  BOOST_CHECK_THROW(storage::replica::open(path, hasty()), failure);
  BOOST_TEST(!files::exists(path));
  BOOST_CHECK_THROW(storage::replica::open(folder.file("no folder") + "/x.db", hasty(storage::open_mode::create)),
                    failure);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_database_stays_as_it_is) {
  temp_folder folder;
  const auto path = folder.file("text.db");
  const std::string text(5'000, 'x');
  std::ofstream{path} << text;
  must_fail(failure_code::corrupt, path, [&] {
    auto core = storage::replica::open(path, hasty());
    core.track(tasks);
  });
  std::ifstream in{path};
  BOOST_TEST((std::string{std::istreambuf_iterator<char>{in}, {}} == text));
  must_fail(failure_code::corrupt, path, [&] { storage::replica::open(path, hasty(storage::open_mode::create)); });
  BOOST_CHECK_THROW(storage::replica::open(folder.path().string(), hasty()), failure);
}

BOOST_AUTO_TEST_CASE(a_database_that_is_no_replica_cannot_be_opened_for_reading_only) {
  temp_folder folder;
  const auto path = folder.file("plain.db");
  app_database{path}.execute(tasks_sql[0]);
  const auto before = files::file_size(path);
  BOOST_CHECK_THROW(storage::replica::open(path, hasty(storage::open_mode::read_only)).digest(), failure);
  BOOST_TEST(files::file_size(path) == before);
}

BOOST_AUTO_TEST_CASE(reading_only_changes_nothing) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  const auto expected = both.core_a().digest();
  auto reader = storage::replica::open(both.all.at(0).path(), hasty(storage::open_mode::read_only));
  BOOST_TEST(reader.digest() == expected);
  BOOST_TEST(reader.status().tables.size() == 1);
  BOOST_TEST(reader.verify().empty());
  BOOST_TEST(reader.why("tasks", "1").state == "live");
  BOOST_CHECK_THROW(reader.track(tasks), failure);
}

BOOST_AUTO_TEST_CASE(a_file_that_may_not_be_written) {
  if (::geteuid() == 0) {
    BOOST_TEST_MESSAGE("skipped: file modes do not bind root");
    return;
  }
  temp_folder folder;
  const auto path = folder.file("read-only.db");
  app_database{path}.execute(tasks_sql[0]);
  files::permissions(path, files::perms::owner_read);
  must_fail(failure_code::read_only, path, [&] {
    auto core = storage::replica::open(path, hasty());
    core.track(tasks);
  });
}

BOOST_AUTO_TEST_CASE(a_lock_held_for_long_is_said_and_nothing_is_lost) {
  two_replicas both{tasks_sql, tasks, "INSERT INTO tasks VALUES (1, 'one')"};
  both.b("UPDATE tasks SET title = 'from b'");
  both.core_b().stamp_pending();
  const auto message = both.all.bundle(1, 0);
  app_database other{both.all.at(0).path()};
  other.execute("BEGIN IMMEDIATE; INSERT INTO tasks VALUES (2, 'slow writer')");
  must_fail(failure_code::busy, "lock", [&] { both.all.deliver(0, *message); });
  must_fail(failure_code::busy, "lock", [&] { both.core_a().untrack(tasks); });
  other.execute("COMMIT");
  BOOST_CHECK_NO_THROW(both.all.deliver(0, *message));
  both.level();
  BOOST_TEST(both.text("SELECT * FROM tasks ORDER BY id") == "(1, 'from b')(2, 'slow writer')");
}

BOOST_AUTO_TEST_CASE(a_full_disk_stops_the_merge_with_nothing_applied_and_it_goes_on_when_there_is_room) {
  // A small disk of its own, where the machine lets us have one.
  temp_folder folder;
  const auto mount = "mount -t tmpfs -o size=600k none '" + folder.path().string() + "' 2>/dev/null";
  if (std::system(mount.c_str()) != 0) {
    BOOST_TEST_MESSAGE("skipped: no tmpfs can be mounted here");
    return;
  }
  struct unmount {
    std::string path;
    ~unmount() {
      if (std::system(("umount '" + path + "'").c_str()) != 0)
        BOOST_TEST_MESSAGE(path << " stays mounted");
    }
  } guard{folder.path().string()};

  two_replicas both{tasks_sql, tasks};
  const auto path = folder.file("small.db");
  app_database{path}.execute("PRAGMA journal_mode = WAL; " + tasks_sql[0] + ";");
  std::optional<storage::replica> small{storage::replica::open(path, hasty())};
  small->track(tasks);
  small->bind_peer(both.all.at(0).site(), both.core_a().schema());
  both.a("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO tasks SELECT i, "
         "hex(randomblob(20)) FROM n");
  both.core_a().stamp_pending();
  std::vector<std::string> blocks;
  auto reading = both.core_a().extract(small->self().site, 0);
  while (auto block = reading->next_block(100'000))
    blocks.push_back(*block);
  const auto header = reading->header();
  reading.reset();
  const auto deliver = [&] {
    std::size_t next = 0;
    small->merge(both.all.at(0).site(), header, [&]() -> std::optional<std::string_view> {
      return next < blocks.size() ? std::optional<std::string_view>{blocks[next++]} : std::nullopt;
    });
  };
  must_fail(failure_code::full, "full", deliver);
  {
    app_database app{path};
    BOOST_TEST(app.integer("SELECT count(*) FROM tasks") == 0);
  }
  BOOST_TEST(small->verify().empty());
  BOOST_REQUIRE(std::system(("mount -o remount,size=60m '" + folder.path().string() + "'").c_str()) == 0);
  BOOST_CHECK_NO_THROW(deliver());
  BOOST_TEST(small->digest() == both.core_a().digest());
  small.reset();
}
