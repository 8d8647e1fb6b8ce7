#include "demos/node/demo/process.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "messages/failure.hpp"

namespace tandem::node {

namespace {

constexpr int could_not_start = 127;

/// In the child, between fork and exec: system calls only.
[[noreturn]] void become(char* const* arguments, const char* log, bool may_outlive) {
  if (may_outlive) {
    setsid();
  } else {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  const int input = open("/dev/null", O_RDONLY);
  const int output = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  if (input < 0 || output < 0) {
    _exit(could_not_start);
  }
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execvp(arguments[0], arguments);
  _exit(could_not_start);
}

int exit_code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

process::process(const std::vector<std::string>& arguments, std::filesystem::path log, bool may_outlive)
    : log_{std::move(log)} {
  std::vector<char*> pointers;
  for (const auto& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  id_ = fork();
  if (id_ < 0) {
    id_ = 0;
    throw messages::failure{messages::failure_code::storage,
                            "a process for " + arguments.front() + " can't be started: end others first"};
  }
  if (id_ == 0) {
    become(pointers.data(), log_.c_str(), may_outlive);
  }
}

process::~process() {
  if (id_ > 0) {
    end(SIGKILL);
  }
}

process::process(process&& other) noexcept : id_{std::exchange(other.id_, 0)}, log_{std::move(other.log_)} {}

process& process::operator=(process&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(log_, other.log_);
  return *this;
}

bool process::is_running() {
  siginfo_t about{};
  return id_ > 0 && waitid(P_PID, static_cast<id_t>(id_), &about, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         about.si_pid == 0;
}

std::string process::wait_for_line(std::string_view beginning, int deadline_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{deadline_ms};
  for (;;) {
    const bool was_running = is_running();
    std::ifstream log{log_};
    std::string line;
    while (std::getline(log, line)) {
      const bool is_whole = !log.eof();
      if (is_whole && line.starts_with(beginning)) {
        return line;
      }
    }
    if (!was_running || std::chrono::steady_clock::now() >= deadline) {
      return {};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

std::string process::last_words() const {
  constexpr std::size_t lines_kept = 5;
  std::deque<std::string> lines;
  std::ifstream log{log_};
  for (std::string line; std::getline(log, line);) {
    lines.push_back(line);
    if (lines.size() > lines_kept) {
      lines.pop_front();
    }
  }
  std::ostringstream result;
  for (const auto& line : lines) {
    result << "    " << line << "\n";
  }
  return result.str();
}

int process::end(int signal) {
  if (id_ <= 0) {
    return 0;
  }
  kill(id_, signal);
  return wait();
}

int process::wait() {
  int status = 0;
  while (id_ > 0 && waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = 0;
  return exit_code_of(status);
}

std::string own_program() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

bool is_in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders{path == nullptr ? "" : path};
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + program).c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

} // namespace tandem::node
