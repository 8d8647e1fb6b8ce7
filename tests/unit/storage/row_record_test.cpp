#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "storage/row_record.hpp"

using namespace tandem::storage;

namespace {

column_set columns(std::initializer_list<std::uint32_t> ids) {
  column_set result;
  for (const auto id : ids)
    result.add(id);
  return result;
}

cell_origin origin(std::uint64_t pos) {
  return {{pos << 16, 1}, pos, via_here};
}

const auto all = columns({life_column, 1, 2, 3, 70});

} // namespace

BOOST_AUTO_TEST_SUITE(records)

BOOST_AUTO_TEST_CASE(one_group_covers_a_fresh_row) {
  const row_record record{origin(5)};
  for (const std::uint32_t column : {life_column, 1U, 70U})
    BOOST_TEST(record.of(column).pos == 5U);
}

BOOST_AUTO_TEST_CASE(a_write_moves_only_its_cells) {
  row_record record{origin(5)};
  record.write(columns({2, 70}), origin(6), all);
  BOOST_TEST(record.of(2).pos == 6U);
  BOOST_TEST(record.of(70).pos == 6U);
  BOOST_TEST(record.of(1).pos == 5U);
  BOOST_TEST(record.of(life_column).pos == 5U);
}

BOOST_AUTO_TEST_CASE(a_write_of_everything_leaves_one_group) {
  row_record record{origin(5)};
  record.write(columns({2}), origin(6), all);
  record.write(all, origin(7), all);
  BOOST_TEST(record.groups().size() == 1U);
}

BOOST_AUTO_TEST_CASE(overwritten_groups_disappear) {
  row_record record{origin(1)};
  for (std::uint64_t pos = 2; pos < 100; ++pos)
    record.write(columns({static_cast<std::uint32_t>(1 + pos % 3)}), origin(pos), all);
  BOOST_TEST(record.groups().size() <= 4U);
}

BOOST_AUTO_TEST_CASE(packing_keeps_everything) {
  row_record record{origin(1)};
  record.write(columns({2}), {{(std::uint64_t{1} << 63) + 17, 300}, 1U << 30, 12}, all);
  record.write(columns({70}), origin(9), all);
  record.is_quarantined = true;
  const auto back = row_record::unpack(record.pack());
  BOOST_TEST(back.is_quarantined);
  for (const std::uint32_t column : {life_column, 1U, 2U, 3U, 70U})
    BOOST_TEST((back.of(column) == record.of(column)), "column " << column);
}

BOOST_AUTO_TEST_CASE(a_fresh_row_costs_few_bytes) {
  BOOST_TEST(row_record{origin(1'000'000)}.pack().size() <= 16U);
}

BOOST_AUTO_TEST_CASE(cut_off_records_are_refused) {
  row_record record{origin(1)};
  record.write(columns({2}), origin(9), all);
  const auto packed = record.pack();
  BOOST_CHECK_THROW(row_record::unpack(packed.substr(0, 5)), tandem::messages::failure);
  BOOST_CHECK_THROW(row_record::unpack(packed.substr(0, packed.size() - 1)), tandem::messages::failure);
}

BOOST_AUTO_TEST_SUITE_END()
