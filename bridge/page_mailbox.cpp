#include "bridge/page_mailbox.hpp"

#include <algorithm>

#include "messages/page_limits.hpp"

namespace tandem::bridge {
namespace {

constexpr std::size_t length_bytes = 4;

} // namespace

void append_number(std::string& out, std::uint64_t number, std::size_t bytes) {
  for (auto i = bytes; i > 0; --i) {
    out += static_cast<char>(number >> (8 * (i - 1)) & 255);
  }
}

std::optional<std::vector<shared_bytes>> split_frames(std::string_view letter) {
  std::vector<shared_bytes> result;
  while (!letter.empty()) {
    if (letter.size() < length_bytes) {
      return std::nullopt;
    }
    std::size_t size = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) {
      size = size << 8 | static_cast<unsigned char>(letter[i]);
    }
    letter.remove_prefix(length_bytes);
    if (size > letter.size() || size > limits::frame_bytes_max) {
      return std::nullopt;
    }
    result.push_back(std::make_shared<const std::string>(letter.substr(0, size)));
    letter.remove_prefix(size);
  }
  return result;
}

page_letter page_mailbox::take_letter(std::uint64_t number) {
  if (number <= letters_) {
    return page_letter::repeated;
  }
  if (number != letters_ + 1) {
    return page_letter::gap;
  }
  letters_ = number;
  return page_letter::fresh;
}

bool page_mailbox::put(shared_bytes frame) {
  if (bytes_ + frame->size() > limits::socket_unsent_bytes_max) {
    return false;
  }
  bytes_ += frame->size();
  frames_.push_back(std::move(frame));
  return true;
}

void page_mailbox::acknowledge(std::uint64_t number) {
  while (!frames_.empty() && first_ <= number) {
    bytes_ -= frames_.front()->size();
    frames_.pop_front();
    ++first_;
  }
}

std::optional<page_mailbox::batch> page_mailbox::after(std::uint64_t number, std::size_t bytes_target) const {
  const auto next = std::max(number + 1, first_);
  if (next > last()) {
    return std::nullopt;
  }
  batch result;
  for (auto i = next - first_; i < frames_.size(); ++i) {
    const auto& frame = *frames_[i];
    if (!result.frames.empty() && result.frames.size() + frame.size() > bytes_target) {
      break;
    }
    append_number(result.frames, frame.size(), length_bytes);
    result.frames += frame;
    result.last = first_ + i;
  }
  return result;
}

} // namespace tandem::bridge
