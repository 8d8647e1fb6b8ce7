// Where the parts of a bundle wait for its last one: in memory while small, else in a nameless file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/bundle.hpp"
#include "messages/catalogue.hpp"

namespace tandem::actors {

/// Collects one bundle at a time. The file is unlinked at once, so that nothing is left of it whatever
/// happens to the process.
class parking {
public:
  /// `folder`: where the file goes; the database's own, which has room for what will be merged anyway.
  explicit parking(std::string folder);
  ~parking();
  parking(const parking&) = delete;
  parking& operator=(const parking&) = delete;

  /// True if that was the bundle's last part. A part 0 begins anew. Throws failure (protocol) on a part
  /// out of order, (limit) on a bundle that is too large, (full or storage) if the disk refuses.
  bool add(const messages::bundle_part& part);
  [[nodiscard]] const messages::bundle_header& header() const { return header_; }
  /// The next block, valid until the next call; nothing after the last one.
  std::optional<std::string_view> next_block();
  /// Forgets the bundle.
  void clear();

private:
  void write(std::string_view bytes);
  void open_file();

  const std::string folder_;
  messages::bundle_header header_;
  std::uint64_t number_ = 0;
  std::uint64_t next_index_ = 0;
  bool is_open_ = false;
  std::vector<std::size_t> sizes_; ///< of the blocks, in order
  std::size_t read_ = 0;           ///< blocks handed out
  std::uint64_t read_at_ = 0;
  std::uint64_t bytes_ = 0;
  std::string memory_; ///< all blocks, until there is a file
  std::string buffer_; ///< the block handed out last, from the file
  int file_ = -1;
};

} // namespace tandem::actors
