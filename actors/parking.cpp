#include "actors/parking.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "messages/failure.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {

using messages::failure;
using messages::failure_code;

namespace {

[[noreturn]] void disk_refused(const std::string& folder) {
  const auto code = errno == ENOSPC || errno == EDQUOT ? failure_code::full : failure_code::storage;
  throw failure{code, "a large bundle can't be kept in " + folder + " (" + std::strerror(errno) +
                          "); nothing of it was applied, it will be asked for again"};
}

} // namespace

parking::parking(std::string folder) : folder_{folder.empty() ? "." : std::move(folder)} {}

parking::~parking() {
  clear();
}

bool parking::add(const messages::bundle_part& part) {
  if (part.index == 0) {
    clear();
    is_open_ = true;
    number_ = part.number;
    header_ = part.header;
  }
  if (!is_open_ || part.number != number_ || part.index != next_index_)
    throw failure{failure_code::protocol, "part " + std::to_string(part.index) + " of bundle " +
                                              std::to_string(part.number) + " came out of order; nothing was applied"};
  ++next_index_;
  if (!part.block.empty()) {
    write(part.block);
    sizes_.push_back(part.block.size());
  }
  is_open_ = !part.is_last;
  return part.is_last;
}

void parking::write(std::string_view bytes) {
  bytes_ += bytes.size();
  if (bytes_ > limits::parked_bytes_max)
    throw failure{failure_code::limit, "a bundle of more than " + std::to_string(limits::parked_bytes_max) +
                                           " bytes came; nothing of it was applied. Copy the database file instead"};
  if (file_ < 0 && bytes_ <= limits::parked_in_memory_bytes_max) {
    memory_ += bytes;
    return;
  }
  if (file_ < 0) {
    open_file();
    const auto kept = std::move(memory_);
    memory_ = {};
    bytes_ -= kept.size();
    write(kept);
  }
  while (!bytes.empty()) {
    const auto written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR)
      disk_refused(folder_);
    if (written > 0)
      bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void parking::open_file() {
  std::string name = folder_ + "/tandem-bundle-XXXXXX";
  file_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (file_ < 0)
    disk_refused(folder_);
  ::unlink(name.c_str());
}

std::optional<std::string_view> parking::next_block() {
  if (read_ == sizes_.size())
    return std::nullopt;
  const auto size = sizes_[read_++];
  const auto at = read_at_;
  read_at_ += size;
  if (file_ < 0)
    return std::string_view{memory_}.substr(at, size);
  buffer_.resize(size);
  for (std::size_t done = 0; done < size;) {
    const auto got = ::pread(file_, buffer_.data() + done, size - done, static_cast<off_t>(at + done));
    if (got == 0 || (got < 0 && errno != EINTR))
      disk_refused(folder_);
    if (got > 0)
      done += static_cast<std::size_t>(got);
  }
  return buffer_;
}

void parking::clear() {
  if (file_ >= 0)
    ::close(file_);
  file_ = -1;
  is_open_ = false;
  next_index_ = read_ = 0;
  read_at_ = bytes_ = 0;
  sizes_.clear();
  memory_ = {};
  buffer_ = {};
}

} // namespace tandem::actors
