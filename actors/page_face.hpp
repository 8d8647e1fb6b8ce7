// What is behind tandem::page.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <tandem/page.hpp>
#include <thread>

#include "bridge/webview_sessions.hpp"

namespace tandem {

/// Runs what is posted from any thread one after the other, on whichever thread posts while nothing runs: a main loop
/// for hosts whose own we can't reach.
class serial_queue {
public:
  void post(std::function<void()> work);
  /// Waits until nothing runs; what is posted later is dropped.
  void close();

private:
  std::mutex mutex_;
  std::condition_variable is_idle_;
  std::deque<std::function<void()>> waiting_;
  bool is_running_ = false;
  bool is_closed_ = false;
};

struct page::implementation {
  implementation(runtime& sync, std::function<void(const std::string& script)> evaluate);
  ~implementation();

  /// What a transport has to call for each page of the runtime, which has to run.
  static bridge::page_handler entry_of(const runtime& sync);
  void beat_until_closed();

  // Shared with connections that end later than this.
  std::shared_ptr<serial_queue> queue = std::make_shared<serial_queue>();
  std::shared_ptr<bridge::webview_sessions> sessions;
  std::mutex closing_mutex;
  std::condition_variable closing;
  bool is_closing = false;
  std::thread heart;
};

} // namespace tandem
