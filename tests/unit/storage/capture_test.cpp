// What the triggers note, seen with a connection that knows nothing of Tandem.
#include <filesystem>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <sqlite3.h>

#include "storage/capture.hpp"
#include "storage/replica.hpp"

using namespace tandem::storage;

namespace {

/// A database in a folder of its own, written to as stock SQLite writes.
class app_file {
public:
  app_file() {
    auto pattern = (std::filesystem::temp_directory_path() / "tandem-capture-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    sqlite3_open(path().c_str(), &db_);
  }
  ~app_file() {
    sqlite3_close(db_);
    std::filesystem::remove_all(folder_);
  }
  app_file(const app_file&) = delete;
  app_file& operator=(const app_file&) = delete;

  [[nodiscard]] std::string path() const { return (folder_ / "app.sqlite").string(); }

  void execute(const std::string& sql) {
    char* error = nullptr;
    sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &error);
    BOOST_REQUIRE_MESSAGE(!error, sql << ": " << (error ? error : ""));
  }

  std::vector<std::vector<std::string>> rows(const std::string& sql) {
    std::vector<std::vector<std::string>> result;
    sqlite3_exec(
        db_, sql.c_str(),
        [](void* context, int count, char** values, char**) {
          auto& row = static_cast<std::vector<std::vector<std::string>>*>(context)->emplace_back();
          for (int i = 0; i < count; ++i)
            row.emplace_back(values[i] ? values[i] : "NULL");
          return 0;
        },
        &result, nullptr);
    return result;
  }

  /// Kind and changed columns of each hint since the last call.
  std::vector<std::pair<hint_kind, std::vector<std::uint32_t>>> hints() {
    std::vector<std::pair<hint_kind, std::vector<std::uint32_t>>> result;
    for (const auto& row : rows("SELECT o FROM tandem_pending ORDER BY id")) {
      const auto unpacked = hint::unpack(std::stoull(row[0]));
      auto& each = result.emplace_back();
      each.first = unpacked.kind;
      unpacked.columns.each([&](std::uint32_t column) { each.second.push_back(column); });
    }
    execute("DELETE FROM tandem_pending; DELETE FROM tandem_deleted_4"); // 4: the first table after our own
    return result;
  }

private:
  std::filesystem::path folder_;
  sqlite3* db_ = nullptr;
};

void track(const app_file& file, const std::vector<std::string>& tables) {
  replica::open(file.path(), {.durable = false}).track(tables);
}

using noted = std::vector<std::pair<hint_kind, std::vector<std::uint32_t>>>;

} // namespace

BOOST_AUTO_TEST_SUITE(capture)

BOOST_AUTO_TEST_CASE(an_update_names_the_columns_that_changed) {
  app_file file;
  file.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b, c INTEGER)");
  file.execute("INSERT INTO t VALUES (1, 'x', 1, 1)");
  track(file, {"t"});
  file.execute("UPDATE t SET a = 'X'");
  BOOST_TEST((file.hints() == noted{{hint_kind::updated, {2}}}), "a change of case only");
  file.execute("UPDATE t SET b = 1.0");
  BOOST_TEST((file.hints() == noted{{hint_kind::updated, {3}}}), "integer to real in a column without a type");
  file.execute("UPDATE t SET c = NULL, b = x'00'");
  BOOST_TEST((file.hints() == noted{{hint_kind::updated, {3, 4}}}));
  file.execute("UPDATE t SET c = c, b = b");
  BOOST_TEST((file.hints() == noted{{hint_kind::updated, {}}}), "nothing changed");
}

BOOST_AUTO_TEST_CASE(wide_tables_take_one_hint_per_block) {
  app_file file;
  std::string columns = "id TEXT PRIMARY KEY";
  for (int i = 1; i < 200; ++i)
    columns += ", c" + std::to_string(i);
  file.execute("CREATE TABLE wide(" + columns + ")");
  file.execute("INSERT INTO wide(id) VALUES ('a')");
  track(file, {"wide"});
  file.execute("UPDATE wide SET c1 = 1, c47 = 1, c48 = 1, c199 = 1");
  std::vector<std::uint32_t> changed;
  for (const auto& [kind, of_block] : file.hints())
    changed.insert(changed.end(), of_block.begin(), of_block.end());
  BOOST_TEST(changed == (std::vector<std::uint32_t>{2, 48, 49, 200}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_change_of_key_is_a_delete_and_an_insert) {
  app_file file;
  file.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')");
  track(file, {"t"});
  for (const char* const sql : {"UPDATE t SET id = 2", "UPDATE t SET rowid = 3"}) {
    file.execute(sql);
    std::vector<hint_kind> kinds;
    for (const auto& [kind, columns] : file.hints())
      if (kind != hint_kind::updated)
        kinds.push_back(kind);
    BOOST_TEST((kinds == std::vector{hint_kind::deleted, hint_kind::inserted}), sql);
  }
}

BOOST_AUTO_TEST_CASE(replace_names_the_row_that_it_displaces) {
  app_file file;
  file.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE); INSERT INTO t VALUES (1, 'x')");
  track(file, {"t"});
  file.execute("PRAGMA recursive_triggers = OFF; INSERT OR REPLACE INTO t VALUES (2, 'x')");
  BOOST_TEST((file.hints() == noted{{hint_kind::displaced, {}}, {hint_kind::inserted, {}}}));
}

BOOST_AUTO_TEST_CASE(a_rollback_takes_its_hints_along) {
  app_file file;
  file.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  track(file, {"t"});
  file.execute("BEGIN; INSERT INTO t VALUES (1, 1); SAVEPOINT s; INSERT INTO t VALUES (2, 2); ROLLBACK TO s; COMMIT");
  BOOST_TEST(file.hints().size() == 1U);
  file.execute("BEGIN; INSERT INTO t VALUES (3, 3); ROLLBACK");
  BOOST_TEST(file.hints().empty());
}

BOOST_AUTO_TEST_CASE(the_writers_last_insert_rowid_stays_its_own) {
  app_file file;
  file.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE)");
  track(file, {"t"});
  file.execute("INSERT INTO t VALUES (41, 'x')");
  BOOST_TEST(file.rows("SELECT last_insert_rowid(), changes()").front() == (std::vector<std::string>{"41", "1"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(keys_of_many_columns_fit) {
  app_file file;
  file.execute("CREATE TABLE t(a, b, c, d, e, f, v, PRIMARY KEY(f, a, b, c, d, e)) WITHOUT ROWID");
  track(file, {"t"});
  file.execute("INSERT INTO t VALUES (1, 2, 3, 4, 5, 6, 7)");
  BOOST_TEST(file.rows("SELECT k, k2, k3, k4, k5, k6 FROM tandem_pending").front() ==
                 (std::vector<std::string>{"6", "1", "2", "3", "4", "5"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
