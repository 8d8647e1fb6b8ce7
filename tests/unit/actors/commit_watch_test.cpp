// The watch on a database's file: no write escapes it, however close they come.
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <boost/test/unit_test.hpp>

#include "actors/commit_watch.hpp"
#include "tests/unit/actors/test_folder.hpp"

using tandem::actors::commit_watch;
using namespace std::chrono_literals;

namespace {

void append(const std::string& path) {
  std::ofstream{path, std::ios::app} << 'x';
}

/// A file, its WAL, and somebody who looks at them whenever the watch says so.
struct watched_file {
  tandem::tests::test_folder folder;
  std::string path = folder.file("a.db");
  std::string wal = path + "-wal";
  std::mutex mutex;
  std::condition_variable looked;
  std::uintmax_t seen_bytes = 0;
  int calls = 0;
  commit_watch watch{path};

  watched_file() {
    append(path);
    append(wal);
    watch.start([this] {
      const std::lock_guard lock{mutex};
      seen_bytes = bytes();
      ++calls;
      looked.notify_all();
    });
  }
  ~watched_file() { watch.stop(); }

  [[nodiscard]] std::uintmax_t bytes() const {
    return std::filesystem::file_size(path) + std::filesystem::file_size(wal);
  }
  /// How often it was called until all was seen that is written now; 0: that never was.
  int calls_until_all_is_seen() {
    std::unique_lock lock{mutex};
    return looked.wait_for(lock, 20s, [&] { return seen_bytes >= bytes(); }) ? calls : 0;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(commit_watches)

BOOST_FIXTURE_TEST_CASE(the_last_of_many_writes_is_seen_too, watched_file) {
  BOOST_REQUIRE(watch.can_watch());
  for (int round = 0; round < 300; ++round) {
    for (int i = 0; i < round % 50; ++i)
      append(wal);
    append(round % 2 == 0 ? path : wal);
    BOOST_REQUIRE(calls_until_all_is_seen() > 0);
  }
}

BOOST_FIXTURE_TEST_CASE(nobody_looks_for_the_sake_of_other_files, watched_file) {
  append(path);
  const auto before = calls_until_all_is_seen();
  for (int i = 0; i < 200; ++i)
    for (const char* name : {"b.db", "a.db.txt", "ta.db-wal"})
      append(folder.file(name));
  append(path);
  // The two files' beginnings, and one write.
  BOOST_TEST(calls_until_all_is_seen() <= before + 3);
}

BOOST_AUTO_TEST_CASE(it_ends_while_somebody_writes) {
  for (int i = 0; i < 50; ++i) {
    watched_file file;
    append(file.wal);
  }
}

BOOST_AUTO_TEST_SUITE_END()
