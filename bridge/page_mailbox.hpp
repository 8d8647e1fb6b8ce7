// What goes to and fro between a node and a page that can't hold a connection open: numbered, kept until it is
// acknowledged, so that a request that is repeated or lost does nothing twice and loses nothing. Neither sockets nor
// threads: the HTTP and WebView bodies of the transport are made of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/transport.hpp"

namespace tandem::bridge {

/// Frames that were sent up together.
enum class page_letter {
  fresh,    ///< the next one
  repeated, ///< it came before: nothing is to be done
  gap,      ///< one before it is missing
};

/// Downstream: frames are numbered from 1. Upstream: letters are.
class page_mailbox {
public:
  /// Where a letter of that number belongs; a fresh one counts as taken from now on.
  page_letter take_letter(std::uint64_t number);
  [[nodiscard]] std::uint64_t letters() const { return letters_; }

  /// False if it would pass the limit: nothing was put in.
  bool put(shared_bytes frame);
  /// The page has all up to this number.
  void acknowledge(std::uint64_t number);

  struct batch {
    std::uint64_t last = 0; ///< number of the last frame in it
    std::string frames;     ///< each with its length before it
  };
  /// What comes after that number, about `bytes_target` of it at most; nothing if there is nothing.
  [[nodiscard]] std::optional<batch> after(std::uint64_t number, std::size_t bytes_target) const;
  [[nodiscard]] std::uint64_t last() const { return first_ + frames_.size() - 1; }
  [[nodiscard]] std::size_t bytes_kept() const { return bytes_; }

private:
  std::deque<shared_bytes> frames_;
  std::uint64_t first_ = 1; ///< number of the first one that is kept
  std::size_t bytes_ = 0;
  std::uint64_t letters_ = 0;
};

/// The frames of a letter: a big-endian 32-bit length before each. Nothing if they do not add up, or one is too large.
std::optional<std::vector<shared_bytes>> split_frames(std::string_view letter);
void append_number(std::string& out, std::uint64_t number, std::size_t bytes);

} // namespace tandem::bridge
