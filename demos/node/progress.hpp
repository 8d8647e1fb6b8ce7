// Says on standard error that something takes its time, once it has taken a second.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace tandem::node {

/// From its construction to its destruction. On a terminal one line that counts the seconds and goes away;
/// elsewhere one line every ten seconds. `detail` (any thread, cheap) may say how far things are.
class progress {
public:
  explicit progress(std::string what, std::function<std::string()> detail = {});
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

private:
  void run();

  std::string what_;
  std::function<std::string()> detail_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_done_ = false;
  std::thread thread_;
};

} // namespace tandem::node
