#include "actors/page_face.hpp"

#include <chrono>
#include <utility>

#include "actors/thread_name.hpp"
#include "messages/page_limits.hpp"

namespace tandem {

void serial_queue::post(std::function<void()> work) {
  std::unique_lock lock{mutex_};
  if (is_closed_)
    return;
  waiting_.push_back(std::move(work));
  if (is_running_)
    return;
  is_running_ = true;
  while (!waiting_.empty()) {
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    next();
    lock.lock();
  }
  is_running_ = false;
  is_idle_.notify_all();
}

void serial_queue::close() {
  std::unique_lock lock{mutex_};
  is_idle_.wait(lock, [this] { return !is_running_; });
  is_closed_ = true;
}

page::implementation::implementation(runtime& sync, std::function<void(const std::string& script)> evaluate) {
  bridge::webview_loop loop;
  loop.post = [queue = queue](std::function<void()> work) {
    queue->post(std::move(work));
  };
  loop.ring = std::move(evaluate);
  sessions = std::make_shared<bridge::webview_sessions>(std::move(loop), entry_of(sync));
  heart = std::thread{[this] {
    actors::name_this_thread("heart");
    beat_until_closed();
  }};
}

page::implementation::~implementation() {
  {
    const std::lock_guard lock{closing_mutex};
    is_closing = true;
  }
  closing.notify_all();
  heart.join();
  queue->post([sessions = sessions] { sessions->end("the view is gone"); });
  queue->close();
}

void page::implementation::beat_until_closed() {
  std::unique_lock lock{closing_mutex};
  while (!closing.wait_for(lock, std::chrono::milliseconds{limits::page_heartbeat_ms}, [this] { return is_closing; })) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    queue->post([sessions = sessions, now_ms] { sessions->beat(now_ms); });
  }
}

page::page(runtime& sync, std::function<void(const std::string& script)> evaluate)
    : implementation_{std::make_unique<implementation>(sync, std::move(evaluate))} {}

page::~page() = default;

void page::take(const std::string& message, std::function<void(const std::string& text, bool is_error)> reply) {
  implementation_->queue->post(
      [sessions = implementation_->sessions, message, reply = std::move(reply)] { sessions->take(message, reply); });
}

void page::reset() {
  implementation_->queue->post(
      [sessions = implementation_->sessions] { sessions->end("the view shows another page"); });
}

} // namespace tandem
