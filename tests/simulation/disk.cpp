#include "tests/simulation/disk.hpp"

#include <algorithm>

#include <sqlite3.h>

#include "tests/simulation/disk_vfs.hpp"

namespace tandem::simulation {
namespace {

// What a power cut may tear a write at: disks promise no more than that one sector is written or not.
constexpr std::uint64_t sector_bytes = 512;

void overwrite(std::string& bytes, std::uint64_t at, std::string_view data) {
  if (bytes.size() < at + data.size())
    bytes.resize(at + data.size());
  std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

void apply(std::string& bytes, const unsynced_write& write) {
  if (!write.is_truncation)
    overwrite(bytes, write.at, write.bytes);
  else if (write.at < bytes.size())
    bytes.resize(write.at);
}

} // namespace

void stored_file::write(std::uint64_t at, const char* data, std::size_t size) {
  overwrite(bytes, at, {data, size});
  unsynced.push_back({at, {data, size}, false});
}

void stored_file::truncate(std::uint64_t size) {
  if (size >= bytes.size())
    return;
  bytes.resize(size);
  unsynced.push_back({size, {}, true});
}

void stored_file::sync() {
  for (const auto& write : unsynced)
    apply(durable, write);
  unsynced.clear();
}

void stored_file::lose_power(std::mt19937_64& random) {
  enum { nothing, in_order, torn, kinds };
  const auto kind = random() % kinds;
  auto left = kind == in_order ? random() % (unsynced.size() + 1) : kind == torn ? unsynced.size() : 0;
  for (const auto& write : unsynced) {
    if (left-- == 0)
      break;
    if (kind == in_order || write.is_truncation) {
      if (kind == in_order || random() % 2)
        apply(durable, write);
      continue;
    }
    for (std::uint64_t from = 0; from < write.bytes.size();) {
      const auto to =
          std::min<std::uint64_t>(write.bytes.size(), ((write.at + from) / sector_bytes + 1) * sector_bytes - write.at);
      if (random() % 2)
        overwrite(durable, write.at + from, std::string_view{write.bytes}.substr(from, to - from));
      from = to;
    }
  }
  unsynced.clear();
  bytes = durable;
}

disk::disk(std::string vfs_name, std::uint64_t seed, std::function<std::int64_t()> now_ms)
    : name_{std::move(vfs_name)}, random_{seed}, now_ms_{std::move(now_ms)}, vfs_{disk_vfs::make(*this)} {
  sqlite3_vfs_register(vfs_.get(), 0);
}

disk::~disk() {
  sqlite3_vfs_unregister(vfs_.get());
}

bool disk::goes_on() {
  if (!is_dead_ && countdown_ != 0 && --countdown_ == 0)
    is_dead_ = true;
  return !is_dead_;
}

void disk::come_back(bool was_power_cut) {
  is_dead_ = false;
  countdown_ = 0;
  ++life_;
  for (auto& [name, file] : files_) {
    file->locks = {};
    file->index = {};
    if (was_power_cut)
      file->lose_power(random_);
  }
}

std::uint64_t disk::used_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [name, file] : files_)
    sum += file->bytes.size();
  return sum;
}

bool disk::has_room(const stored_file& file, std::uint64_t size) const {
  return bytes_max_ == 0 || size <= file.bytes.size() || used_bytes() + size - file.bytes.size() <= bytes_max_;
}

std::shared_ptr<stored_file> disk::make(const std::string& name) {
  auto& file = files_[name];
  if (!file) {
    file = std::make_shared<stored_file>();
    file->inode = ++inodes_;
  }
  return file;
}

disk_image disk::copy(const std::string& name) const {
  disk_image result;
  for (const auto* suffix : {"", "-wal", "-journal"})
    if (const auto found = files_.find(name + suffix); found != files_.end())
      result[suffix] = found->second->bytes;
  return result;
}

void disk::restore(const std::string& name, const disk_image& image, bool keeps_inode) {
  for (const auto* suffix : {"", "-wal", "-journal"}) {
    const auto full = name + suffix;
    const auto given = image.find(suffix);
    if (given == image.end() || !keeps_inode)
      files_.erase(full);
    if (given == image.end())
      continue;
    write(full, given->second);
  }
}

std::optional<std::string> disk::read(const std::string& name) const {
  const auto found = files_.find(name);
  return found == files_.end() ? std::nullopt : std::optional{found->second->bytes};
}

void disk::write(const std::string& name, const std::string& bytes) {
  const auto file = make(name);
  file->bytes = file->durable = bytes;
  file->unsynced.clear();
}

std::uint64_t disk::inode_of(const std::string& name) const {
  const auto found = files_.find(name);
  return found == files_.end() ? 0 : found->second->inode;
}

} // namespace tandem::simulation
