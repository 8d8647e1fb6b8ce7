#include <boost/test/unit_test.hpp>

#include "storage/lineage.hpp"

using tandem::messages::lineage;
using tandem::storage::common_pos;

BOOST_AUTO_TEST_SUITE(lineage_of_logs)

BOOST_AUTO_TEST_CASE(logs_without_a_common_run_share_nothing) {
  BOOST_TEST(common_pos({}, 0, {}, 0) == 0U);
  BOOST_TEST(common_pos({{1, 0}}, 50, {}, 0) == 0U);
  BOOST_TEST(common_pos({{1, 0}}, 50, {{2, 0}}, 70) == 0U);
}

BOOST_AUTO_TEST_CASE(one_log_known_to_some_point_is_shared_to_there) {
  const lineage runs{{1, 0}, {2, 100}};
  BOOST_TEST(common_pos(runs, 150, runs, 180) == 150U);
  BOOST_TEST(common_pos(runs, 150, {{1, 0}, {2, 100}, {3, 160}}, 400) == 150U);
}

BOOST_AUTO_TEST_CASE(runs_that_were_heard_of_but_not_applied_are_not_shared) {
  BOOST_TEST(common_pos({{1, 0}, {2, 100}, {3, 160}}, 10, {{1, 0}, {2, 100}, {9, 150}}, 400) == 10U);
}

BOOST_AUTO_TEST_CASE(a_restored_file_parts_where_its_first_run_began) {
  // Known of it: three runs up to 500. The backup is of the second run, at 300, and was written to since.
  BOOST_TEST(common_pos({{1, 0}, {2, 100}, {3, 420}}, 500, {{1, 0}, {2, 100}, {9, 300}}, 600) == 300U);
  // Nothing written since.
  BOOST_TEST(common_pos({{1, 0}, {2, 100}, {3, 420}}, 500, {{1, 0}, {2, 100}}, 300) == 300U);
}

BOOST_AUTO_TEST_CASE(a_run_of_one_token_and_two_starts_is_no_common_run) {
  BOOST_TEST(common_pos({{1, 0}, {2, 100}}, 150, {{1, 0}, {2, 90}}, 150) == 90U);
}

BOOST_AUTO_TEST_SUITE_END()
