#include <filesystem>
#include <string>

#include <boost/test/unit_test.hpp>

#include "actors/parking.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"
#include "tests/unit/actors/test_folder.hpp"

using namespace tandem;

namespace {

messages::bundle_part part_of(std::uint64_t number, std::uint64_t index, std::string_view block, bool is_last = false) {
  messages::bundle_part part;
  part.number = number;
  part.index = index;
  part.block = block;
  part.is_last = is_last;
  part.header.to = 100 + number;
  return part;
}

struct one_parking {
  tests::test_folder folder;
  actors::parking parking{folder.file("")};

  void keeps(std::size_t block_bytes, std::size_t blocks) {
    for (std::size_t i = 0; i < blocks; ++i) {
      const std::string block(block_bytes, static_cast<char>('a' + i % 26));
      BOOST_TEST(parking.add(part_of(1, i, block, i + 1 == blocks)) == (i + 1 == blocks));
    }
    for (std::size_t i = 0; i < blocks; ++i) {
      const auto block = parking.next_block();
      BOOST_REQUIRE(block.has_value());
      BOOST_TEST((*block == std::string(block_bytes, static_cast<char>('a' + i % 26))));
    }
    BOOST_TEST(!parking.next_block().has_value());
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(parking)

BOOST_FIXTURE_TEST_CASE(keeps_a_small_bundle_in_memory, one_parking) {
  keeps(100, 5);
}

BOOST_FIXTURE_TEST_CASE(keeps_a_large_one_in_a_file_without_a_name, one_parking) {
  keeps(300 * limits::kib, 10);
  BOOST_TEST(std::filesystem::is_empty(folder.file("")));
}

BOOST_FIXTURE_TEST_CASE(can_be_used_again, one_parking) {
  keeps(300 * limits::kib, 10);
  keeps(10, 3);
  BOOST_TEST(parking.header().to == 101U);
}

BOOST_FIXTURE_TEST_CASE(parts_out_of_order_are_refused, one_parking) {
  BOOST_CHECK_THROW(parking.add(part_of(1, 1, "x")), messages::failure);
  parking.add(part_of(1, 0, "x"));
  BOOST_CHECK_THROW(parking.add(part_of(1, 2, "x")), messages::failure);
  BOOST_CHECK_THROW(parking.add(part_of(2, 1, "x")), messages::failure);
  parking.add(part_of(3, 0, "y"));
  BOOST_TEST(parking.add(part_of(3, 1, "z", true)));
  BOOST_CHECK_THROW(parking.add(part_of(3, 2, "x")), messages::failure);
}

BOOST_AUTO_TEST_SUITE_END()
