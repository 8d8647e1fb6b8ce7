#include <array>
#include <cmath>
#include <limits>

#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "storage/packing.hpp"

using namespace tandem::storage;
using tandem::messages::failure;
using tandem::messages::identical;
using tandem::messages::value_view;

namespace {

const std::array every_kind{
    value_view::of_null(),
    value_view::of_integer(0),
    value_view::of_integer(-1),
    value_view::of_integer(std::numeric_limits<std::int64_t>::min()),
    value_view::of_integer(std::numeric_limits<std::int64_t>::max()),
    value_view::of_real(0.1),
    value_view::of_real(-0.0),
    value_view::of_real(std::numeric_limits<double>::infinity()),
    value_view::of_real(std::numeric_limits<double>::denorm_min()),
    value_view::of_text(""),
    value_view::of_text(std::string_view{"a\0b", 3}),
    value_view::of_blob(""),
    value_view::of_blob(std::string_view{"\xff\x00", 2}),
};

} // namespace

BOOST_AUTO_TEST_SUITE(packing)

BOOST_AUTO_TEST_CASE(every_value_comes_back_as_it_was) {
  const auto packed = packed_values(every_kind);
  const auto back = unpacked_values(packed);
  BOOST_REQUIRE_EQUAL(back.size(), every_kind.size());
  for (std::size_t i = 0; i < back.size(); ++i)
    BOOST_TEST(identical(back[i], every_kind[i]), "value " << i);
}

BOOST_AUTO_TEST_CASE(different_values_have_different_bytes) {
  for (std::size_t i = 0; i < every_kind.size(); ++i)
    for (std::size_t k = 0; k < every_kind.size(); ++k)
      BOOST_TEST((packed_values({&every_kind[i], 1}) == packed_values({&every_kind[k], 1})) == (i == k));
}

BOOST_AUTO_TEST_CASE(bytes_that_end_early_are_refused) {
  const auto packed = packed_values(every_kind);
  std::size_t refused = 0;
  for (std::size_t length = 0; length < packed.size(); ++length) {
    try {
      const auto values = unpacked_values(std::string_view{packed}.substr(0, length));
      BOOST_TEST(values.size() < every_kind.size());
    } catch (const failure&) {
      ++refused;
    }
  }
  BOOST_TEST(refused > 0U);
}

BOOST_AUTO_TEST_CASE(keys_survive_json) {
  for (const auto& each : every_kind) {
    if (each.type == tandem::messages::value_type::text && each.bytes.empty())
      continue; // an empty text is a JSON string; covered below
    const auto key = packed_values({&each, 1});
    BOOST_TEST(key_from_json(key_to_json(key)) == key, key_to_json(key));
  }
  const std::array parts{value_view::of_integer(7), value_view::of_text("seven"), value_view::of_text("")};
  const auto key = packed_values(parts);
  BOOST_TEST(key_to_json(key) == "[7,\"seven\",\"\"]");
  BOOST_TEST(key_from_json(key_to_json(key)) == key);
}

BOOST_AUTO_TEST_CASE(a_bare_word_is_a_text_key) {
  const auto word = value_view::of_text("abc");
  BOOST_TEST(key_from_json("abc") == packed_values({&word, 1}));
}

BOOST_AUTO_TEST_CASE(what_is_no_key_is_refused) {
  BOOST_CHECK_THROW(key_from_json("{\"blob\":\"xyz\"}"), failure);
  BOOST_CHECK_THROW(key_from_json("{\"blob\":\"abc\"}"), failure);
  BOOST_CHECK_THROW(key_from_json("[[1]]"), failure);
}

BOOST_AUTO_TEST_SUITE_END()
