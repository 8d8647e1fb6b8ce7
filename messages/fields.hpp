// How a message struct becomes a msgpack list and comes back: [tag, version, field, field, ...].
//
// Each struct has `tag`, `version` and a static `fields(visit, message)` that visits its fields in order,
// with the largest allowed size of texts and lists. A reader skips trailing fields that it does not know.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "messages/codec.hpp"
#include "messages/comparison.hpp"
#include "messages/failure.hpp"
#include "messages/frame.hpp"
#include "messages/site.hpp"

namespace tandem::messages {

struct any_visit {
  void operator()(const auto&...) const {}
};

/// Where the fields of `T` are listed: in the struct itself, or in a specialisation for structs that
/// know nothing of messages.
template <class T>
struct layout_of {};

template <class T>
requires requires(T& message) {
  T::fields(any_visit{}, message);
}
struct layout_of<T> {
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    T::fields(visit, message);
  }
};

template <class T>
concept has_fields = requires(T& message) {
  layout_of<T>::fields(any_visit{}, message);
};

class field_counter {
public:
  template <class... T>
  void operator()(const T&...) {
    ++count;
  }
  std::size_t count = 0;
};

template <class T>
std::size_t field_count(const T& message) {
  field_counter counter;
  layout_of<T>::fields(counter, message);
  return counter.count;
}

class field_writer {
public:
  explicit field_writer(encoder& out) : out_{out} {}

  void operator()(bool flag) { out_.boolean(flag); }
  template <std::integral T>
  requires(!std::same_as<T, bool>) void operator()(T number) {
    if constexpr (std::is_signed_v<T>)
      out_.integer(number);
    else
      out_.unsigned_integer(number);
  }
  template <class T>
  requires std::is_enum_v<T>
  void operator()(T choice) { out_.unsigned_integer(static_cast<std::uint64_t>(choice)); }
  void operator()(double number) { out_.real(number); }
  void operator()(const site_id& site) { out_.blob(site.view()); }
  void operator()(const std::string& text, std::size_t) { out_.text(text); }
  void operator()(const binary& data, std::size_t) { out_.blob(data.bytes); }
  void operator()(const value& given) { out_.value(given.view()); }
  template <class T>
  void operator()(const std::vector<T>& items, std::size_t, std::size_t bytes_max = 0) {
    out_.array(items.size());
    for (const auto& each : items)
      if constexpr (std::same_as<T, std::string>)
        (*this)(each, bytes_max);
      else
        (*this)(each);
  }
  template <has_fields T>
  void operator()(const T& part) {
    out_.array(field_count(part));
    layout_of<T>::fields(*this, part);
  }

private:
  encoder& out_;
};

class field_reader {
public:
  explicit field_reader(decoder& in) : in_{in} {}

  void operator()(bool& flag) { flag = in_.boolean(); }
  template <std::integral T>
  requires(!std::same_as<T, bool>) void operator()(T& number) {
    if constexpr (std::is_signed_v<T>)
      number = narrowed<T>(in_.integer());
    else
      number = narrowed<T>(in_.unsigned_integer());
  }
  /// Unknown values of an enum are kept: it is the receiver's to say what it makes of them.
  template <class T>
  requires std::is_enum_v<T>
  void operator()(T& choice) {
    choice = static_cast<T>(
        narrowed<std::underlying_type_t<T>>(static_cast<std::underlying_type_t<T>>(in_.unsigned_integer())));
  }
  void operator()(double& number) { number = in_.real(); }
  void operator()(site_id& site) { site = site_id::from_bytes(in_.blob()); }
  void operator()(std::string& text, std::size_t bytes_max) {
    const auto found = in_.text();
    check(found.size(), bytes_max, "a text of bytes");
    text = found;
  }
  void operator()(binary& data, std::size_t bytes_max) {
    const auto found = in_.blob();
    check(found.size(), bytes_max, "a blob of bytes");
    data.bytes = found;
  }
  void operator()(value& given) { given = value{in_.value()}; }
  template <class T>
  void operator()(std::vector<T>& items, std::size_t count_max, std::size_t bytes_max = 0) {
    const auto count = in_.array();
    check(count, count_max, "a list of items");
    items.clear();
    for (std::size_t i = 0; i < count; ++i) {
      auto& each = items.emplace_back();
      if constexpr (std::same_as<T, std::string>)
        (*this)(each, bytes_max);
      else
        (*this)(each);
    }
  }
  template <has_fields T>
  void operator()(T& part) {
    const auto unknown = in_.array_of_at_least(field_count(part));
    layout_of<T>::fields(*this, part);
    in_.skip(unknown);
  }

private:
  template <class T, class U>
  static T narrowed(U number) {
    if (static_cast<U>(static_cast<T>(number)) != number)
      throw failure{failure_code::protocol, "a message is malformed: a number is too large; it was ignored"};
    return static_cast<T>(number);
  }
  static void check(std::size_t found, std::size_t max, const char* what) {
    if (found > max)
      throw failure{failure_code::limit, std::string{"a message holds "} + what + " over the limit: " +
                                             std::to_string(found) + " > " + std::to_string(max) + "; it was ignored"};
  }

  decoder& in_;
};

/// What a message is, told from its first bytes alone. 0 if they are no message.
std::uint64_t tag_of(std::string_view bytes);

template <class T>
shared_bytes encode(const T& message) {
  encoder out;
  out.array(2 + field_count(message));
  out.unsigned_integer(static_cast<std::uint64_t>(T::tag));
  out.unsigned_integer(T::version);
  field_writer writer{out};
  layout_of<T>::fields(writer, message);
  return std::make_shared<const std::string>(out.take());
}

/// Reads tag and version; returns how many fields follow. Throws failure (protocol) if it is another
/// message than asked for.
std::size_t read_message_head(decoder& in, std::uint64_t tag);

/// Throws failure (protocol or limit) if `bytes` is no such message.
template <class T>
T decode(std::string_view bytes) {
  decoder in{bytes};
  T message;
  const auto found = read_message_head(in, static_cast<std::uint64_t>(T::tag));
  const auto known = field_count(message);
  if (found < known)
    throw failure{failure_code::protocol, "a message has too few fields; it was ignored"};
  field_reader reader{in};
  layout_of<T>::fields(reader, message);
  in.skip(found - known);
  in.end();
  return message;
}

} // namespace tandem::messages
