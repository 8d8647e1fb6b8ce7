// Replicas in trees over links that lose, repeat, delay and reorder, with random schemas and statements and
// crashes between any two steps: what comes out is what the stamps say, and nothing is lost without a trace.
#include <boost/test/unit_test.hpp>

#include "tests/property/history.hpp"

using namespace tandem::property;

BOOST_AUTO_TEST_CASE(two_replicas_end_with_the_latest_writes) {
  history_options options;
  options.devices_max = 2;
  check_histories(40, 60, options);
}

BOOST_AUTO_TEST_CASE(trees_of_replicas_end_with_the_latest_writes) {
  check_histories(60, 120, {});
}
