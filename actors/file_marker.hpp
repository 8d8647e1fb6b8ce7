// A small file beside the database that tells whether the database is still the file that it was: a copy or a
// restored backup must not write under the site id of the original.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "storage/replica.hpp"

namespace tandem::actors {

/// What was true of the file when a node last ran on it.
struct file_mark {
  std::string site;
  std::uint64_t epoch = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t head = 0;
};

/// Where the marker is, and what the system knows of the database file: on a disk, or on a simulated one.
class marker_place {
public:
  virtual ~marker_place() = default;
  /// Nothing if there is none, or none that can be read.
  virtual std::optional<file_mark> read() = 0;
  /// Replaces the marker as a whole. Throws messages::failure (storage) if it can't be written.
  virtual void write(const file_mark& mark) = 0;
  /// What is true of the file now.
  virtual file_mark mark_now(const storage::identity& self, std::uint64_t head) = 0;
};

/// Beside the file itself.
class marker_beside_file final : public marker_place {
public:
  explicit marker_beside_file(std::string database) : database_{std::move(database)} {}
  std::optional<file_mark> read() override;
  void write(const file_mark& mark) override;
  file_mark mark_now(const storage::identity& self, std::uint64_t head) override;

private:
  const std::string database_;
};

/// Beside `notes.db` it is `notes.db-tandem`.
std::string marker_path(const std::string& database);
/// Nothing if there is none, or none that can be read.
std::optional<file_mark> read_marker(const std::string& database);
/// What is true of the file now.
file_mark mark_of(const std::string& database, const storage::identity& self, std::uint64_t head);
/// Replaces the marker as a whole. Throws messages::failure (storage) if it can't be written.
void write_marker(const std::string& database, const file_mark& mark);

/// Why the file is not what it was: a sentence; empty if it is, or if it never was on a link.
std::string sign_of_copy(const std::optional<file_mark>& before, const file_mark& now, bool has_peers);

} // namespace tandem::actors
