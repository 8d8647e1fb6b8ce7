// The same histories with all constraints that SQL has: sync never stops, and every replica shows the same rows.
#include <boost/test/unit_test.hpp>

#include "tests/property/history.hpp"

using namespace tandem::property;

BOOST_AUTO_TEST_CASE(replicas_agree_under_constraints) {
  history_options options;
  options.schema = schema_kind::constrained;
  check_histories(50, 100, options);
}

BOOST_AUTO_TEST_CASE(replicas_agree_under_enforced_foreign_keys) {
  history_options options;
  options.schema = schema_kind::constrained;
  options.with_foreign_keys = true;
  check_histories(50, 100, options);
}
