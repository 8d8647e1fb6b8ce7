#include "monitor/process_figures.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace tandem::monitor {
namespace {

namespace fs = std::filesystem;

// Where /proc/PID/stat has them, counted from the state, which comes after the name in parentheses.
constexpr int user_time_field = 11;
constexpr int start_time_field = 19;
// Where a WAL's header counts its checkpoints (SQLite's file format, section 4.1).
constexpr std::streamoff wal_sequence_at = 12;

struct stat_line {
  std::string name;
  double cpu_ticks = 0;
  double start_ticks = 0;
};

stat_line read_stat(const fs::path& file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  const auto open = line.find('(');
  const auto close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open)
    return {};
  stat_line result;
  result.name = line.substr(open + 1, close - open - 1);
  std::istringstream rest{line.substr(close + 2)};
  std::string field;
  for (int number = 0; rest >> field; ++number) {
    if (number == user_time_field || number == user_time_field + 1)
      result.cpu_ticks += std::stod(field);
    if (number == start_time_field)
      result.start_ticks = std::stod(field);
  }
  return result;
}

double boot_seconds() {
  std::ifstream in{"/proc/stat"};
  std::string word;
  double value = 0;
  while (in >> word)
    if (word == "btime" && in >> value)
      return value;
  return 0;
}

void read_threads(process_figures& result, double ticks_each_second) {
  std::error_code error;
  std::map<std::string, double> by_name;
  for (const auto& each : fs::directory_iterator{"/proc/self/task", error}) {
    const auto stat = read_stat(each.path() / "stat");
    by_name[stat.name] += stat.cpu_ticks / ticks_each_second;
  }
  for (const auto& [name, seconds] : by_name)
    result.threads.push_back({name, seconds});
}

void read_wal(process_figures& result, const std::string& database) {
  std::error_code error;
  const auto wal = database + "-wal";
  const auto size = fs::file_size(wal, error);
  result.wal_bytes = error ? 0 : size;
  std::ifstream in{wal, std::ios::binary};
  unsigned char bytes[4] = {};
  if (in.seekg(wal_sequence_at).read(reinterpret_cast<char*>(bytes), sizeof bytes))
    result.wal_resets = (std::uint64_t{bytes[0]} << 24U) | (std::uint64_t{bytes[1]} << 16U) |
                        (std::uint64_t{bytes[2]} << 8U) | bytes[3];
}

} // namespace

process_figures read_process_figures(const std::string& database) {
  process_figures result;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  std::uint64_t pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages >> pages;
  result.resident_bytes = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const auto own = read_stat("/proc/self/stat");
  result.cpu_seconds = own.cpu_ticks / ticks;
  static const double booted = boot_seconds();
  result.start_seconds = booted + own.start_ticks / ticks;
  std::error_code error;
  for (const auto& each : fs::directory_iterator{"/proc/self/fd", error})
    result.open_files += each.path().empty() ? 0 : 1;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0)
    result.open_files_limit = files.rlim_cur;
  result.cores = std::thread::hardware_concurrency();
  read_threads(result, ticks);
  read_wal(result, database);
  struct statvfs disk {};
  if (statvfs(database.c_str(), &disk) == 0) {
    result.disk_free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    // Without what is kept for root, as df counts it: nobody else can fill that.
    result.disk_bytes = std::uint64_t{disk.f_blocks - disk.f_bfree + disk.f_bavail} * disk.f_frsize;
  }
  return result;
}

} // namespace tandem::monitor
