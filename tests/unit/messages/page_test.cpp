// The messages between nodes and pages.
#include <string>

#include <boost/test/unit_test.hpp>

#include "messages/internal.hpp"
#include "messages/page.hpp"
#include "tests/unit/messages/golden_vectors.hpp"

using namespace tandem::messages;
using tandem::tests::check_golden;
using tandem::tests::hex_of;
namespace limits = tandem::limits;

namespace {

std::vector<value> some_values() {
  using namespace std::string_view_literals;
  std::vector<value> result;
  for (const auto& each :
       {value_view::of_null(), value_view::of_integer(-1), value_view::of_integer(9'007'199'254'740'993),
        value_view::of_real(2.0), value_view::of_text("a\0\xc3\xa9"sv), value_view::of_blob("\x00\xff"sv)})
    result.emplace_back(each);
  return result;
}

page::rows some_rows() {
  return {7, 0, {"id", "t"}, 3, some_values(), true};
}

page::live some_live() {
  return {9, 2, true, {"id", "t", "x"}, {0, 5}, {1, 2}, some_values(), {300}, {some_values()[1], {}, {}}, 301, true};
}

} // namespace

BOOST_AUTO_TEST_SUITE(pages)

BOOST_AUTO_TEST_CASE(golden_vectors) {
  check_golden("page_open", page::open{1, 1, std::string(32, 'a'), "secret", "notes"});
  check_golden("page_query", page::query{7, 1'000, 0, "SELECT * FROM t WHERE x = ?", some_values(), 100, 2});
  check_golden("page_more", page::more{7, 4});
  check_golden("page_execute", page::execute{8, 0, 5, "w1", {{"INSERT INTO t VALUES(?)", {some_values()[1]}}, {}}, 7});
  check_golden("page_begin", page::begin{5, 0, 2'000});
  check_golden("page_finish", page::finish{6, 0, 5, true, "w2"});
  check_golden("page_watch", page::watch{9, 0, "SELECT id FROM t", {}, {"id"}});
  check_golden("page_observe", page::observe{10, {"t"}});
  check_golden("page_cancel", page::cancel{9});
  check_golden("page_ask", page::ask{11, 0, "why", R"({"table":"t","key":1})"});
  check_golden("page_taken", page::taken{9, 300});
  check_golden("page_opened", page::opened{1, std::string(32, 'b'), "desk", "0.1.0", true, 1'700'000'000'000, 1'000'000,
                                           4'000'000, 60'000, 10'000});
  check_golden("page_rows", some_rows());
  check_golden("page_done", page::done{8, 3, -1, true});
  check_golden("page_told", page::told{11, "{}"});
  check_golden("page_failed", page::failed{8, "constraint", "UNIQUE constraint failed: t.x"});
  check_golden("page_live", some_live());
  check_golden("page_changed", page::changed{10, 1, {"t"}, true});
  check_golden("page_beat", page::beat{1'700'000'000'000});
}

BOOST_AUTO_TEST_CASE(values_that_were_encoded_on_the_way_give_the_same_bytes) {
  page::encoded_values values;
  for (const auto& each : some_values())
    values.add(each.view());
  auto head = some_rows();
  head.values.clear();
  BOOST_TEST(hex_of(*page::encode_rows(head, values)) == hex_of(*encode(some_rows())));
  page::encoded_values changed;
  for (const auto& each : some_live().changed_values)
    changed.add(each.view());
  auto live = some_live();
  live.inserted_values.clear();
  live.changed_values.clear();
  BOOST_TEST(hex_of(*page::encode_live(live, values, changed)) == hex_of(*encode(some_live())));
}

BOOST_AUTO_TEST_CASE(only_what_a_page_may_send_counts_as_its_own) {
  BOOST_TEST(page::is_of_page(*encode(page::cancel{1})));
  BOOST_TEST(!page::is_of_page(*encode(page::done{})));
  BOOST_TEST(!page::is_of_page(*encode(drained{})));
  BOOST_TEST(!page::is_of_page(""));
}

BOOST_AUTO_TEST_CASE(what_is_over_a_limit_is_refused) {
  page::query large;
  large.sql.assign(limits::page_sql_bytes_max + 1, 'x');
  BOOST_CHECK_THROW(decode<page::query>(*encode(large)), failure);
  large.sql.clear();
  large.parameters.resize(limits::page_parameters_max + 1);
  BOOST_CHECK_THROW(decode<page::query>(*encode(large)), failure);
  page::execute many;
  many.statements.resize(limits::page_statements_max + 1);
  BOOST_CHECK_THROW(decode<page::execute>(*encode(many)), failure);
  BOOST_CHECK_THROW(decode<page::execute>(*encode(page::execute{1, 0, 0, std::string(65, 'x'), {}})), failure);
  page::watch keys;
  keys.key_columns.resize(limits::page_key_columns_max + 1);
  BOOST_CHECK_THROW(decode<page::watch>(*encode(keys)), failure);
  BOOST_CHECK_THROW(decode<page::open>(*encode(page::open{1, 1, std::string(33, 'a'), "", ""})), failure);
}

BOOST_AUTO_TEST_CASE(what_is_no_value_is_refused) {
  encoder out; // A query whose parameter is a boolean.
  out.array(9);
  for (const std::uint64_t each : {33, 1, 1, 0, 0})
    out.unsigned_integer(each);
  out.text("SELECT ?");
  out.array(1);
  out.boolean(true);
  out.unsigned_integer(0);
  out.unsigned_integer(0);
  BOOST_CHECK_THROW(decode<page::query>(out.bytes()), failure);
}

BOOST_AUTO_TEST_SUITE_END()
