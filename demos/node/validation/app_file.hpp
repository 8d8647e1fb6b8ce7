// An app's own connection to its database file: plain SQLite, nothing of ours.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace tandem::node {

/// Throws messages::failure (storage) where SQLite does not do what it is told. One thread at a time.
class app_file {
  struct closer {
    void operator()(sqlite3* connection) const;
    void operator()(sqlite3_stmt* statement) const;
  };

public:
  using statement = std::unique_ptr<sqlite3_stmt, closer>;

  explicit app_file(const std::filesystem::path& file);

  void execute(const std::string& sql);
  /// The first column of the first row as a number; 0 if there is none.
  std::int64_t number(std::string_view sql);
  /// The first value of the first row, which must be there.
  std::string text(std::string_view sql);
  /// The same of a blob, byte by byte.
  std::string bytes(std::string_view sql);
  statement prepare(std::string_view sql);
  /// Runs a statement that returns nothing, and readies it for the next time. False if the database was busy or full.
  static bool run(sqlite3_stmt* prepared);

  /// The table that validations write to.
  void create_table();
  /// One row; commits by itself unless a transaction is open. False if the database was busy or full: nothing was
  /// written.
  bool insert(std::int64_t id, std::string_view body);
  bool insert_blob(std::int64_t id, std::string_view bytes);
  bool update(std::int64_t id, std::int64_t revision);
  bool remove(std::int64_t id);

private:
  void prepare_insert();
  [[noreturn]] void fail(std::string_view doing);

  std::string file_;
  std::unique_ptr<sqlite3, closer> connection_;
  statement insert_;
  statement update_;
  statement remove_;
};

} // namespace tandem::node
