// A replica in a temporary folder, by a clock of the test's own, and what its app does to it.
#pragma once

#include <cstdint>
#include <string>

#include "actors/observer.hpp"
#include "messages/catalogue.hpp"
#include "storage/replica.hpp"
#include "tests/unit/actors/test_folder.hpp"

namespace tandem::tests {

constexpr std::int64_t test_begin_ms = 1'700'000'000'000;

/// Table `tasks(id, title)`, tracked. The app's connection and the core's are different ones, as in life.
class test_replica {
public:
  explicit test_replica(const std::string& path)
      : path_{prepared(path, how())}, app{path_}, core{storage::replica::open(path_, how())} {}

  [[nodiscard]] actors::replica_opener opener() {
    return [this] {
      return storage::replica::open(path_, how());
    };
  }
  void insert(int id, const std::string& title = "x") {
    app.run("INSERT INTO tasks VALUES(" + std::to_string(id) + ", '" + title + "')");
  }
  /// Returns the log's head.
  std::uint64_t stamped_insert(int id, const std::string& title = "x") {
    insert(id, title);
    return core.stamp_pending().head;
  }
  [[nodiscard]] std::string rows() { return app.ask("SELECT count(*) FROM tasks"); }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// As a peer introduces itself.
  [[nodiscard]] messages::hello hello() {
    messages::hello result;
    const auto self = core.self();
    result.site = self.site;
    result.epoch = self.epoch;
    result.head = core.head();
    result.time_ms = now_ms;
    result.instance = 4'711;
    result.name = "peer";
    result.tables = core.schema();
    result.runs = core.lineage();
    result.log_start = core.log_start();
    return result;
  }
  /// All that `whom` lacks beyond `start`, as one part.
  [[nodiscard]] messages::bundle_part bundle_for(const storage::site_id& whom, std::uint64_t start = 0) {
    core.stamp_pending();
    auto found = core.extract(whom, start);
    messages::bundle_part part;
    part.number = 1;
    part.is_last = true;
    part.header = found->header();
    block_ = found->next_block(limits::block_bytes_target).value_or("");
    part.block = block_;
    return part;
  }

  std::int64_t now_ms = test_begin_ms;

private:
  storage::replica_options how() {
    storage::replica_options result;
    result.now_ms = [this] {
      return now_ms;
    };
    result.busy_wait_ms = 0;
    result.durable = false;
    result.hint_times = false;
    return result;
  }
  static std::string prepared(const std::string& path, const storage::replica_options& how) {
    make_tracked(path, "CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)", "tasks", how);
    return path;
  }

  std::string path_;
  std::string block_;

public:
  plain_database app;
  storage::replica core;
};

} // namespace tandem::tests
