// What a peer sends may be anything: cut off, random, from another time, out of order. It is refused, and nothing of it
// stays.
#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "messages/row_block.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::messages::failure_code;
using tandem::messages::name_of;
namespace messages = tandem::messages;

namespace {

const std::vector<std::string> tasks_sql{"CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT, note BLOB)"};
const std::vector<std::string> tasks{"tasks"};
const std::string first_rows = "INSERT INTO tasks VALUES (1, 'one', x'01'), (2, 'two', NULL)";

// Everything that a refused bundle must leave as it was.
std::string everything(device& one) {
  std::string result = one.core().digest() + " " + std::to_string(one.core().head());
  for (const auto& table : one.app().query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"))
    if (table[0].bytes.find("search") == std::string::npos && table[0].bytes != "tandem_peers")
      result += table[0].bytes + shown_rows(one.app(), "SELECT count(*) FROM " + sql_name(table[0].bytes));
  return result;
}

void merge(device& at, const packet& message) {
  at.core().bind_peer(message.from, message.schema);
  std::size_t next = 0;
  at.core().merge(message.from, *message.header, [&]() -> std::optional<std::string_view> {
    return next < message.blocks.size() ? std::optional<std::string_view>{message.blocks[next++]} : std::nullopt;
  });
}

// A bundle from A with a few updates that B has not seen.
packet news(two_replicas& both) {
  both.a("UPDATE tasks SET title = 'news', note = randomblob(200); INSERT INTO tasks VALUES (3, 'three', "
         "zeroblob(300)); DELETE "
         "FROM tasks WHERE id = 2");
  both.core_a().stamp_pending();
  return *both.all.bundle(0, 1);
}

template <class Spoil>
void must_be_refused(Spoil spoil) {
  two_replicas both{tasks_sql, tasks, first_rows};
  const auto good = news(both);
  auto bad = good;
  spoil(bad);
  auto& receiver = both.all.at(1);
  const auto before = everything(receiver);
  BOOST_CHECK_THROW(merge(receiver, bad), failure);
  BOOST_TEST(everything(receiver) == before);
  BOOST_TEST(receiver.core().verify().empty());
  BOOST_CHECK_NO_THROW(merge(receiver, good)); // and the right one still goes in
  both.level();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_block_that_is_cut_off) {
  must_be_refused([](packet& bad) { bad.blocks.back().resize(bad.blocks.back().size() / 2); });
  must_be_refused([](packet& bad) { bad.blocks.back().pop_back(); });
  must_be_refused([](packet& bad) { bad.blocks.back().clear(); });
  must_be_refused([](packet& bad) { bad.blocks.push_back("x"); });
}

BOOST_AUTO_TEST_CASE(a_block_of_random_bytes_after_a_good_one) {
  random_source random{42};
  for (int i = 0; i < 20; ++i)
    must_be_refused([&](packet& bad) {
      std::string noise(random.below(300), '\0');
      for (auto& byte : noise)
        byte = static_cast<char>(random.bits());
      bad.blocks.push_back(noise);
    });
}

BOOST_AUTO_TEST_CASE(single_bytes_changed_are_refused_or_are_other_values_never_harm) {
  random_source random{43};
  for (int i = 0; i < 150; ++i) {
    two_replicas both{tasks_sql, tasks, first_rows};
    auto bad = news(both);
    auto& block = bad.blocks[random.below(bad.blocks.size())];
    block[random.below(block.size())] ^= static_cast<char>(1 + random.below(255));
    auto& receiver = both.all.at(1);
    const auto before = everything(receiver);
    bool was_refused = false;
    try {
      merge(receiver, bad);
    } catch (const failure& error) {
      was_refused = true;
      BOOST_TEST((error.code() != failure_code::defect), error.what());
      BOOST_TEST((error.code() != failure_code::corrupt), "blames its own file: " << error.what());
    }
    if (was_refused)
      BOOST_TEST(everything(receiver) == before);
    const auto wrong = receiver.core().verify();
    BOOST_TEST(wrong.empty(), "run " << i << ": " << (wrong.empty() ? "" : wrong.front()));
    BOOST_TEST(receiver.app().text("PRAGMA integrity_check") == "ok");
  }
}

BOOST_AUTO_TEST_CASE(a_bundle_that_acknowledges_what_was_never_written) {
  must_be_refused([](packet& bad) { bad.header->ack = 1'000'000; });
}

BOOST_AUTO_TEST_CASE(headers_that_contradict_themselves) {
  must_be_refused([](packet& bad) { bad.header->start = bad.header->to + 10; });
  must_be_refused([](packet& bad) { bad.header->epoch ^= 0x5555; });
  must_be_refused([](packet& bad) { bad.header->schema_version += 1; });
}

BOOST_AUTO_TEST_CASE(rows_of_tables_and_columns_that_nobody_has_told) {
  must_be_refused([](packet& bad) {
    messages::row_block_writer writer;
    const std::vector<messages::value_view> key{messages::value_view::of_integer(1)};
    const std::vector<std::uint32_t> columns{0};
    const std::vector<messages::cell_group> groups{{{1, bad.from}, bad.header->to, columns}};
    const std::vector<messages::value_view> values{messages::value_view::of_integer(1)};
    writer.add({4'711, key, groups, values});
    bad.blocks.push_back(writer.finish());
  });
  for (const std::uint32_t column : {99U, 0xffff'ffffU})
    must_be_refused([&](packet& bad) {
      messages::row_block_writer writer;
      const std::vector<messages::value_view> key{messages::value_view::of_integer(1)};
      const std::vector<std::uint32_t> columns{column};
      const std::vector<messages::cell_group> groups{{{1, bad.from}, bad.header->to, columns}};
      const std::vector<messages::value_view> values{messages::value_view::of_integer(1)};
      const auto table =
          bad.schema.tables.front().name == "tasks" ? bad.schema.tables.front() : bad.schema.tables.back();
      writer.add({table.id, key, groups, values});
      bad.blocks.push_back(writer.finish());
    });
}

BOOST_AUTO_TEST_CASE(a_stamp_from_far_in_the_future_is_refused_for_its_clock) {
  two_replicas both{tasks_sql, tasks, first_rows};
  both.all.at(0).move_clock(3'600'000);
  const auto message = news(both);
  const auto before = everything(both.all.at(1));
  try {
    merge(both.all.at(1), message);
    BOOST_ERROR("a stamp an hour ahead was let in");
  } catch (const failure& error) {
    BOOST_TEST((error.code() == failure_code::clock), name_of(error.code()) << ": " << error.what());
  }
  BOOST_TEST(everything(both.all.at(1)) == before);
  both.all.at(1).move_clock(3'600'000);
  both.level();
}

BOOST_AUTO_TEST_CASE(a_clock_that_runs_back_stamps_forward) {
  two_replicas both{tasks_sql, tasks, first_rows};
  both.a("UPDATE tasks SET title = 'before' WHERE id = 1");
  both.level();
  both.all.at(0).move_clock(-86'400'000);
  both.all.at(0).reopen();
  both.a("UPDATE tasks SET title = 'after' WHERE id = 1");
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks WHERE id = 1") == "('after')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(a_repeated_bundle_changes_nothing) {
  two_replicas both{tasks_sql, tasks, first_rows};
  const auto message = news(both);
  merge(both.all.at(1), message);
  both.b("UPDATE tasks SET title = 'written on top of it' WHERE id = 1");
  both.core_b().stamp_pending();
  const auto before = everything(both.all.at(1));
  merge(both.all.at(1), message);
  BOOST_TEST(everything(both.all.at(1)) == before);
  both.level();
  BOOST_TEST(both.text("SELECT title FROM tasks WHERE id = 1") == "('written on top of it')");
  BOOST_TEST(both.conflicts().empty());
}

BOOST_AUTO_TEST_CASE(a_source_that_throws_leaves_nothing_behind) {
  struct cut {};
  two_replicas both{tasks_sql, tasks, first_rows};
  const auto message = news(both);
  auto& receiver = both.all.at(1);
  receiver.core().bind_peer(message.from, message.schema);
  const auto before = everything(receiver);
  bool is_first = true;
  BOOST_CHECK_THROW(receiver.core().merge(message.from, *message.header,
                                          [&]() -> std::optional<std::string_view> {
                                            if (!std::exchange(is_first, false))
                                              throw cut{};
                                            return message.blocks.front();
                                          }),
                    cut);
  BOOST_TEST(everything(receiver) == before);
  merge(receiver, message);
  both.level();
}

BOOST_AUTO_TEST_CASE(bundles_of_a_peer_that_was_never_bound_are_refused) {
  two_replicas both{tasks_sql, tasks, first_rows};
  auto message = news(both);
  message.from.bytes[0] ^= 1;
  const auto before = everything(both.all.at(1));
  BOOST_CHECK_THROW(
      both.core_b().merge(message.from, *message.header, [] { return std::optional<std::string_view>{}; }), failure);
  BOOST_TEST(everything(both.all.at(1)) == before);
}
