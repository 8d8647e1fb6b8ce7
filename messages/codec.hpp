// Writing and reading msgpack. The only place that knows its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "messages/value.hpp"

namespace tandem::messages {

/// Appends msgpack items to a buffer, in the shortest form of each.
class encoder {
public:
  void array(std::size_t count);
  void nil();
  void boolean(bool flag);
  void integer(std::int64_t number);
  void unsigned_integer(std::uint64_t number);
  void real(double number);
  void text(std::string_view bytes);
  void blob(std::string_view bytes);
  /// null as nil, integer, real as float64, text as str, blob as bin.
  void value(const value_view& view);
  /// Items that another encoder has written.
  void items(std::string_view encoded) { bytes_ += encoded; }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  std::string take();
  void clear() { bytes_.clear(); }

private:
  std::string bytes_;
};

/// Reads msgpack items one after the other from bytes that somebody else owns; texts and blobs that
/// it returns point into them. Strict: each call throws failure (protocol) if the next item is not of
/// the type asked for or is cut off, and failure (limit) if a count can't fit into the bytes left.
/// Allocates nothing, so that a lying length costs nothing.
class decoder {
public:
  explicit decoder(std::string_view bytes) : rest_{bytes} {}

  std::size_t array();
  /// An array of exactly `count` items.
  void array_of(std::size_t count);
  /// An array of at least `count` items; returns how many more there are, for `skip`.
  std::size_t array_of_at_least(std::size_t count);
  void nil();
  bool boolean();
  std::int64_t integer();
  std::uint64_t unsigned_integer();
  double real();
  std::string_view text();
  std::string_view blob();
  value_view value();
  /// Passes over `count` items of any type, nested at most depth_max deep (limits.hpp).
  void skip(std::size_t count = 1);
  [[nodiscard]] bool next_is_nil() const;
  [[nodiscard]] bool next_is_blob() const {
    const auto first = rest_.empty() ? 0 : static_cast<unsigned char>(rest_.front());
    return first >= 0xc4 && first <= 0xc6; // bin 8, bin 16, bin 32
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  /// Throws if bytes are left.
  void end() const;
  [[nodiscard]] std::size_t bytes_left() const { return rest_.size(); }

private:
  std::string_view rest_;
};

} // namespace tandem::messages
