// Child processes of the demo: nodes that run in the background, and commands that end by themselves.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace tandem::node {

/// One program in the background; what it prints goes to a log file, so that it can outlive the demo. Killed by the
/// destructor, and by the system if the demo dies, unless `keep` was called.
class process {
public:
  process() = default;
  /// Starts it. `may_outlive`: it goes on if the demo's terminal or process goes away.
  process(const std::vector<std::string>& arguments, std::filesystem::path log, bool may_outlive);
  ~process();
  process(process&& other) noexcept;
  process& operator=(process&& other) noexcept;

  [[nodiscard]] pid_t id() const { return id_; }
  [[nodiscard]] bool is_running();
  /// The first line of the log that begins so, once it is there; empty if it does not come in time.
  std::string wait_for_line(std::string_view beginning, int deadline_ms);
  /// The last lines of the log, for people who wonder why it failed.
  [[nodiscard]] std::string last_words() const;
  /// Sends the signal and waits for the end. Returns the exit code, or 128 + the signal that ended it.
  int end(int signal);
  /// Waits for the program to end by itself; the exit code as above.
  int wait();
  /// Lets it run on.
  void keep() { id_ = 0; }

private:
  pid_t id_ = 0;
  std::filesystem::path log_;
};

/// The program that is running right now.
std::string own_program();
/// True if the program is found in PATH.
bool is_in_path(const std::string& program);

} // namespace tandem::node
