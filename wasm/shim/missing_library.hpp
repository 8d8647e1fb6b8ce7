// Parts of C++20's library that Debian's Emscripten comes without (its libc++ is of version 13): the algorithms over ranges
// that this project uses, in terms of the classic ones. Included ahead of every file of this build; a newer libc++ has its own.
#pragma once

#include <version>

#if defined(_LIBCPP_VERSION) && _LIBCPP_VERSION < 15000

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace std { // NOLINT(cert-dcl58-cpp): what the standard says is there

inline strong_ordering operator<=>(string_view left, string_view right) noexcept {
  return left.compare(right) <=> 0;
}
inline strong_ordering operator<=>(const string& left, const string& right) noexcept {
  return left.compare(right) <=> 0;
}

template <class Each, size_t count>
constexpr auto operator<=>(const array<Each, count>& left, const array<Each, count>& right) {
  for (size_t i = 0; i < count; ++i)
    if (const auto order = left[i] <=> right[i]; order != 0)
      return order;
  return decltype(left[0] <=> right[0]){strong_ordering::equal};
}

template <class To, class From>
To bit_cast(const From& from) noexcept {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  memcpy(&result, &from, sizeof result);
  return result;
}

/// The shortest text that reads back as the same number; of two as short, the one without an exponent.
inline to_chars_result to_chars(char* first, char* last, double number) {
  char digits[40];
  for (int precision = 0; precision < 17; ++precision) {
    snprintf(digits, sizeof digits, "%.*e", precision, number);
    if (strtod(digits, nullptr) == number)
      break;
  }
  char plain[400];
  const char* exponent = strchr(digits, 'e');
  const int decimals = exponent ? static_cast<int>(exponent - digits) - (digits[0] == '-') - 2 : 0;
  snprintf(plain, sizeof plain, "%.*f", exponent ? max(0, max(decimals, 0) - atoi(exponent + 1)) : 0, number);
  const char* best = strlen(plain) <= strlen(digits) ? plain : digits;
  const auto length = strlen(best);
  if (length > static_cast<size_t>(last - first))
    return {last, errc::value_too_large};
  memcpy(first, best, length);
  return {first + length, errc{}};
}

namespace ranges {

template <class Test, class Projection>
auto projected(Test& test, Projection& projection) {
  return [&](auto&&... each) -> decltype(auto) {
    return invoke(test, invoke(projection, forward<decltype(each)>(each))...);
  };
}

template <class Range, class Test, class Projection = identity>
bool any_of(Range&& range, Test test, Projection projection = {}) {
  return std::any_of(begin(range), end(range), projected(test, projection));
}
template <class Range, class Test, class Projection = identity>
bool all_of(Range&& range, Test test, Projection projection = {}) {
  return std::all_of(begin(range), end(range), projected(test, projection));
}
template <class Range, class Test, class Projection = identity>
bool none_of(Range&& range, Test test, Projection projection = {}) {
  return std::none_of(begin(range), end(range), projected(test, projection));
}
template <class Range, class Test, class Projection = identity>
auto find_if(Range&& range, Test test, Projection projection = {}) {
  return std::find_if(begin(range), end(range), projected(test, projection));
}
template <class Range, class Value, class Projection = identity>
auto find(Range&& range, const Value& value, Projection projection = {}) {
  return std::find_if(begin(range), end(range), [&](const auto& each) { return invoke(projection, each) == value; });
}
template <class Range, class Test, class Projection = identity>
auto count_if(Range&& range, Test test, Projection projection = {}) {
  return std::count_if(begin(range), end(range), projected(test, projection));
}
template <class Range, class Value, class Projection = identity>
auto count(Range&& range, const Value& value, Projection projection = {}) {
  return std::count_if(begin(range), end(range), [&](const auto& each) { return invoke(projection, each) == value; });
}
template <class Range, class Order = std::less<>, class Projection = identity>
auto sort(Range&& range, Order order = {}, Projection projection = {}) {
  std::sort(begin(range), end(range), projected(order, projection));
  return end(range);
}
template <class Range, class Order = std::less<>, class Projection = identity>
auto stable_sort(Range&& range, Order order = {}, Projection projection = {}) {
  std::stable_sort(begin(range), end(range), projected(order, projection));
  return end(range);
}
template <class Range, class Order = std::less<>>
bool is_sorted(Range&& range, Order order = {}) {
  return std::is_sorted(begin(range), end(range), order);
}
template <class Range, class Value>
bool binary_search(Range&& range, const Value& value) {
  return std::binary_search(begin(range), end(range), value);
}
template <class Range, class Value>
auto lower_bound(Range&& range, const Value& value) {
  return std::lower_bound(begin(range), end(range), value);
}
template <class Range, class Out, class Function>
auto transform(Range&& range, Out out, Function function) {
  return std::transform(begin(range), end(range), out, function);
}
template <class Range>
auto reverse(Range&& range) {
  std::reverse(begin(range), end(range));
  return end(range);
}
template <class One, class Two>
bool equal(One&& one, Two&& two) {
  return std::equal(begin(one), end(one), begin(two), end(two));
}
template <class Range, class Test>
auto adjacent_find(Range&& range, Test test) {
  return std::adjacent_find(begin(range), end(range), test);
}
template <class First, class Second>
struct mismatch_place {
  First in1;
  Second in2;
};
template <class One, class Two>
auto mismatch(One&& one, Two&& two) {
  const auto found = std::mismatch(begin(one), end(one), begin(two), end(two));
  return mismatch_place<decltype(begin(one)), decltype(begin(two))>{found.first, found.second};
}

} // namespace ranges
} // namespace std

#endif
