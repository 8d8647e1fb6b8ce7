#include "demos/node/demo/device.hpp"

#include <csignal>
#include <utility>

#include <sqlite3.h>

#include "demos/node/demo/story.hpp"

namespace tandem::node {

namespace {

constexpr int busy_wait_ms = 30'000;

struct finalizer {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

bool write_by_own_connection(const std::string& file, const std::string& sql) {
  sqlite3* connection = nullptr;
  bool is_done = sqlite3_open(file.c_str(), &connection) == SQLITE_OK;
  sqlite3_busy_timeout(connection, busy_wait_ms);
  is_done = is_done && sqlite3_exec(connection, ("PRAGMA foreign_keys = ON;" + sql).c_str(), nullptr, nullptr,
                                    nullptr) == SQLITE_OK;
  sqlite3_close(connection);
  return is_done;
}

} // namespace

bool has_stock_sqlite() {
  static const bool result = is_in_path("sqlite3");
  return result;
}

void device::closer::operator()(sqlite3* connection) const {
  sqlite3_close(connection);
}

device::device(std::string name, const std::filesystem::path& folder, bool is_kept)
    : name_{std::move(name)}, file_{folder / (name_ + ".sqlite")}, log_{folder / (name_ + ".log")},
      edit_log_{folder / (name_ + ".edits.log")}, is_kept_{is_kept} {}

std::optional<std::string> device::serve(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{own_program(), "serve", file_.string()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  node_ = process{all, log_, is_kept_};
  auto line = node_.wait_for_line("ready", patience_ms);
  if (line.empty()) {
    return std::nullopt;
  }
  constexpr std::size_t ready_size = 6;
  return line.size() > ready_size ? line.substr(ready_size) : std::string{};
}

bool device::run(const std::string& command, const std::vector<std::string>& arguments) {
  std::vector<std::string> all{own_program(), command, file_.string()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return process{all, edit_log_, false}.wait() == 0;
}

process device::begin_edit(const std::string& sql) {
  if (!has_stock_sqlite()) {
    write_by_own_connection(file_.string(), sql);
    return {};
  }
  return process{{"sqlite3", "-bail", "-cmd", ".timeout " + std::to_string(busy_wait_ms), file_.string(),
                  "PRAGMA foreign_keys = ON;" + sql},
                 edit_log_,
                 false};
}

bool device::edit(const std::string& sql) {
  return has_stock_sqlite() ? begin_edit(sql).wait() == 0 : write_by_own_connection(file_.string(), sql);
}

sqlite3* device::reader() {
  if (!reader_ && std::filesystem::exists(file_)) {
    sqlite3* connection = nullptr;
    if (sqlite3_open_v2(file_.c_str(), &connection, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK) {
      sqlite3_close(connection);
      return nullptr;
    }
    sqlite3_busy_timeout(connection, busy_wait_ms);
    reader_.reset(connection);
  }
  return reader_.get();
}

std::optional<std::string> device::read(const std::string& sql) {
  sqlite3* connection = reader();
  sqlite3_stmt* prepared = nullptr;
  if (connection == nullptr || sqlite3_prepare_v2(connection, sql.c_str(), -1, &prepared, nullptr) != SQLITE_OK) {
    return std::nullopt;
  }
  const std::unique_ptr<sqlite3_stmt, finalizer> statement{prepared};
  if (sqlite3_step(prepared) != SQLITE_ROW) {
    return std::nullopt;
  }
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(prepared, 0));
  return text == nullptr ? std::string{} : std::string{text};
}

storage::replica device::look() {
  storage::replica_options options;
  options.mode = storage::open_mode::read_only;
  return storage::replica::open(file_.string(), std::move(options));
}

} // namespace tandem::node
