// Notices at once that some process has written to a database file.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace tandem::actors {

/// Watches the database, its WAL and its journal with inotify, on a thread of its own that sleeps until one of
/// them is written.
class commit_watch {
public:
  /// Writes are remembered from here on.
  explicit commit_watch(const std::string& path);
  ~commit_watch();
  commit_watch(const commit_watch&) = delete;
  commit_watch& operator=(const commit_watch&) = delete;

  /// False if this system can't watch the file: then somebody has to look now and then.
  [[nodiscard]] bool can_watch() const { return can_watch_; }
  /// `on_write` is called on the watch's thread; it may not block.
  void start(std::function<void()> on_write);
  void stop();

private:
  void run();
  [[nodiscard]] bool wait_for_events() const;
  [[nodiscard]] bool take_events() const;
  [[nodiscard]] bool is_ours(const char* buffer, std::size_t size) const;

  std::string name_; ///< the file's, without its folder
  std::function<void()> on_write_;
  bool can_watch_ = false;
  int events_ = -1; ///< inotify
  int stop_ = -1;   ///< eventfd
  std::thread thread_;
};

} // namespace tandem::actors
