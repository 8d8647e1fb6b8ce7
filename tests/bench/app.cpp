// What apps do: they write, and they look.
#include <poll.h>
#include <stdexcept>
#include <sys/inotify.h>
#include <thread>
#include <unistd.h>

#include "app_database.hpp"
#include "commands.hpp"
#include "storage/replica.hpp"

namespace tandem::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t rows_per_commit = 100;

/// Waits for writes to a database without asking it all the time.
class file_watch {
public:
  explicit file_watch(const std::string& path) : descriptor_{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)} {
    if (descriptor_ < 0 || ::inotify_add_watch(descriptor_, (path + "-wal").c_str(), IN_MODIFY) < 0)
      throw std::runtime_error{"can't watch " + path};
  }
  ~file_watch() { ::close(descriptor_); }
  file_watch(const file_watch&) = delete;
  file_watch& operator=(const file_watch&) = delete;

  bool wait(int timeout_ms) {
    pollfd one{descriptor_, POLLIN, 0};
    const auto has_come = ::poll(&one, 1, timeout_ms) > 0;
    char events[4096];
    while (::read(descriptor_, events, sizeof events) > 0) {
    }
    return has_come;
  }

private:
  const int descriptor_;
};

} // namespace

void prepare(const std::string& path, std::uint64_t rows, bool is_tracked) {
  {
    app_database app{path};
    app.create_tasks();
    app.insert_tasks(0, rows, 10'000);
    app.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  if (is_tracked) {
    auto replica = storage::replica::open(path);
    const std::string tables[] = {"tasks"};
    replica.track(tables);
    replica.stamp_pending();
  }
}

json write(const std::string& path, const std::string& workload, std::uint64_t count, std::uint64_t first) {
  app_database app{path};
  const auto is_update = workload == "update";
  const auto batch = workload == "single" ? 1 : rows_per_commit;
  const auto statement = app.prepare(is_update ? update_sql : insert_sql);
  std::vector<task> rows;
  rows.reserve(count);
  for (std::uint64_t number = 0; number < count; ++number)
    rows.emplace_back(first + number);
  std::vector<double> commits_us;
  commits_us.reserve(count / batch + 1);
  const auto begin_us = now_us();
  const auto begin_s = clock_seconds();
  for (std::uint64_t number = 0; number < count;) {
    const auto commit_begin_us = now_us();
    app.execute("BEGIN IMMEDIATE");
    for (std::uint64_t in_batch = 0; in_batch < batch && number < count; ++in_batch, ++number) {
      if (is_update) {
        bind_text(statement.get(), 1, rows[number].id);
        sqlite3_bind_int64(statement.get(), 2, static_cast<std::int64_t>(number + 100));
      } else {
        bind_task(statement.get(), rows[number]);
      }
      app.run(statement.get());
    }
    app.execute("COMMIT");
    commits_us.push_back(static_cast<double>(now_us() - commit_begin_us));
  }
  const auto seconds = clock_seconds() - begin_s;
  const auto end_us = now_us();
  return {{"begin_us", begin_us}, {"end_us", end_us}, {"seconds", seconds}, {"commit_us", spread(commits_us)}};
}

json write_paced(const std::string& path, std::uint64_t count, std::uint64_t first, std::int64_t interval_ms) {
  app_database app{path};
  const auto insert = app.prepare(insert_sql);
  json commits = json::object();
  auto next = steady_clock::now();
  for (std::uint64_t number = first; number < first + count; ++number) {
    const task row{number};
    bind_task(insert.get(), row);
    app.run(insert.get());
    commits[row.id] = now_us();
    next += std::chrono::milliseconds{interval_ms};
    std::this_thread::sleep_until(next);
  }
  return {{"committed_us", commits}};
}

json write_until(const std::string& path, std::uint64_t rows, std::uint64_t first) {
  app_database app{path};
  const auto insert = app.prepare(insert_sql);
  std::vector<double> commits_us;
  for (auto number = first;
       static_cast<std::uint64_t>(app.integer("SELECT count(*) FROM tasks WHERE rowid > 0")) < rows;) {
    // Counting costs more than writing: look seldom.
    for (int round = 0; round < 50; ++round, ++number) {
      bind_task(insert.get(), task{number});
      const auto begin_us = now_us();
      app.run(insert.get());
      commits_us.push_back(static_cast<double>(now_us() - begin_us));
      std::this_thread::sleep_for(std::chrono::microseconds{500});
    }
  }
  return {{"commit_us", spread(commits_us)}};
}

json watch(const std::string& path, std::uint64_t rows) {
  app_database app{path};
  file_watch written{path};
  const auto version = app.prepare("PRAGMA data_version");
  const auto news = app.prepare("SELECT rowid, id FROM tasks WHERE rowid > ?1 ORDER BY rowid");
  const auto data_version = [&] {
    sqlite3_step(version.get());
    const auto result = sqlite3_column_int64(version.get(), 0);
    sqlite3_reset(version.get());
    return result;
  };
  json seen = json::object();
  std::int64_t last_rowid = app.integer("SELECT coalesce(max(rowid), 0) FROM tasks");
  auto count = static_cast<std::uint64_t>(app.integer("SELECT count(*) FROM tasks"));
  std::int64_t end_us = 0;
  auto known = data_version();
  while (count < rows) {
    written.wait(100);
    // The file is written before the commit becomes visible: look closely for a moment.
    const auto until = steady_clock::now() + std::chrono::milliseconds{20};
    do {
      if (const auto version_now = data_version(); version_now != known) {
        known = version_now;
        sqlite3_bind_int64(news.get(), 1, last_rowid);
        end_us = now_us();
        while (sqlite3_step(news.get()) == SQLITE_ROW) {
          last_rowid = sqlite3_column_int64(news.get(), 0);
          seen[reinterpret_cast<const char*>(sqlite3_column_text(news.get(), 1))] = end_us;
          ++count;
        }
        sqlite3_reset(news.get());
      }
      std::this_thread::sleep_for(std::chrono::microseconds{30});
    } while (count < rows && steady_clock::now() < until);
  }
  return {{"visible_us", seen}, {"end_us", end_us}};
}

} // namespace tandem::bench
