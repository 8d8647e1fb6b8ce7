// What pages' transports are made of: who comes in, numbered frames, base64.
#include <string>

#include <boost/test/unit_test.hpp>

#include "bridge/base64.hpp"
#include "bridge/http_text.hpp"
#include "bridge/page_access.hpp"
#include "bridge/page_mailbox.hpp"
#include "bridge/webview_gate.hpp"
#include "bridge/webview_page.hpp"
#include "bridge/webview_sessions.hpp"
#include "messages/page_limits.hpp"

using namespace tandem::bridge;
namespace limits = tandem::limits;

namespace {

listen_options options_with(const std::string& token, page_options pages = {}) {
  listen_options result;
  result.token = token;
  result.pages = std::make_shared<const page_options>(std::move(pages));
  return result;
}

shared_bytes bytes_of(const std::string& text) {
  return std::make_shared<const std::string>(text);
}

} // namespace

BOOST_AUTO_TEST_SUITE(page_parts)

BOOST_AUTO_TEST_CASE(tokens_give_rights) {
  BOOST_TEST((rights_of(options_with(""), "") == page_right::full));
  const auto options = options_with("n", {{}, "p", "r", {}, {}});
  BOOST_TEST((rights_of(options, "n") == page_right::full));
  BOOST_TEST((rights_of(options, "p") == page_right::full));
  BOOST_TEST((rights_of(options, "r") == page_right::read_only));
  BOOST_TEST((rights_of(options, "") == page_right::none));
  BOOST_TEST((rights_of(options, "x") == page_right::none));
  BOOST_TEST((rights_of(options_with("", {{}, {}, "r", {}, {}}), "") == page_right::none));
}

BOOST_AUTO_TEST_CASE(hosts_and_origins_are_looked_at) {
  const auto open = options_with("");
  for (const auto host : {"127.0.0.1:1", "localhost:1", "[::1]:1", "192.168.0.7", "[fe80::1]:1"})
    BOOST_TEST(refusal_of(open, {host, "", ""}).empty(), host);
  for (const auto host : {"evil.example", "localhost.evil.example:1", "127.0.0.1.evil.example", ""})
    BOOST_TEST(!refusal_of(open, {host, "", ""}).empty(), host);
  BOOST_TEST(refusal_of(open, {"127.0.0.1:1", "http://localhost:9", ""}).empty());
  BOOST_TEST(!refusal_of(open, {"127.0.0.1:1", "http://evil.example", ""}).empty());
  BOOST_TEST(!refusal_of(open, {"127.0.0.1:1", "null", ""}).empty());
  BOOST_TEST(!refusal_of(open, {"127.0.0.1:1", "", "cross-site"}).empty());
  const auto closed = options_with("t", {{"https://app.example"}, {}, {}, {}, {}});
  BOOST_TEST(!refusal_of(closed, {"127.0.0.1:1", "http://127.0.0.1:9", ""}).empty());
  BOOST_TEST(refusal_of(closed, {"127.0.0.1:1", "http://127.0.0.1:1", ""}).empty());
  BOOST_TEST(refusal_of(closed, {"app.example", "https://app.example", ""}).empty());
}

BOOST_AUTO_TEST_CASE(base64_comes_back) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    BOOST_TEST((from_base64(to_base64(bytes)) == bytes));
    bytes += static_cast<char>(i * 7);
  }
  BOOST_TEST(to_base64("Ma") == "TWE=");
  for (const auto bad : {"a", "abc", "ab!=", "====a", "a b="})
    BOOST_TEST(!from_base64(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(letters_count_once) {
  page_mailbox box;
  BOOST_TEST((box.take_letter(2) == page_letter::gap));
  BOOST_TEST((box.take_letter(1) == page_letter::fresh));
  BOOST_TEST((box.take_letter(1) == page_letter::repeated));
  BOOST_TEST((box.take_letter(0) == page_letter::repeated));
  BOOST_TEST((box.take_letter(2) == page_letter::fresh));
}

BOOST_AUTO_TEST_CASE(frames_are_kept_until_they_are_acknowledged) {
  page_mailbox box;
  BOOST_TEST(!box.after(0, 100).has_value());
  for (const auto text : {"a", "bb", "ccc"})
    BOOST_TEST(box.put(bytes_of(text)));
  BOOST_TEST(box.bytes_kept() == 6U);
  BOOST_TEST(box.after(0, 100)->last == 3U);
  BOOST_TEST(box.after(0, 4)->last == 1U); // At least one, however large.
  BOOST_TEST(box.after(1, 100)->frames == std::string("\0\0\0\2bb\0\0\0\3ccc", 13));
  box.acknowledge(2);
  BOOST_TEST(box.bytes_kept() == 3U);
  BOOST_TEST(box.after(0, 100)->frames == std::string("\0\0\0\3ccc", 7));
  box.acknowledge(99);
  BOOST_TEST(!box.after(0, 100).has_value());
  BOOST_TEST(box.put(bytes_of("d")));
  BOOST_TEST(box.after(3, 100)->last == 4U);
  BOOST_TEST(!box.put(bytes_of(std::string(limits::socket_unsent_bytes_max, 'x'))));
}

BOOST_AUTO_TEST_CASE(a_webview_rings_once_until_all_is_pulled) {
  std::size_t rings = 0;
  shared_connection held;
  std::vector<std::string> came;
  const auto page = std::make_shared<webview_page>(webview_loop{[](const std::function<void()>& work) { work(); },
                                                                [&](const std::string&) {
                                                                  ++rings;
                                                                }},
                                                   "session");
  page->start([&](shared_connection opened, const std::string&) {
    held = std::move(opened);
    connection_events events;
    events.on_frame = [&](const shared_bytes& frame) {
      came.push_back(*frame);
    };
    return events;
  });
  std::vector<std::string> answers;
  const auto says = [&](const std::string& message) {
    page->take(message,
               [&](const std::string& text, bool is_error) { answers.push_back((is_error ? "!" : "") + text); });
  };
  says("send 1 " + to_base64(std::string("\0\0\0\1a", 5)));
  BOOST_TEST(answers.empty()); // Nothing is read without credit.
  held->grant(100);
  BOOST_TEST(answers.size() == 1U);
  says("send 1 " + to_base64(std::string("\0\0\0\1a", 5)));
  BOOST_TEST(came.size() == 1U);
  for (const auto bad : {"send 3 ", "send 2 !", "send x", "pull", "pull 0 x", "nonsense", ""}) {
    says(bad);
    BOOST_TEST(answers.back().starts_with("!"), bad);
  }
  for (int i = 0; i < 50; ++i)
    BOOST_TEST(held->send(bytes_of("b")));
  BOOST_TEST(rings == 1U);
  says("pull 0");
  BOOST_TEST(answers.back().starts_with("50 "));
  says("pull 50");
  BOOST_TEST(answers.back() == "50 ");
  BOOST_TEST(held->unsent_bytes() == 0U);
  BOOST_TEST(held->send(bytes_of("c")));
  BOOST_TEST(rings == 2U);
  page->end("gone");
  says("pull 50");
  BOOST_TEST(answers.back().starts_with("!"));
  BOOST_TEST(!held->send(bytes_of("d")));
}

namespace {

/// A WebView whose main loop is the test, and what its pages were told. Connections that end tell of it: they go first.
struct served_view {
  std::vector<std::string> scripts, ended, answers;
  webview_sessions sessions{webview_loop{[](const std::function<void()>& work) { work(); },
                                         [this](const std::string& script) {
                                           scripts.push_back(script);
                                         }},
                            [this](shared_connection opened, const std::string&) {
                              opened->grant(1'000);
                              held.push_back(std::move(opened));
                              connection_events events;
                              events.on_closed = [this](close_reason, const std::string& text) {
                                ended.push_back(text);
                              };
                              return events;
                            }};
  void says(const std::string& message) {
    sessions.take(message,
                  [this](const std::string& text, bool is_error) { answers.push_back((is_error ? "!" : "") + text); });
  }
  std::vector<shared_connection> held;
};

std::string session_named(char digit) {
  return std::string(limits::page_session_digits, digit);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_webview_that_is_waited_for_answers_when_something_comes_and_never_rings) {
  served_view view;
  const auto a = session_named('a');
  view.says(a + " send 1 ");
  view.says(a + " wait 0");
  BOOST_TEST(view.answers == std::vector<std::string>{""}, boost::test_tools::per_element());
  view.held.at(0)->send(bytes_of("b"));
  BOOST_TEST(view.answers.at(1).starts_with("1 "));
  view.held.at(0)->send(bytes_of("c"));
  BOOST_TEST(view.answers.size() == 2U);
  view.says(a + " wait 1");
  BOOST_TEST(view.answers.at(2).starts_with("2 "));
  view.says(a + " wait 2");
  BOOST_TEST(view.held.at(0)->unsent_bytes() == 0U);
  view.says(a + " wait 2");
  BOOST_TEST(view.answers.size() == 3U);
  view.says(a + " wait 2"); // So many questions stay open and no more.
  BOOST_TEST(view.answers.at(3) == "2 ");
  view.sessions.end("gone");
  BOOST_TEST(view.answers.at(4) == "!network: gone");
  BOOST_TEST(view.answers.size() == 6U);
  BOOST_TEST(view.scripts.empty());
}

BOOST_AUTO_TEST_CASE(each_turn_leaves_a_question_open_that_the_next_answer_goes_to) {
  served_view view;
  const auto a = session_named('a');
  const auto letter = to_base64(std::string("\0\0\0\1a", 5));
  view.says(a + " turn 1 0 " + letter); // begins the session
  BOOST_TEST(view.answers.empty());
  BOOST_TEST(view.held.at(0)->send(bytes_of("b")));
  BOOST_TEST(view.answers.at(0).starts_with("1 "));
  BOOST_TEST(view.held.at(0)->send(bytes_of("c"))); // Nothing is open: it waits for the next turn.
  view.says(a + " turn 2 0 " + letter);             // It left before the page had the first answer.
  BOOST_TEST(view.answers.at(1).starts_with("2 "));
  BOOST_TEST(view.answers.at(1).size() == view.answers.at(0).size()); // and no frame comes twice
  view.says(a + " turn 3 2 " + letter);
  BOOST_TEST(view.held.at(0)->unsent_bytes() == 0U);
  view.says(a + " turn 4 2 " + letter);
  view.says(a + " turn 5 2 " + letter);
  BOOST_TEST(view.answers.at(2) == "2 ");
  for (const auto bad : {" turn 6", " turn 6 x ", " turn 6 2 !", " turn 9 2 "}) {
    view.says(a + bad);
    BOOST_TEST(view.answers.back().starts_with("!protocol"), bad);
  }
  BOOST_TEST(view.scripts.empty());
}

BOOST_AUTO_TEST_CASE(letters_wait_for_credit_in_their_order_and_only_so_many) {
  std::vector<std::string> came, answers;
  shared_connection held;
  const auto page = std::make_shared<webview_page>(webview_loop{[](const std::function<void()>& work) { work(); }, {}},
                                                   session_named('a'));
  page->start([&](shared_connection opened, const std::string&) {
    held = std::move(opened);
    connection_events events;
    events.on_frame = [&](const shared_bytes& frame) {
      came.push_back(*frame);
      held->grant(1); // at once, within the delivery
    };
    return events;
  });
  for (std::size_t i = 1; i <= limits::page_letters_max + 1; ++i)
    page->take("turn " + std::to_string(i) + " 0 " +
                   to_base64(std::string("\0\0\0\1", 4) + static_cast<char>('a' + static_cast<int>(i))),
               [&](const std::string& text, bool is_error) { answers.push_back((is_error ? "!" : "") + text); });
  BOOST_TEST(came.empty());
  BOOST_REQUIRE(answers.size() == 1U);
  BOOST_TEST(answers[0].starts_with("!busy"));
  held->grant(1);
  BOOST_TEST(came == (std::vector<std::string>{"b", "c", "d", "e"}), boost::test_tools::per_element());
  page->end("gone");
}

BOOST_AUTO_TEST_CASE(credit_wakes_the_main_loop_only_where_letters_wait_for_it) {
  std::vector<std::function<void()>> posted;
  std::size_t came = 0;
  shared_connection held;
  const auto page = std::make_shared<webview_page>(
      webview_loop{[&](std::function<void()> work) { posted.push_back(std::move(work)); }, {}}, session_named('a'));
  page->start([&](shared_connection opened, const std::string&) {
    held = std::move(opened);
    connection_events events;
    events.on_frame = [&](const shared_bytes&) {
      ++came;
    };
    return events;
  });
  const auto says = [&](const std::string& number) {
    page->take("turn " + number + " 0 " + to_base64(std::string("\0\0\0\1a", 5)), [](const std::string&, bool) {});
  };
  held->grant(1);
  BOOST_TEST(posted.empty());
  says("1");
  BOOST_TEST(came == 1U);
  says("2");
  BOOST_TEST(came == 1U); // The credit is used up.
  held->grant(1);
  held->grant(1);
  BOOST_REQUIRE(posted.size() == 1U);
  posted.front()();
  BOOST_TEST(came == 2U);
  says("3");
  BOOST_TEST(came == 3U);
  page->end("gone");
}

BOOST_AUTO_TEST_CASE(providers_of_one_page_have_sessions_of_their_own) {
  served_view view;
  const auto a = session_named('a');
  const auto b = session_named('b');
  view.says(a + " send 1 ");
  view.says(b + " send 1 ");
  BOOST_TEST(view.held.size() == 2U);
  view.held.at(1)->send(bytes_of("c"));
  BOOST_TEST(view.scripts.at(0) == "window.tandemDoorbell && tandemDoorbell('" + b + "', 1)");
  view.says(b + " pull 0");
  BOOST_TEST(view.answers.back().starts_with("1 "));
  view.says(b + " end");
  BOOST_TEST(view.ended.size() == 1U);
  view.says(b + " pull 0");
  BOOST_TEST(view.answers.back().starts_with("!network"));
  view.says(a + " pull 0");
  BOOST_TEST(view.answers.back() == "0 ");
  for (const auto& bad : {std::string{}, std::string{"send 1 "}, a.substr(1) + " send 1 ", a + "a send 1 ",
                          std::string(limits::page_session_digits, '\'') + " send 1 "}) {
    view.says(bad);
    BOOST_TEST(view.answers.back().starts_with("!protocol"), bad);
  }
}

BOOST_AUTO_TEST_CASE(a_webview_has_so_many_sessions_and_no_more) {
  served_view view;
  for (std::size_t i = 0; i < limits::page_sessions_max; ++i) {
    view.says(std::string(limits::page_session_digits - 2, '0') + std::to_string(10 + i) + " send 1 ");
    BOOST_TEST(view.answers.back().empty());
  }
  view.says(session_named('a') + " send 1 ");
  BOOST_TEST(view.answers.back().starts_with("!limit"));
  view.says(std::string(limits::page_session_digits - 2, '0') + "10 end");
  view.says(session_named('a') + " send 1 ");
  BOOST_TEST(view.answers.back().empty());
}

BOOST_AUTO_TEST_CASE(a_token_in_an_address_is_as_its_file_says) {
  const auto token = [](std::string_view target) {
    return percent_decoded(query_field(target, "token"));
  };
  BOOST_TEST(token("/monitor/?token=a%2Fb%2b%7E%3F&x=%41") == "a/b+~?");
  BOOST_TEST(token("/monitor/?x=1&token=a+b/c==") == "a+b/c==");
  BOOST_TEST(token("/monitor/?token=s%C3%A9cret") == "s\xC3\xA9"
                                                     "cret");
  for (const auto* as_it_is : {"%", "%4", "%4g", "%-1", "%%", "100%"})
    BOOST_TEST(token(std::string{"/?token="} + as_it_is) == as_it_is);
  BOOST_TEST(token("/?token=%00").size() == 1U);
  BOOST_TEST(token("/").empty());
}

BOOST_AUTO_TEST_CASE(letters_are_taken_apart_or_refused) {
  BOOST_TEST(split_frames("")->empty());
  const auto two = split_frames(std::string("\0\0\0\1a\0\0\0\0", 9));
  BOOST_REQUIRE(two->size() == 2U);
  BOOST_TEST(*two->front() == "a");
  for (const auto& bad : {std::string(3, '\0'), std::string("\0\0\0\2a", 5), std::string("\xff\xff\xff\xff", 4)})
    BOOST_TEST(!split_frames(bad).has_value());
}

BOOST_AUTO_TEST_CASE(a_gate_lets_the_shown_page_in_by_the_key_of_its_script) {
  webview_gate gate{"http://127.0.0.1:7420", "tandem"};
  const auto script = gate.script();
  const auto key = script.substr(script.find("key = '") + 7, 32);
  BOOST_TEST(!gate.admit(key + " letter").has_value()); // Nothing is shown yet.
  gate.show("http://127.0.0.1:7420/index.html");
  BOOST_TEST(gate.admit(key + " letter").value() == "letter");
  for (const auto& message : {std::string{"letter"}, std::string{}, key, key + "letter", "x" + key + " letter",
                              std::string(32, '0') + " letter", std::string{" letter"}}) {
    BOOST_TEST(!gate.admit(message).has_value(), message);
  }
  for (const auto address :
       {"http://127.0.0.1:74201/", "http://127.0.0.1:7420.evil.example/", "http://evil.example/", "about:blank", ""}) {
    gate.show(address);
    BOOST_TEST(!gate.admit(key + " letter").has_value(), address);
  }
  gate.show("http://127.0.0.1:7420");
  BOOST_TEST(gate.admit(key + " letter").value() == "letter");
  BOOST_TEST((webview_gate{"http://127.0.0.1:7420", "tandem"}.script() != script));
}

BOOST_AUTO_TEST_SUITE_END()
