// A machine's disk in memory: SQLite works on it through a VFS of its own, and it can lose power between a write and
// its fsync, or run full. The same seed and the same calls give the same contents, to the byte.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

struct sqlite3_vfs;

namespace tandem::simulation {

/// A write or a change of length that no fsync has covered yet.
struct unsynced_write {
  std::uint64_t at = 0;
  std::string bytes;
  bool is_truncation = false; ///< to length `at`
};

/// Who holds what of a file's locks. All connections live in one process and one thread.
struct lock_board {
  std::uint64_t shared = 0;
  const void* reserved = nullptr;
  const void* pending = nullptr;
  const void* exclusive = nullptr;
};

/// The WAL index that connections of one file share, with its locks.
struct shared_index {
  static constexpr int locks = 8; // SQLITE_SHM_NLOCK
  std::vector<std::unique_ptr<std::uint64_t[]>> regions;
  std::uint64_t shared[locks] = {};
  const void* exclusive[locks] = {};
  std::uint64_t users = 0;
};

struct stored_file {
  std::uint64_t inode = 0;
  std::string bytes;   ///< as every process sees it
  std::string durable; ///< as far as fsyncs have brought it
  std::vector<unsynced_write> unsynced;
  lock_board locks;
  shared_index index;

  void write(std::uint64_t at, const char* data, std::size_t size);
  void truncate(std::uint64_t size);
  void sync();
  /// What remains after a power cut: synced bytes, and of the rest what chance leaves.
  void lose_power(std::mt19937_64& random);
};

using disk_image = std::map<std::string, std::string>; ///< file contents by name

class disk {
public:
  /// Registers a SQLite VFS of that name. `now_ms` is the machine's wall clock.
  disk(std::string vfs_name, std::uint64_t seed, std::function<std::int64_t()> now_ms);
  ~disk();
  disk(const disk&) = delete;
  disk& operator=(const disk&) = delete;

  [[nodiscard]] const std::string& vfs_name() const { return name_; }

  /// From now on every access fails, as if the machine had stopped; connections have to be closed next.
  void die() { is_dead_ = true; }
  /// The same after so many more writes, truncations, syncs and deletions; the last of them does not happen.
  void die_after(std::uint64_t operations) { countdown_ = operations; }
  [[nodiscard]] bool is_dead() const { return is_dead_; }
  /// The machine starts again. After a power cut, what was not synced is gone or torn.
  void come_back(bool was_power_cut);

  /// Writes that would let the files grow beyond so many bytes fail with SQLITE_FULL. 0: there is no limit.
  void limit_bytes(std::uint64_t bytes) { bytes_max_ = bytes; }
  [[nodiscard]] std::uint64_t used_bytes() const;
  [[nodiscard]] std::uint64_t syncs() const { return syncs_; }
  /// A disk that lies: fsync says that it is done, and does nothing.
  void ignore_syncs() { ignores_syncs_ = true; }

  /// Files of that name and with what SQLite puts after it (-wal, -journal), as a copy would find them.
  [[nodiscard]] disk_image copy(const std::string& name) const;
  /// Puts such a copy in place of what there is; it is durable. `keeps_inode`: as `cp` does it, not `mv`.
  void restore(const std::string& name, const disk_image& image, bool keeps_inode);
  [[nodiscard]] std::optional<std::string> read(const std::string& name) const;
  void write(const std::string& name, const std::string& bytes);
  [[nodiscard]] std::uint64_t inode_of(const std::string& name) const;

private:
  friend struct disk_vfs;
  /// False, and the machine is dead, if this operation was the one that the countdown waited for.
  bool goes_on();
  [[nodiscard]] bool has_room(const stored_file& file, std::uint64_t size) const;
  std::shared_ptr<stored_file> make(const std::string& name);

  const std::string name_;
  std::mt19937_64 random_;
  std::function<std::int64_t()> now_ms_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  std::map<std::string, std::shared_ptr<stored_file>> files_;
  std::uint64_t inodes_ = 0;
  std::uint64_t life_ = 1; ///< counts the machine's starts: handles of an earlier one are dead for ever
  bool is_dead_ = false;
  std::uint64_t countdown_ = 0; ///< 0: none
  std::uint64_t bytes_max_ = 0;
  std::uint64_t syncs_ = 0;
  bool ignores_syncs_ = false;
};

} // namespace tandem::simulation
