#include "tests/simulation/disk_vfs.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace tandem::simulation {
namespace {

/// One open file. SQLite gives the memory, and knows the first member only.
struct handle {
  sqlite3_file base = {};
  disk* owner = nullptr;
  std::uint64_t life = 0;
  std::shared_ptr<stored_file> file;
  bool is_private = false; ///< a temporary file, which no quota counts
  int level = SQLITE_LOCK_NONE;
  bool has_index = false;
  unsigned index_shared = 0; ///< a bit for each lock of the WAL index
  unsigned index_exclusive = 0;

  [[nodiscard]] bool lives() const { return disk_vfs::lives(*owner, life); }
};

handle& of(sqlite3_file* file) {
  return *reinterpret_cast<handle*>(file);
}

void release_index(handle& self) {
  auto& index = self.file->index;
  for (int i = 0; i < shared_index::locks; ++i) {
    if (self.index_shared & (1U << i))
      --index.shared[i];
    if (self.index_exclusive & (1U << i))
      index.exclusive[i] = nullptr;
  }
  self.index_shared = self.index_exclusive = 0;
  if (self.has_index && --index.users == 0)
    index = {};
  self.has_index = false;
}

int unlock(sqlite3_file* file, int level) {
  auto& self = of(file);
  if (self.life != 0 && self.lives() && self.level > level) {
    auto& locks = self.file->locks;
    for (auto* mine : {&locks.reserved, &locks.pending, &locks.exclusive})
      if (*mine == &self)
        *mine = nullptr;
    if (level == SQLITE_LOCK_NONE)
      --locks.shared;
  }
  self.level = std::min(self.level, level);
  return SQLITE_OK;
}

int close(sqlite3_file* file) {
  auto& self = of(file);
  if (self.lives()) {
    unlock(file, SQLITE_LOCK_NONE);
    release_index(self);
  }
  self.~handle();
  return SQLITE_OK;
}

int read(sqlite3_file* file, void* result, int size, sqlite3_int64 at) {
  auto& self = of(file);
  if (!self.lives())
    return SQLITE_IOERR_READ;
  const auto& bytes = self.file->bytes;
  const auto from = std::min<std::uint64_t>(static_cast<std::uint64_t>(at), bytes.size());
  const auto got = std::min<std::uint64_t>(static_cast<std::uint64_t>(size), bytes.size() - from);
  std::memcpy(result, bytes.data() + from, got);
  if (got == static_cast<std::uint64_t>(size))
    return SQLITE_OK;
  std::memset(static_cast<char*>(result) + got, 0, static_cast<std::size_t>(size) - got);
  return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
  auto& self = of(file);
  if (!self.lives() || (!self.is_private && !disk_vfs::goes_on(*self.owner)))
    return SQLITE_IOERR_WRITE;
  const auto from = static_cast<std::uint64_t>(at);
  if (!self.is_private && !disk_vfs::has_room(*self.owner, *self.file, from + static_cast<std::uint64_t>(size)))
    return SQLITE_FULL;
  self.file->write(from, static_cast<const char*>(data), static_cast<std::size_t>(size));
  if (self.is_private)
    self.file->unsynced.clear();
  return SQLITE_OK;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  auto& self = of(file);
  if (!self.lives() || (!self.is_private && !disk_vfs::goes_on(*self.owner)))
    return SQLITE_IOERR_TRUNCATE;
  self.file->truncate(static_cast<std::uint64_t>(size));
  return SQLITE_OK;
}

int sync(sqlite3_file* file, int /*flags*/) {
  auto& self = of(file);
  if (!self.lives() || !disk_vfs::goes_on(*self.owner))
    return SQLITE_IOERR_FSYNC;
  if (disk_vfs::counts_sync(*self.owner))
    self.file->sync();
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* result) {
  auto& self = of(file);
  *result = static_cast<sqlite3_int64>(self.file->bytes.size());
  return self.lives() ? SQLITE_OK : SQLITE_IOERR_FSTAT;
}

int lock(sqlite3_file* file, int level) {
  auto& self = of(file);
  if (!self.lives())
    return SQLITE_IOERR_LOCK;
  auto& locks = self.file->locks;
  const auto of_another = [&self](const void* holder) {
    return holder && holder != &self;
  };
  if (self.level >= level)
    return SQLITE_OK;
  if (self.level == SQLITE_LOCK_NONE) {
    if (of_another(locks.pending) || of_another(locks.exclusive))
      return SQLITE_BUSY;
    ++locks.shared;
    self.level = SQLITE_LOCK_SHARED;
  }
  if (level >= SQLITE_LOCK_RESERVED && self.level < SQLITE_LOCK_RESERVED && level == SQLITE_LOCK_RESERVED) {
    if (of_another(locks.reserved))
      return SQLITE_BUSY;
    locks.reserved = &self;
    self.level = SQLITE_LOCK_RESERVED;
  }
  if (level == SQLITE_LOCK_EXCLUSIVE) {
    if (of_another(locks.pending) || of_another(locks.reserved))
      return SQLITE_BUSY;
    locks.pending = &self;
    self.level = SQLITE_LOCK_PENDING;
    if (locks.shared > 1)
      return SQLITE_BUSY;
    locks.exclusive = &self;
    self.level = SQLITE_LOCK_EXCLUSIVE;
  }
  return SQLITE_OK;
}

int check_reserved(sqlite3_file* file, int* result) {
  const auto& locks = of(file).file->locks;
  *result = locks.reserved || locks.pending || locks.exclusive;
  return of(file).lives() ? SQLITE_OK : SQLITE_IOERR_CHECKRESERVEDLOCK;
}

int control(sqlite3_file* /*file*/, int /*operation*/, void* /*argument*/) {
  return SQLITE_NOTFOUND;
}

int sector_size(sqlite3_file* /*file*/) {
  return 512;
}

int characteristics(sqlite3_file* /*file*/) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int map_index(sqlite3_file* file, int number, int size, int may_extend, void volatile** result) {
  auto& self = of(file);
  *result = nullptr;
  if (!self.lives())
    return SQLITE_IOERR_SHMMAP;
  auto& index = self.file->index;
  if (!self.has_index)
    ++index.users;
  self.has_index = true;
  const auto place = static_cast<std::size_t>(number);
  while (may_extend && index.regions.size() <= place)
    index.regions.push_back(std::make_unique<std::uint64_t[]>(static_cast<std::size_t>(size) / sizeof(std::uint64_t)));
  if (place < index.regions.size())
    *result = index.regions[place].get();
  return SQLITE_OK;
}

int lock_index(sqlite3_file* file, int first, int count, int flags) {
  auto& self = of(file);
  if (!self.lives())
    return SQLITE_IOERR_SHMLOCK;
  auto& index = self.file->index;
  for (int i = first; i < first + count; ++i) {
    const auto bit = 1U << i;
    if (flags & SQLITE_SHM_UNLOCK)
      continue;
    const bool others_share = index.shared[i] > (self.index_shared & bit ? 1 : 0);
    const bool others_exclude = index.exclusive[i] && index.exclusive[i] != &self;
    if (others_exclude || ((flags & SQLITE_SHM_EXCLUSIVE) && others_share))
      return SQLITE_BUSY;
  }
  for (int i = first; i < first + count; ++i) {
    const auto bit = 1U << i;
    if (flags & SQLITE_SHM_EXCLUSIVE) {
      if (flags & SQLITE_SHM_LOCK) {
        index.exclusive[i] = &self;
        self.index_exclusive |= bit;
      } else if (self.index_exclusive & bit) {
        index.exclusive[i] = nullptr;
        self.index_exclusive &= ~bit;
      }
    } else if (flags & SQLITE_SHM_LOCK) {
      index.shared[i] += self.index_shared & bit ? 0 : 1;
      self.index_shared |= bit;
    } else if (self.index_shared & bit) {
      --index.shared[i];
      self.index_shared &= ~bit;
    }
  }
  return SQLITE_OK;
}

void barrier(sqlite3_file* /*file*/) {}

int unmap_index(sqlite3_file* file, int /*must_delete*/) {
  auto& self = of(file);
  if (self.lives())
    release_index(self);
  return SQLITE_OK;
}

const sqlite3_io_methods methods = {
    2,           close,          read,    write,       truncate,        sync,      file_size,  lock,
    unlock,      check_reserved, control, sector_size, characteristics, map_index, lock_index, barrier,
    unmap_index, nullptr,        nullptr,
};

} // namespace

int disk_vfs::open(sqlite3_vfs* vfs, const char* name, sqlite3_file* given, int flags, int* flags_out) {
  auto& owner = of(vfs);
  auto* self = new (given) handle;
  if (owner.is_dead_)
    return SQLITE_CANTOPEN;
  self->owner = &owner;
  self->life = owner.life_;
  self->is_private = name == nullptr;
  if (!name)
    self->file = std::make_shared<stored_file>();
  else if (const auto found = owner.files_.find(name); found != owner.files_.end())
    self->file = found->second;
  else if (flags & SQLITE_OPEN_CREATE)
    self->file = owner.make(name);
  else
    return SQLITE_CANTOPEN;
  self->base.pMethods = &methods;
  if (flags_out)
    *flags_out = flags;
  return SQLITE_OK;
}

int disk_vfs::remove(sqlite3_vfs* vfs, const char* name, int /*sync_folder*/) {
  auto& owner = of(vfs);
  if (!owner.goes_on())
    return SQLITE_IOERR_DELETE;
  return owner.files_.erase(name) ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
}

int disk_vfs::access(sqlite3_vfs* vfs, const char* name, int /*flags*/, int* result) {
  auto& owner = of(vfs);
  const auto found = owner.files_.find(name);
  *result = found != owner.files_.end() && !found->second->bytes.empty(); // as on Unix: empty files do not count
  return owner.is_dead_ ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

int disk_vfs::full_path(sqlite3_vfs* /*vfs*/, const char* name, int size, char* result) {
  sqlite3_snprintf(size, result, "%s", name);
  return SQLITE_OK;
}

int disk_vfs::randomness(sqlite3_vfs* vfs, int size, char* result) {
  for (int i = 0; i < size; ++i)
    result[i] = static_cast<char>(of(vfs).random_());
  return size;
}

int disk_vfs::current_time(sqlite3_vfs* vfs, sqlite3_int64* result) {
  constexpr sqlite3_int64 unix_epoch_ms = 210'866'760'000'000; // in milliseconds of the Julian calendar
  *result = unix_epoch_ms + of(vfs).now_ms_();
  return SQLITE_OK;
}

std::unique_ptr<sqlite3_vfs> disk_vfs::make(disk& owner) {
  auto result = std::make_unique<sqlite3_vfs>();
  result->iVersion = 2;
  result->szOsFile = sizeof(handle);
  result->mxPathname = 512;
  result->zName = owner.name_.c_str();
  result->pAppData = &owner;
  result->xOpen = open;
  result->xDelete = remove;
  result->xAccess = access;
  result->xFullPathname = full_path;
  result->xRandomness = randomness;
  result->xSleep = [](sqlite3_vfs*, int microseconds) {
    return microseconds;
  };
  result->xCurrentTime = [](sqlite3_vfs* vfs, double* day) {
    sqlite3_int64 ms = 0;
    current_time(vfs, &ms);
    *day = static_cast<double>(ms) / 86'400'000.0;
    return SQLITE_OK;
  };
  result->xGetLastError = [](sqlite3_vfs*, int, char*) {
    return 0;
  };
  result->xCurrentTimeInt64 = current_time;
  return result;
}

} // namespace tandem::simulation
