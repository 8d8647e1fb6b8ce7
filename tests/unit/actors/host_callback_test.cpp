// The host's callback: answers, exceptions, and hosts that take too long.
#include <atomic>
#include <future>
#include <stdexcept>

#include <boost/test/unit_test.hpp>

#include "actors/host_callback.hpp"

using namespace tandem::actors;
using tandem::messages::value;
using tandem::messages::value_view;
using tandem::storage::callback_answer;
using tandem::storage::callback_question;

BOOST_AUTO_TEST_SUITE(host_callbacks)

BOOST_AUTO_TEST_CASE(the_answer_and_what_is_thrown_come_back) {
  host_callback host{[](const callback_question& question) -> callback_answer {
    if (question.column == "bad")
      throw std::runtime_error{"no"};
    if (question.column == "worse")
      throw 5;
    return {question.earlier, {}};
  }};
  callback_question question;
  question.earlier = value{value_view::of_integer(42)};
  const auto answer = host.ask(question);
  // On a machine that is very busy even this may be late; then it says so.
  BOOST_TEST((answer.given ? answer.given->integer == 42 : !answer.trouble.empty()));
  question.column = "bad";
  BOOST_TEST(!host.ask(question).trouble.empty());
  question.column = "worse";
  BOOST_TEST(!host.ask(question).given.has_value());
}

BOOST_AUTO_TEST_CASE(a_host_that_never_answers_holds_up_nobody) {
  std::promise<void> end;
  auto ended = std::make_shared<std::shared_future<void>>(end.get_future());
  auto calls = std::make_shared<std::atomic<int>>(0);
  {
    host_callback host{[ended, calls](const callback_question&) -> callback_answer {
      ++*calls;
      ended->wait();
      return {value{value_view::of_integer(1)}, {}};
    }};
    BOOST_TEST(host.ask({}).trouble == "timed out");
    BOOST_TEST(host.ask({}).trouble == "is busy with another question");
  }
  BOOST_TEST(*calls <= 1);
  end.set_value();
}

BOOST_AUTO_TEST_SUITE_END()
