// SQLite's face of a simulated disk. Private to disk*.cpp.
#pragma once

#include <memory>

#include <sqlite3.h>

#include "tests/simulation/disk.hpp"

namespace tandem::simulation {

struct disk_vfs {
  static std::unique_ptr<sqlite3_vfs> make(disk& owner);

  static disk& of(sqlite3_vfs* vfs) { return *static_cast<disk*>(vfs->pAppData); }
  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* given, int flags, int* flags_out);
  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder);
  static int access(sqlite3_vfs* vfs, const char* name, int flags, int* result);
  static int full_path(sqlite3_vfs* vfs, const char* name, int size, char* result);
  static int randomness(sqlite3_vfs* vfs, int size, char* result);
  static int current_time(sqlite3_vfs* vfs, sqlite3_int64* result);
  static bool lives(const disk& owner, std::uint64_t life) { return !owner.is_dead_ && owner.life_ == life; }
  static bool goes_on(disk& owner) { return owner.goes_on(); }
  static bool has_room(const disk& owner, const stored_file& file, std::uint64_t size) {
    return owner.has_room(file, size);
  }
  static bool counts_sync(disk& owner) { return ++owner.syncs_ != 0 && !owner.ignores_syncs_; }
};

} // namespace tandem::simulation
