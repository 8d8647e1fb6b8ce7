// The last lines of the log, kept for whoever looks later.
#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include <spdlog/sinks/base_sink.h>

#include "messages/limits.hpp"
#include "monitor/report_json.hpp"

namespace tandem::actors {

/// A sink of spdlog; any thread may read it.
class log_tail : public spdlog::sinks::base_sink<std::mutex> {
public:
  [[nodiscard]] std::vector<monitor::log_line> lines() {
    const std::lock_guard lock{mutex_};
    return {lines_.begin(), lines_.end()};
  }

protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const auto level = spdlog::level::to_string_view(message.level);
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(message.time.time_since_epoch());
    const std::string_view text{message.payload.data(), message.payload.size()};
    lines_.push_back({since.count(), std::string{level.data(), level.size()},
                      std::string{text.substr(0, limits::log_line_bytes_max)}});
    if (lines_.size() > limits::log_lines_kept_max)
      lines_.pop_front();
  }
  void flush_() override {}

private:
  std::deque<monitor::log_line> lines_;
};

} // namespace tandem::actors
