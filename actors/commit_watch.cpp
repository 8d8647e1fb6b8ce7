#include "actors/commit_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/thread_name.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {
namespace {

std::pair<std::string, std::string> split(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos)
    return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

/// Waits so long for something to read.
bool is_ready(int descriptor, std::int64_t wait_us) {
  pollfd what{descriptor, POLLIN, 0};
  const timespec wait{wait_us / 1'000'000, wait_us % 1'000'000 * 1'000};
  return ::ppoll(&what, 1, &wait, nullptr) > 0;
}

} // namespace

commit_watch::commit_watch(const std::string& path) {
  const auto [folder, name] = split(path);
  name_ = name;
  events_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  stop_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  // The folder, not the files: a WAL comes and goes, and a restore puts another file in the database's place.
  can_watch_ = events_ >= 0 && stop_ >= 0 &&
               ::inotify_add_watch(events_, folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE) >= 0;
  if (!can_watch_)
    spdlog::warn("the watch on {} could not begin ({}); looking for changes at intervals instead", path,
                 std::strerror(errno));
}

void commit_watch::start(std::function<void()> on_write) {
  on_write_ = std::move(on_write);
  if (can_watch_)
    thread_ = std::thread{[this] {
      name_this_thread("watch");
      run();
    }};
}

commit_watch::~commit_watch() {
  stop();
  for (const int each : {events_, stop_})
    if (each >= 0)
      ::close(each);
}

void commit_watch::stop() {
  if (!thread_.joinable())
    return;
  const std::uint64_t one = 1;
  while (::write(stop_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  thread_.join();
}

void commit_watch::run() {
  auto rest_us = limits::watch_rest_us;
  for (;;) {
    const bool is_busy = is_ready(events_, 0);
    rest_us = is_busy ? std::min(2 * rest_us, limits::watch_rest_us_max) : limits::watch_rest_us;
    if (!is_busy && !wait_for_events())
      return;
    if (take_events())
      on_write_();
    if (is_ready(stop_, rest_us))
      return;
  }
}

/// False: it has to stop.
bool commit_watch::wait_for_events() const {
  std::array<pollfd, 2> waits{{{events_, POLLIN, 0}, {stop_, POLLIN, 0}}};
  while (::poll(waits.data(), waits.size(), -1) < 0)
    if (errno != EINTR)
      return false;
  return waits[1].revents == 0;
}

/// Whether one of them is of our files.
bool commit_watch::take_events() const {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
  bool is_written = false;
  for (;;) {
    const auto size = ::read(events_, buffer.data(), buffer.size());
    if (size <= 0)
      return is_written;
    is_written = is_ours(buffer.data(), static_cast<std::size_t>(size)) || is_written;
  }
}

bool commit_watch::is_ours(const char* buffer, std::size_t size) const {
  for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
    inotify_event event{};
    std::memcpy(&event, buffer + at, sizeof event);
    if ((event.mask & IN_Q_OVERFLOW) != 0)
      return true;
    const std::string_view name{event.len > 0 ? buffer + at + sizeof event : ""};
    if (name == name_ || (name.starts_with(name_) && (name.ends_with("-wal") || name.ends_with("-journal"))))
      return true;
    at += sizeof event + event.len;
  }
  return false;
}

} // namespace tandem::actors
