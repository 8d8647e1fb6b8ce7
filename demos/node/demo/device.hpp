// One device of the demo: a database file that its app writes to with plain SQL, and the node that keeps it in step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "demos/node/demo/process.hpp"
#include "storage/replica.hpp"

struct sqlite3;

namespace tandem::node {

class device {
public:
  device(std::string name, const std::filesystem::path& folder, bool is_kept);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  /// The file's name without its folder, as the story shows it.
  [[nodiscard]] std::string file_name() const { return file_.filename().string(); }
  [[nodiscard]] process& node() { return node_; }

  /// Starts `tandem serve FILE ARGUMENTS...`; returns what follows "ready", or nothing if it did not come up.
  std::optional<std::string> serve(const std::vector<std::string>& arguments);
  /// Runs the program on this device's file and waits for it: `tandem COMMAND FILE ARGUMENTS...`.
  bool run(const std::string& command, const std::vector<std::string>& arguments);

  /// The app's write, by the stock `sqlite3` program where there is one. True if it was committed.
  bool edit(const std::string& sql);
  /// The same, not waiting for its end where the stock program does it.
  process begin_edit(const std::string& sql);
  /// The app's read: the first column of the first row; nothing if there is no such row, table or file yet.
  std::optional<std::string> read(const std::string& sql);

  /// The same file as Tandem sees it.
  storage::replica look();
  std::string digest() { return look().digest(); }

private:
  struct closer {
    void operator()(sqlite3* connection) const;
  };
  sqlite3* reader();

  std::string name_;
  std::filesystem::path file_;
  std::filesystem::path log_;
  std::filesystem::path edit_log_;
  bool is_kept_;
  process node_;
  std::unique_ptr<sqlite3, closer> reader_;
};

/// True where edits are made by the stock `sqlite3` program; else by a plain SQLite connection of the demo.
bool has_stock_sqlite();

} // namespace tandem::node
