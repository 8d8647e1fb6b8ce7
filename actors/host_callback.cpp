#include "actors/host_callback.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "actors/thread_name.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {

using storage::callback_answer;
using storage::callback_question;
using steady = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds patience{limits::callback_ms_max};

callback_answer answer_of(const host_decision& decide, const callback_question& question) {
  try {
    return decide(question);
  } catch (const std::exception& problem) {
    return {{}, "threw: " + std::string{problem.what()}.substr(0, limits::label_bytes_max)};
  } catch (...) {
    return {{}, "threw"};
  }
}

} // namespace

/// Shared with the thread, which may outlive everything else if the host never answers.
struct host_callback::shared {
  host_decision decide;
  std::mutex mutex;
  std::condition_variable asked, answered;
  std::optional<callback_question> question;
  std::optional<callback_answer> answer;
  bool has_thread = false;
  bool is_busy = false; ///< the host has a question
  bool is_stopping = false;
  steady::time_point rest_until{};

  void run() {
    std::unique_lock lock{mutex};
    while (true) {
      asked.wait(lock, [this] { return question || is_stopping; });
      if (is_stopping)
        break;
      const auto at_hand = *std::exchange(question, std::nullopt);
      lock.unlock();
      auto given = answer_of(decide, at_hand);
      lock.lock();
      answer = std::move(given);
      is_busy = false;
      answered.notify_all();
    }
    has_thread = false;
    answered.notify_all();
  }
};

host_callback::host_callback(host_decision decide) : shared_{std::make_shared<shared>()} {
  shared_->decide = std::move(decide);
}

host_callback::~host_callback() {
  std::unique_lock lock{shared_->mutex};
  shared_->is_stopping = true;
  shared_->asked.notify_all();
  shared_->answered.wait_for(lock, patience, [this] { return !shared_->has_thread; });
}

callback_answer host_callback::ask(const callback_question& question) {
  std::unique_lock lock{shared_->mutex};
  if (shared_->is_busy)
    return {{}, "is busy with another question"};
  if (steady::now() < shared_->rest_until)
    return {{}, "was late before and is not asked for a while"};
  if (!shared_->has_thread) {
    std::thread{[shared = shared_] {
      name_this_thread("callback");
      shared->run();
    }}.detach();
    shared_->has_thread = true;
  }
  shared_->is_busy = true;
  shared_->answer.reset();
  shared_->question = question;
  shared_->asked.notify_all();
  if (!shared_->answered.wait_for(lock, patience, [this] { return !shared_->is_busy; })) {
    shared_->rest_until = steady::now() + std::chrono::milliseconds{limits::callback_rest_ms};
    return {{}, "timed out"};
  }
  return *std::exchange(shared_->answer, std::nullopt);
}

} // namespace tandem::actors
