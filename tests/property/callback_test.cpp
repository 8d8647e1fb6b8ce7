// The policy `callback`: the host decides, also where it lies, throws, or answers otherwise on every device.
#include <algorithm>
#include <set>

#include <boost/test/unit_test.hpp>

#include "messages/failure.hpp"
#include "messages/limits.hpp"
#include "tests/property/two_replicas.hpp"

using namespace tandem::property;
using tandem::messages::failure;
using tandem::messages::value;
using tandem::messages::value_view;
using tandem::storage::callback_answer;
using tandem::storage::callback_question;
using tandem::storage::policy;
using tandem::storage::resolution;

namespace {

using decision = std::function<callback_answer(const callback_question&)>;

const std::vector<std::string> lists_sql{"CREATE TABLE lists(id INTEGER PRIMARY KEY, words TEXT)"};

value text(const std::string& from) {
  return value{value_view::of_text(from)};
}

std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> result;
  std::string word;
  for (const char each : text + " ")
    if (each == ' ') {
      if (!word.empty())
        result.insert(word);
      word.clear();
    } else {
      word += each;
    }
  return result;
}

/// An honest host: all words of both, which is the same in every order.
callback_answer all_words(const callback_question& asked) {
  auto words = words_of(asked.earlier.bytes);
  words.merge(words_of(asked.later.bytes));
  std::string result;
  for (const auto& each : words)
    result += (result.empty() ? "" : " ") + each;
  return {text(result), {}};
}

struct two_hosts : two_replicas {
  explicit two_hosts(const decision& decide) : two_replicas{lists_sql, {"lists"}} {
    all.at(0).decide_by(decide);
    all.at(1).decide_by(decide);
    core_a().track(std::vector<std::string>{"lists"}, std::vector<policy>{{"lists", "words", "callback"}});
    a("INSERT INTO lists VALUES (1, 'milk')");
    level();
  }
  void cross() {
    a("UPDATE lists SET words = 'milk bread'");
    b_is_later();
    b("UPDATE lists SET words = 'eggs milk'");
    level();
  }
  std::string words() { return text("SELECT words FROM lists"); }
};

} // namespace

BOOST_AUTO_TEST_CASE(what_the_host_says_stands_everywhere_and_can_be_undone) {
  two_hosts both{all_words};
  both.cross();
  BOOST_TEST(both.words() == "('bread eggs milk')");
  BOOST_REQUIRE(both.conflicts().size() == 1U);
  const auto found = both.conflicts()[0];
  BOOST_TEST(found.rule == "callback");
  BOOST_TEST(found.state == "settled");
  BOOST_TEST(!found.is_overtaken);
  BOOST_TEST(!found.is_contested);
  BOOST_TEST(found.settlements.at(0).value_json == "\"bread eggs milk\"");
  both.core_b().resolve({found.id, resolution::kind::undo});
  both.level();
  BOOST_TEST(both.words() == "('eggs milk')");
}

BOOST_AUTO_TEST_CASE(the_host_is_asked_the_same_question_everywhere) {
  std::set<std::pair<std::string, std::string>> asked;
  two_hosts both{[&](const callback_question& question) -> callback_answer {
    asked.emplace(question.earlier.bytes, question.later.bytes);
    BOOST_TEST(question.table == "lists");
    BOOST_TEST(question.column == "words");
    BOOST_TEST(question.key_json == "1");
    return {question.earlier, {}};
  }};
  both.cross();
  BOOST_TEST(both.words() == "('milk bread')");
  BOOST_TEST(asked.size() == 1U);
}

BOOST_AUTO_TEST_CASE(where_the_host_fails_the_later_write_stands_and_the_audit_trail_tells_why) {
  const std::vector<std::pair<std::string, decision>> hosts{
      {"callback: there is none at ", {}},
      {"callback: gave no answer; lww",
       [](const auto&) {
         return callback_answer{};
       }},
      {"callback: timed out; lww",
       [](const auto&) {
         return callback_answer{{}, "timed out"};
       }},
      {"callback: threw: out of order; lww",
       [](const auto&) -> callback_answer {
         throw std::runtime_error{"out of order"};
       }},
      {"callback: threw; lww",
       [](const auto&) -> callback_answer {
         throw 5;
       }},
      {"callback: answered with another type; lww",
       [](const auto&) {
         return callback_answer{value{value_view::of_integer(3)}, {}};
       }},
      {"callback: answered with another type; lww",
       [](const auto&) {
         return callback_answer{value{}, {}};
       }},
      {"callback: answered with more than a cell can hold; lww",
       [](const auto&) {
         return callback_answer{text(std::string(tandem::limits::value_bytes_max + 1, 'x')), {}};
       }},
  };
  for (const auto& [rule, decide] : hosts) {
    BOOST_TEST_CONTEXT(rule) {
      two_hosts both{decide};
      both.cross();
      BOOST_TEST(both.words() == "('eggs milk')");
      BOOST_REQUIRE(both.conflicts().size() == 1U);
      BOOST_TEST(both.conflicts()[0].rule.starts_with(rule), both.conflicts()[0].rule);
      BOOST_TEST(both.conflicts()[0].rule.ends_with("; lww"));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_host_that_answers_otherwise_on_each_device_is_noticed) {
  two_hosts both{{}};
  both.all.at(0).decide_by([](const auto&) { return callback_answer{text("as A says"), {}}; });
  both.all.at(1).decide_by([](const auto&) { return callback_answer{text("as B says"), {}}; });
  both.a("UPDATE lists SET words = 'milk bread'");
  both.b_is_later();
  both.b("UPDATE lists SET words = 'eggs milk'");
  both.core_b().stamp_pending();
  const auto there = both.all.bundle(0, 1);
  const auto back = both.all.bundle(1, 0);
  both.all.deliver(1, *there);
  both.all.deliver(0, *back);
  both.level();
  const auto words = both.words();
  BOOST_TEST((words == "('as A says')" || words == "('as B says')"), words);
  bool is_told = false;
  bool is_contested = false;
  for (const auto& each : both.conflicts()) {
    is_told = is_told || each.rule == "callback: disagrees with itself; lww";
    is_contested = is_contested || each.is_contested;
  }
  BOOST_TEST(is_told);
  BOOST_TEST(is_contested);
}

BOOST_AUTO_TEST_CASE(honest_and_lying_hosts_come_to_rest_in_every_order_of_delivery) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_source random{seed};
      const auto devices = 2 + random.below(3);
      const bool is_honest = random.below(2) != 0;
      world all{devices, random_tree(random, devices), lists_sql, {"lists"}};
      std::size_t asked = 0;
      for (std::size_t i = 0; i < devices; ++i)
        all.at(i).decide_by([&, i](const callback_question& question) {
          ++asked;
          return is_honest ? all_words(question)
                           : callback_answer{text("lie" + std::to_string(i) + " " + std::to_string(asked)), {}};
        });
      all.at(0).core().track(std::vector<std::string>{"lists"}, std::vector<policy>{{"lists", "words", "callback"}});
      all.at(0).app().execute("INSERT INTO lists VALUES (1, 'milk')");
      all.heal();
      std::set<std::string> written;
      for (std::size_t i = 0; i < devices; ++i) {
        all.at(i).move_clock(static_cast<std::int64_t>(random.below(5'000)));
        all.at(i).app().execute("UPDATE lists SET words = 'milk w" + std::to_string(i) + "'");
        all.at(i).core().stamp_pending();
        written.insert("w" + std::to_string(i));
      }
      for (int step = 0; step < 10; ++step) {
        const auto& over = all.links()[random.below(all.links().size())];
        const auto there = all.bundle(over.first, over.second);
        const auto back = random.below(2) ? all.bundle(over.second, over.first) : std::nullopt;
        if (there)
          all.deliver(over.second, *there);
        if (back)
          all.deliver(over.first, *back);
      }
      all.heal(); // ends only if nobody has anything more to say
      must_be_level(all);
      if (!is_honest)
        continue;
      const auto words = words_of(all.at(0).app().text("SELECT words FROM lists"));
      for (const auto& each : written)
        BOOST_TEST(words.contains(each), each << " is missing");
    }
  }
}

BOOST_AUTO_TEST_CASE(the_policy_is_for_columns) {
  two_replicas both{lists_sql, {"lists"}};
  BOOST_CHECK_THROW(
      both.core_a().track(std::vector<std::string>{"lists"}, std::vector<policy>{{"lists", "", "callback"}}), failure);
}
