#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include <boost/test/unit_test.hpp>

#include "messages/codec.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"

using namespace tandem::messages;
namespace limits = tandem::limits;

namespace {

value passed_through(const value_view& given) {
  encoder out;
  out.value(given);
  decoder in{out.bytes()};
  const value result{in.value()};
  in.end();
  return result;
}

void check_passes(const value_view& given) {
  BOOST_TEST(identical(passed_through(given).view(), given));
}

bool is_refused(std::string_view bytes) {
  try {
    decoder in{bytes};
    in.skip();
    in.end();
    return false;
  } catch (const failure&) {
    return true;
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(codec)

BOOST_AUTO_TEST_CASE(integers_of_all_sizes_pass) {
  for (int bits = 0; bits < 64; ++bits)
    for (const auto offset : {-1, 0, 1}) {
      const auto number = static_cast<std::int64_t>((std::uint64_t{1} << bits) + static_cast<std::uint64_t>(offset));
      check_passes(value_view::of_integer(number));
      check_passes(value_view::of_integer(-(number == INT64_MIN ? 0 : number)));
    }
  check_passes(value_view::of_integer(INT64_MIN));
  check_passes(value_view::of_integer(INT64_MAX));
}

BOOST_AUTO_TEST_CASE(a_real_stays_a_real_even_if_it_is_whole) {
  for (const double number : {0.0, 1.0, -1.0, 1e18, 1.5, -0.0, 5e-324, std::numeric_limits<double>::max(),
                              std::numeric_limits<double>::infinity()}) {
    const auto got = passed_through(value_view::of_real(number));
    BOOST_TEST((got.type == value_type::real));
    BOOST_TEST(std::bit_cast<std::uint64_t>(got.real) == std::bit_cast<std::uint64_t>(number));
  }
}

BOOST_AUTO_TEST_CASE(texts_and_blobs_pass_with_any_bytes) {
  using namespace std::string_view_literals;
  check_passes(value_view::of_null());
  for (const auto bytes : {""sv, "a\0b"sv, "\xff\xfe"sv})
    for (const auto make : {value_view::of_text, value_view::of_blob})
      check_passes(make(bytes));
  for (const std::size_t size : {31U, 32U, 255U, 256U, 65'535U, 65'536U}) {
    const std::string bytes(size, 'x');
    check_passes(value_view::of_text(bytes));
    check_passes(value_view::of_blob(bytes));
  }
}

BOOST_AUTO_TEST_CASE(every_cut_is_noticed) {
  encoder out;
  out.array(4);
  out.text(std::string(300, 'x'));
  out.integer(-70'000);
  out.real(1.25);
  out.array(1);
  out.blob("abc");
  BOOST_TEST(!is_refused(out.bytes()));
  for (std::size_t size = 0; size < out.size(); ++size)
    BOOST_TEST(is_refused(std::string_view{out.bytes()}.substr(0, size)));
}

BOOST_AUTO_TEST_CASE(a_lying_count_costs_nothing) {
  using namespace std::string_view_literals;
  for (const auto lie : {"\xdd\xff\xff\xff\xff"sv, "\xdf\xff\xff\xff\xff"sv, "\xdb\xff\xff\xff\xff"sv,
                         "\xc6\xff\xff\xff\xff"sv, "\xc9\xff\xff\xff\xff\x01"sv, "\xdd\x00\x00\x00\x05\xc0"sv})
    BOOST_TEST(is_refused(lie));
}

BOOST_AUTO_TEST_CASE(nesting_has_a_limit) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '\x91') + '\xc0';
  };
  BOOST_TEST(!is_refused(nested(limits::depth_max - 1)));
  BOOST_TEST(is_refused(nested(limits::depth_max + 1)));
  BOOST_TEST(is_refused(nested(1'000'000)));
}

BOOST_AUTO_TEST_CASE(another_type_than_asked_for_is_refused) {
  encoder out;
  out.text("42");
  BOOST_CHECK_THROW(decoder{out.bytes()}.integer(), failure);
  BOOST_CHECK_THROW(decoder{out.bytes()}.array(), failure);
  BOOST_CHECK_THROW(decoder{out.bytes()}.blob(), failure);
  out.clear();
  out.integer(-1);
  BOOST_CHECK_THROW(decoder{out.bytes()}.unsigned_integer(), failure);
  out.clear();
  out.unsigned_integer(std::numeric_limits<std::uint64_t>::max());
  BOOST_CHECK_THROW(decoder{out.bytes()}.integer(), failure);
  BOOST_TEST(decoder{out.bytes()}.unsigned_integer() == std::numeric_limits<std::uint64_t>::max());
}

BOOST_AUTO_TEST_SUITE_END()
