// The host's callback with a deadline: it runs on a thread of its own, and whoever asks waits no longer than that.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "storage/replica.hpp"

namespace tandem::actors {

using host_decision = std::function<storage::callback_answer(const storage::callback_question&)>;

/// Any thread may ask; while one question is with the host, others get no answer.
class host_callback {
public:
  explicit host_callback(host_decision decide);
  /// Waits for an answer that is under way no longer than the deadline; a host that never answers keeps its thread.
  ~host_callback();
  host_callback(const host_callback&) = delete;
  host_callback& operator=(const host_callback&) = delete;

  /// What the host says, or why it does not: too late, or late before and not asked. Exceptions become trouble.
  storage::callback_answer ask(const storage::callback_question& question);

private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

} // namespace tandem::actors
