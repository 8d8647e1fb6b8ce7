// The messages between nodes.
#include <string>

#include <boost/test/unit_test.hpp>

#include "messages/catalogue.hpp"
#include "messages/internal.hpp"
#include "tests/unit/messages/golden_vectors.hpp"

using namespace tandem::messages;
namespace limits = tandem::limits;

namespace {

site_id some_site() {
  site_id result;
  for (std::size_t i = 0; i < result.bytes.size(); ++i)
    result.bytes[i] = static_cast<std::uint8_t>(i);
  return result;
}

hello some_hello() {
  hello result;
  result.site = some_site();
  result.epoch = 0x1122334455667788;
  result.head = 70'000;
  result.time_ms = 1'700'000'000'000;
  result.instance = 99;
  result.adopting = true;
  result.name = "desk";
  result.program = "0.1.0";
  result.tables.version = 3;
  result.tables.tables.push_back({1,
                                  "tasks",
                                  {{1, "id", "TEXT", 1}, {2, "title", "TEXT", 0}},
                                  {"CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT)"}});
  result.log_start = 65'000;
  result.runs = {{0x0102030405060708, 0}, {0x1112131415161718, 60'000}};
  return result;
}

bundle_part some_part() {
  bundle_part result;
  result.number = 5;
  result.is_last = true;
  result.header.start = 1'000;
  result.header.to = 1'003;
  result.header.ack = 500;
  result.header.schema_version = 3;
  result.block = "rows";
  return result;
}

bundle_part some_later_part() {
  auto result = some_part();
  result.index = 1;
  return result;
}

bundle_part some_measured_part() {
  auto result = some_part();
  result.trail = {1'000, 2'500, 300, 120, 80};
  return result;
}

bundle_part some_traced_part() {
  auto result = some_measured_part();
  result.trace = std::string(16, '\x7e');
  return result;
}

range_rows some_rows() {
  return {"tasks", 64, {3, 17}, 3, {"rows"}};
}

template <class T>
void check_golden(const std::string& name, const T& message) {
  tandem::tests::check_golden(name, message);
  BOOST_TEST(is_wire_message(*encode(message)));
}

} // namespace

BOOST_AUTO_TEST_SUITE(catalogue)

BOOST_AUTO_TEST_CASE(golden_vectors) {
  check_golden("hello", some_hello());
  check_golden("resume", resume{1, 0x1122334455667788, 12, 0x0102030405060708});
  check_golden("refuse", refuse{failure_code::schema, "tables differ"});
  check_golden("bundle_part", some_part());
  check_golden("bundle_part_later", some_later_part());
  check_golden("bundle_part_with_trail", some_measured_part());
  check_golden("bundle_part_with_trace", some_traced_part());
  check_golden("ack", ack{1'003, 750});
  check_golden("demand", demand{1'048'576, 64});
  check_golden("goodbye", goodbye{"done"});
  check_golden("compare", compare{9, 70'000, 1'003, {"tasks", 0x2122232425262728, {std::string(32, '\x5a')}}});
  check_golden("compared", compared{9, comparison::differs, "", some_rows()});
  check_golden("mend", mend{some_rows()});
}

BOOST_AUTO_TEST_CASE(a_trail_comes_back_and_has_a_limit) {
  auto part = some_measured_part();
  part.index = 2;
  BOOST_TEST(decode<bundle_part>(*encode(part)).trail == part.trail);
  BOOST_TEST(decode<bundle_part>(*encode(some_part())).trail.empty());
  part.trace.assign(tandem::limits::trace_id_bytes, '\xab');
  BOOST_TEST(decode<bundle_part>(*encode(part)).trace == part.trace);
  BOOST_TEST(decode<bundle_part>(*encode(part)).trail == part.trail);
  part.trace += 'x';
  BOOST_CHECK_THROW(decode<bundle_part>(*encode(part)), failure);
  part.trail.assign(tandem::limits::trail_items_max + 1, 1);
  BOOST_CHECK_THROW(decode<bundle_part>(*encode(part)), failure);
}

BOOST_AUTO_TEST_CASE(ranges_have_limits) {
  compare question;
  question.ranges.digests.bytes.assign(tandem::limits::ranges_max * tandem::limits::range_digest_bytes + 1, 'x');
  BOOST_CHECK_THROW(decode<compare>(*encode(question)), failure);
  mend order;
  order.rows.ranges.assign(tandem::limits::ranges_max + 1, 1);
  BOOST_CHECK_THROW(decode<mend>(*encode(order)), failure);
  order.rows.ranges.clear();
  order.rows.block.bytes.assign(tandem::limits::block_bytes_max + 1, 'x');
  BOOST_CHECK_THROW(decode<mend>(*encode(order)), failure);
}

BOOST_AUTO_TEST_CASE(hello_comes_back_whole) {
  const auto given = some_hello();
  const auto got = decode<hello>(*encode(given));
  BOOST_TEST((got.site == given.site));
  BOOST_TEST(got.epoch == given.epoch);
  BOOST_TEST(got.adopting);
  BOOST_REQUIRE(got.tables.tables.size() == 1U);
  BOOST_TEST(got.tables.tables[0].columns[1].name == "title");
  BOOST_TEST(got.tables.tables[0].ddl[0] == given.tables.tables[0].ddl[0]);
}

BOOST_AUTO_TEST_CASE(fields_of_later_versions_are_skipped) {
  encoder later;
  later.array(6);
  later.unsigned_integer(static_cast<std::uint64_t>(wire::ack));
  later.unsigned_integer(2);
  later.unsigned_integer(77);
  later.unsigned_integer(5);
  later.array(1);
  later.text("unknown");
  later.nil();
  BOOST_TEST(decode<ack>(later.bytes()).pos == 77U);
}

BOOST_AUTO_TEST_CASE(what_is_too_long_is_refused) {
  BOOST_CHECK_THROW(decode<goodbye>(*encode(goodbye{std::string(limits::reason_bytes_max + 1, 'x')})), failure);
  auto large = some_hello();
  large.tables.tables.resize(limits::tables_max + 1);
  BOOST_CHECK_THROW(decode<hello>(*encode(large)), failure);
}

BOOST_AUTO_TEST_CASE(a_message_of_the_node_s_own_is_none_of_the_wire) {
  BOOST_TEST(!is_wire_message(*encode(close_all_links{"x"})));
  BOOST_TEST(!is_wire_message(*encode(stop_node{})));
  BOOST_TEST(!is_wire_message(""));
  BOOST_TEST(!is_wire_message("\x92"));
  BOOST_CHECK_THROW(decode<ack>(*encode(demand{1, 1})), failure);
}

BOOST_AUTO_TEST_CASE(a_small_change_costs_little_beyond_its_rows) {
  // Of the 120 bytes for a one-column update, up to 8 are WebSocket's.
  BOOST_TEST(encode(some_part())->size() - some_part().block.size() <= 24U);
}

BOOST_AUTO_TEST_SUITE_END()
