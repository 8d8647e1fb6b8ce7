#include "actors/file_marker.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sys/stat.h>

#include "messages/failure.hpp"

namespace tandem::actors {

std::string marker_path(const std::string& database) {
  return database + "-tandem";
}

std::optional<file_mark> read_marker(const std::string& database) {
  std::ifstream file{marker_path(database)};
  file_mark mark;
  if (file >> mark.site >> mark.epoch >> mark.device >> mark.inode >> mark.head)
    return mark;
  return std::nullopt;
}

file_mark mark_of(const std::string& database, const storage::identity& self, std::uint64_t head) {
  struct stat facts {};
  if (::stat(database.c_str(), &facts) != 0)
    throw messages::failure{messages::failure_code::storage,
                            "can't look at " + database + " (" + std::strerror(errno) + "); check its path and rights"};
  return {self.site.to_hex(), self.epoch, static_cast<std::uint64_t>(facts.st_dev),
          static_cast<std::uint64_t>(facts.st_ino), head};
}

void write_marker(const std::string& database, const file_mark& mark) {
  const auto path = marker_path(database);
  const auto fresh = path + ".new";
  std::ofstream file{fresh, std::ios::trunc};
  file << mark.site << ' ' << mark.epoch << ' ' << mark.device << ' ' << mark.inode << ' ' << mark.head << '\n';
  file.close();
  if (!file || std::rename(fresh.c_str(), path.c_str()) != 0)
    throw messages::failure{messages::failure_code::storage, "can't write " + path + " (" + std::strerror(errno) +
                                                                 "); make the database's folder writable"};
}

std::optional<file_mark> marker_beside_file::read() {
  return read_marker(database_);
}

void marker_beside_file::write(const file_mark& mark) {
  write_marker(database_, mark);
}

file_mark marker_beside_file::mark_now(const storage::identity& self, std::uint64_t head) {
  return mark_of(database_, self, head);
}

std::string sign_of_copy(const std::optional<file_mark>& before, const file_mark& now, bool has_peers) {
  if (!before || before->site != now.site || before->epoch != now.epoch) // A marker of another file tells nothing.
    return has_peers ? "it was on a link before and came here without its marker" : "";
  if (before->device != now.device || before->inode != now.inode)
    return "it is another file than the one that this node ran on before";
  if (now.head < before->head)
    return "it is older than it was: a backup was put back";
  return "";
}

} // namespace tandem::actors
