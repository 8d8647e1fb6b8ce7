// What the operating system says of this process and of the database's files. Reads /proc, writes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::monitor {

struct process_figures {
  struct thread {
    std::string name;
    double cpu_seconds = 0;
  };
  std::uint64_t resident_bytes = 0;
  double cpu_seconds = 0;
  double start_seconds = 0; ///< unix time
  std::uint64_t open_files = 0;
  std::uint64_t open_files_limit = 0;
  unsigned cores = 0;
  std::vector<thread> threads; ///< those of one name together

  std::uint64_t wal_bytes = 0;
  std::uint64_t wal_resets = 0; ///< as the WAL's own header counts them: once for each whole checkpoint
  std::uint64_t disk_free_bytes = 0;
  std::uint64_t disk_bytes = 0; ///< that this user may fill
};

/// What can't be read is 0.
process_figures read_process_figures(const std::string& database);

} // namespace tandem::monitor
