#include "messages/codec.hpp"

#include <bit>
#include <utility>

#define MSGPACK_NO_BOOST
#include <msgpack/pack.hpp>

#include "messages/failure.hpp"
#include "messages/limits.hpp"

namespace tandem::messages {
namespace {

/// What msgpack's packer writes into.
struct string_stream {
  std::string& bytes;
  void write(const char* data, std::size_t size) { bytes.append(data, size); }
};

auto packer_of(std::string& bytes) {
  struct holder {
    string_stream stream;
    msgpack::packer<string_stream> packer;
    explicit holder(std::string& target) : stream{target}, packer{stream} {}
    msgpack::packer<string_stream>* operator->() { return &packer; }
  };
  return holder{bytes};
}

std::uint32_t size_of(std::string_view bytes) {
  if (bytes.size() > UINT32_MAX)
    throw failure{failure_code::limit,
                  "a value of " + std::to_string(bytes.size()) + " bytes can't be put into a message"};
  return static_cast<std::uint32_t>(bytes.size());
}

[[noreturn]] void unexpected(std::string_view wanted) {
  throw failure{failure_code::protocol,
                "a message is malformed: " + std::string{wanted} + " was expected; it was ignored"};
}

[[noreturn]] void cut_off() {
  throw failure{failure_code::protocol, "a message is cut off; it was ignored"};
}

/// Takes `count` raw bytes off the front.
std::string_view take_bytes(std::string_view& rest, std::size_t count) {
  if (count > rest.size())
    cut_off();
  const auto result = rest.substr(0, count);
  rest.remove_prefix(count);
  return result;
}

std::uint8_t take_byte(std::string_view& rest) {
  return static_cast<std::uint8_t>(take_bytes(rest, 1).front());
}

std::uint64_t take_big_endian(std::string_view& rest, std::size_t width) {
  std::uint64_t result = 0;
  for (const char byte : take_bytes(rest, width))
    result = (result << 8) | static_cast<std::uint8_t>(byte);
  return result;
}

constexpr std::size_t width_of(std::uint8_t tag, std::uint8_t first) {
  return std::size_t{1} << (tag - first);
}

std::int64_t sign_extended(std::uint64_t raw, std::size_t width) {
  switch (width) {
  case 1:
    return static_cast<std::int8_t>(raw);
  case 2:
    return static_cast<std::int16_t>(raw);
  case 4:
    return static_cast<std::int32_t>(raw);
  default:
    return static_cast<std::int64_t>(raw);
  }
}

/// A count of items, each of which takes at least one byte.
std::size_t checked_count(std::uint64_t count, std::size_t items_each, std::size_t bytes_left) {
  if (count > bytes_left / items_each)
    throw failure{failure_code::limit, "a message claims more items than it has bytes; it was ignored"};
  return static_cast<std::size_t>(count) * items_each;
}

/// What one item is, its head taken off.
struct head {
  enum class kind { nil, boolean, integer, unsigned_integer, real, text, blob, array, map, extension } what = kind::nil;
  std::uint64_t number = 0; ///< the value, or the bytes or items that follow
};

head take_head(std::string_view& rest) {
  using kind = head::kind;
  const auto tag = take_byte(rest);
  if (tag <= 0x7f)
    return {kind::unsigned_integer, tag};
  if (tag >= 0xe0)
    return {kind::integer, static_cast<std::uint64_t>(sign_extended(tag, 1))};
  if (tag <= 0x8f)
    return {kind::map, tag & 0x0fU};
  if (tag <= 0x9f)
    return {kind::array, tag & 0x0fU};
  if (tag <= 0xbf)
    return {kind::text, tag & 0x1fU};
  switch (tag) {
  case 0xc0:
    return {kind::nil, 0};
  case 0xc2:
  case 0xc3:
    return {kind::boolean, tag & 1U};
  case 0xc4:
  case 0xc5:
  case 0xc6:
    return {kind::blob, take_big_endian(rest, width_of(tag, 0xc4))};
  case 0xc7:
  case 0xc8:
  case 0xc9:
    return {kind::extension, take_big_endian(rest, width_of(tag, 0xc7)) + 1};
  case 0xca:
    return {kind::real, std::bit_cast<std::uint64_t>(static_cast<double>(
                            std::bit_cast<float>(static_cast<std::uint32_t>(take_big_endian(rest, 4)))))};
  case 0xcb:
    return {kind::real, take_big_endian(rest, 8)};
  case 0xcc:
  case 0xcd:
  case 0xce:
  case 0xcf:
    return {kind::unsigned_integer, take_big_endian(rest, width_of(tag, 0xcc))};
  case 0xd0:
  case 0xd1:
  case 0xd2:
  case 0xd3: {
    const auto width = width_of(tag, 0xd0);
    return {kind::integer, static_cast<std::uint64_t>(sign_extended(take_big_endian(rest, width), width))};
  }
  case 0xd4:
  case 0xd5:
  case 0xd6:
  case 0xd7:
  case 0xd8:
    return {kind::extension, width_of(tag, 0xd4) + 1};
  case 0xd9:
  case 0xda:
  case 0xdb:
    return {kind::text, take_big_endian(rest, width_of(tag, 0xd9))};
  case 0xdc:
  case 0xdd:
    return {kind::array, take_big_endian(rest, 2 * width_of(tag, 0xdc))};
  case 0xde:
  case 0xdf:
    return {kind::map, take_big_endian(rest, 2 * width_of(tag, 0xde))};
  default:
    unexpected("a known type");
  }
}

bool is_integer(const head& item) {
  return item.what == head::kind::integer || item.what == head::kind::unsigned_integer;
}

std::int64_t signed_of(const head& item) {
  if (item.what == head::kind::unsigned_integer && item.number > static_cast<std::uint64_t>(INT64_MAX))
    unexpected("an integer of 64 bits");
  return static_cast<std::int64_t>(item.number);
}

void skip_item(std::string_view& rest, std::size_t depth) {
  if (depth > limits::depth_max)
    throw failure{failure_code::limit,
                  "a message is nested more than " + std::to_string(limits::depth_max) + " deep; it was ignored"};
  const auto item = take_head(rest);
  switch (item.what) {
  case head::kind::text:
  case head::kind::blob:
  case head::kind::extension:
    take_bytes(rest, item.number);
    return;
  case head::kind::array:
  case head::kind::map:
    for (auto left = checked_count(item.number, item.what == head::kind::map ? 2 : 1, rest.size()); left > 0; --left)
      skip_item(rest, depth + 1);
    return;
  default:
    return;
  }
}

} // namespace

void encoder::array(std::size_t count) {
  if (count > UINT32_MAX)
    throw failure{failure_code::limit, "a list of " + std::to_string(count) + " items can't be put into a message"};
  packer_of(bytes_)->pack_array(static_cast<std::uint32_t>(count));
}

void encoder::nil() {
  packer_of(bytes_)->pack_nil();
}

void encoder::boolean(bool flag) {
  flag ? packer_of(bytes_)->pack_true() : packer_of(bytes_)->pack_false();
}

void encoder::integer(std::int64_t number) {
  packer_of(bytes_)->pack_int64(number);
}

void encoder::unsigned_integer(std::uint64_t number) {
  packer_of(bytes_)->pack_uint64(number);
}

void encoder::real(double number) {
  // msgpack-c turns 1.0 into the integer 1, which SQLite tells apart: so the float 64 is written here.
  bytes_ += '\xcb';
  const auto bits = std::bit_cast<std::uint64_t>(number);
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes_ += static_cast<char>(bits >> shift);
}

void encoder::text(std::string_view bytes) {
  auto packer = packer_of(bytes_);
  packer->pack_str(size_of(bytes));
  packer->pack_str_body(bytes.data(), size_of(bytes));
}

void encoder::blob(std::string_view bytes) {
  auto packer = packer_of(bytes_);
  packer->pack_bin(size_of(bytes));
  packer->pack_bin_body(bytes.data(), size_of(bytes));
}

void encoder::value(const value_view& view) {
  switch (view.type) {
  case value_type::null:
    return nil();
  case value_type::integer:
    return integer(view.integer);
  case value_type::real:
    return real(view.real);
  case value_type::text:
    return text(view.bytes);
  case value_type::blob:
    return blob(view.bytes);
  }
}

std::string encoder::take() {
  return std::exchange(bytes_, {});
}

std::size_t decoder::array() {
  const auto item = take_head(rest_);
  if (item.what != head::kind::array)
    unexpected("a list");
  return checked_count(item.number, 1, rest_.size());
}

void decoder::array_of(std::size_t count) {
  if (array() != count)
    unexpected("a list of " + std::to_string(count) + " items");
}

std::size_t decoder::array_of_at_least(std::size_t count) {
  const auto found = array();
  if (found < count)
    unexpected("a list of at least " + std::to_string(count) + " items");
  return found - count;
}

void decoder::nil() {
  if (take_head(rest_).what != head::kind::nil)
    unexpected("nil");
}

bool decoder::boolean() {
  const auto item = take_head(rest_);
  if (item.what != head::kind::boolean)
    unexpected("true or false");
  return item.number != 0;
}

std::int64_t decoder::integer() {
  const auto item = take_head(rest_);
  if (!is_integer(item))
    unexpected("an integer");
  return signed_of(item);
}

std::uint64_t decoder::unsigned_integer() {
  const auto item = take_head(rest_);
  if (!is_integer(item) || (item.what == head::kind::integer && static_cast<std::int64_t>(item.number) < 0))
    unexpected("a number that is not negative");
  return item.number;
}

double decoder::real() {
  const auto item = take_head(rest_);
  if (item.what != head::kind::real)
    unexpected("a real number");
  return std::bit_cast<double>(item.number);
}

std::string_view decoder::text() {
  const auto item = take_head(rest_);
  if (item.what != head::kind::text)
    unexpected("a text");
  return take_bytes(rest_, item.number);
}

std::string_view decoder::blob() {
  const auto item = take_head(rest_);
  if (item.what != head::kind::blob)
    unexpected("a blob");
  return take_bytes(rest_, item.number);
}

value_view decoder::value() {
  const auto item = take_head(rest_);
  switch (item.what) {
  case head::kind::nil:
    return value_view::of_null();
  case head::kind::integer:
  case head::kind::unsigned_integer:
    return value_view::of_integer(signed_of(item));
  case head::kind::real:
    return value_view::of_real(std::bit_cast<double>(item.number));
  case head::kind::text:
    return value_view::of_text(take_bytes(rest_, item.number));
  case head::kind::blob:
    return value_view::of_blob(take_bytes(rest_, item.number));
  default:
    unexpected("null, a number, a text or a blob");
  }
}

void decoder::skip(std::size_t count) {
  for (; count > 0; --count)
    skip_item(rest_, 1);
}

bool decoder::next_is_nil() const {
  return !rest_.empty() && static_cast<std::uint8_t>(rest_.front()) == 0xc0;
}

void decoder::end() const {
  if (!rest_.empty())
    unexpected("the end");
}

} // namespace tandem::messages
