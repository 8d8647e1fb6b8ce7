// What a host sees, C++ and C: choices, their user, the callback and the limits of the audit trail.
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <tandem/page.hpp>
#include <tandem/runtime.hpp>
#include <tandem/tandem.h>
#include <thread>
#include <utility>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

using nlohmann::json;

namespace {

/// The app's own connection. Nothing here links what is behind the shared library.
class plain_database {
public:
  explicit plain_database(const std::string& path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK)
      throw std::runtime_error{"can't open " + path};
    sqlite3_busy_timeout(handle_, 10'000);
  }
  ~plain_database() { sqlite3_close(handle_); }
  plain_database(const plain_database&) = delete;
  plain_database& operator=(const plain_database&) = delete;

  /// The first column of the last row as text; empty if there is none.
  std::string ask(const std::string& sql) {
    std::string result;
    const auto take = [](void* into, int columns, char** values, char**) {
      if (columns > 0 && values[0])
        *static_cast<std::string*>(into) = values[0];
      return 0;
    };
    if (sqlite3_exec(handle_, sql.c_str(), take, &result, nullptr) != SQLITE_OK)
      throw std::runtime_error{sqlite3_errmsg(handle_)};
    return result;
  }
  void run(const std::string& sql) { ask(sql); }

private:
  sqlite3* handle_ = nullptr;
};

/// Removed with all that is in it.
class test_folder {
public:
  test_folder() {
    auto name = (std::filesystem::temp_directory_path() / "tandem-test-XXXXXX").string();
    if (!::mkdtemp(name.data()))
      throw std::runtime_error{"no temporary folder"};
    path_ = name;
  }
  ~test_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  test_folder(const test_folder&) = delete;
  test_folder& operator=(const test_folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

constexpr std::int64_t patience_ms = 60'000;

std::string joined(const tandem::question& asked) {
  return json(json::parse(asked.earlier).get<std::string>() + " + " + json::parse(asked.later).get<std::string>())
      .dump();
}

/// Two runtimes in one process, and a conflict between them.
struct two_runtimes {
  two_runtimes() {
    plain_database{hub_path}.run("CREATE TABLE lists(id INTEGER PRIMARY KEY, words TEXT, title TEXT)");
    tandem::options options;
    options.path = hub_path;
    options.listen = "127.0.0.1:0";
    options.user = "Hugo";
    options.durable = false;
    hub = std::make_unique<tandem::runtime>(options);
    hub->on_conflict(joined);
    hub->track({"lists"});
    plain_database{hub_path}.run("INSERT INTO tandem_policies(tbl, col, policy) VALUES ('lists', 'words', 'callback')");
    plain_database{hub_path}.run("INSERT INTO lists VALUES (1, 'milk', 'old')");
    hub->start();
    options.path = leaf_path;
    options.listen.clear();
    options.peers = {hub->url()};
    options.create = true;
    options.user = "Ann";
    leaf = std::make_unique<tandem::runtime>(options);
    leaf->on_conflict(joined);
    level();
    plain_database{hub_path}.run("UPDATE lists SET words = 'bread', title = 'hub'");
    plain_database{leaf_path}.run("UPDATE lists SET words = 'eggs', title = 'leaf'");
    level();
  }
  /// The leaf is linked only meanwhile.
  void level() const {
    leaf->start();
    BOOST_REQUIRE(leaf->wait_until_level(patience_ms));
    leaf->stop();
  }
  json conflict(const std::string& column) const {
    for (const auto& each : json::parse(leaf->conflicts_json()))
      if (each["column"] == column)
        return each;
    BOOST_FAIL("no conflict of " << column);
    return {};
  }

  test_folder folder;
  std::string hub_path = folder.file("hub.db");
  std::string leaf_path = folder.file("leaf.db");
  std::unique_ptr<tandem::runtime> hub, leaf;
};

std::string failure_of(int code, char*& error) {
  BOOST_TEST(code != 0);
  BOOST_REQUIRE(error != nullptr);
  const std::unique_ptr<char, decltype(&tandem_free)> owned{std::exchange(error, nullptr), &tandem_free};
  return owned.get();
}

void wait_for(const char* what, const std::function<bool()>& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{patience_ms};
  while (!is_so()) {
    BOOST_REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, "waited in vain for " << what);
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
}

constexpr const char* no_session_yet = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa pull 0";
/// The frame `open` with its length before it, as in tests/unit/messages/golden/page_open.hex.
constexpr const char* opening_letter = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa send 1 "
                                       "AAAANJcgAQEB2SBhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYaZzZWNyZXSlbm90ZXM=";

/// What came last on one of the runtime's threads.
class last_text {
public:
  void put(const std::string& text) {
    const std::lock_guard lock{mutex_};
    text_ = text;
    has_come_ = true;
    came_.notify_all();
  }
  std::string take() {
    std::unique_lock lock{mutex_};
    BOOST_REQUIRE(came_.wait_for(lock, std::chrono::milliseconds{patience_ms}, [this] { return has_come_; }));
    has_come_ = false;
    return text_;
  }

private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::string text_;
  bool has_come_ = false;
};

/// A runtime that tracks the app's notes and is not started yet.
struct tracking_runtime {
  tracking_runtime() {
    plain_database{path}.run("CREATE TABLE notes(id INTEGER PRIMARY KEY, text)");
    tandem::options options;
    options.path = path;
    options.durable = false;
    sync = std::make_unique<tandem::runtime>(options);
    sync->track({"notes"});
  }
  test_folder folder;
  std::string path = folder.file("notes.db");
  last_text heard; // outlives the runtime, which writes to it
  std::unique_ptr<tandem::runtime> sync;
};

/// One that runs, and what the page of its WebView would see.
struct running_runtime : tracking_runtime {
  running_runtime() { sync->start(); }
  last_text script, reply;
};

/// The same by the C face.
struct tracking_in_c {
  tracking_in_c() {
    plain_database{path}.run("CREATE TABLE notes(id INTEGER PRIMARY KEY, text)");
    tandem_options options{};
    options.size = sizeof options;
    options.path = path.c_str();
    BOOST_REQUIRE(tandem_open(&options, &sync, nullptr) == 0);
    const char* const tables[] = {"notes"};
    BOOST_REQUIRE(tandem_track(sync, tables, 1, nullptr) == 0);
  }
  ~tracking_in_c() { tandem_close(sync); }
  tracking_in_c(const tracking_in_c&) = delete;
  tracking_in_c& operator=(const tracking_in_c&) = delete;
  test_folder folder;
  std::string path = folder.file("notes.db");
  last_text heard;
  tandem_runtime* sync = nullptr;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_page_of_any_web_view_is_served, running_runtime) {
  tandem::page page{*sync, [this](const std::string& text) {
                      script.put(text);
                    }};
  const std::string session(32, 'a');
  const auto ask = [&](const std::string& message) {
    page.take(message,
              [this](const std::string& text, bool is_error) { reply.put((is_error ? "error " : "") + text); });
    return reply.take();
  };
  BOOST_TEST(ask(no_session_yet).find("error network: there is no such session") == 0U);
  BOOST_TEST(ask("nonsense").find("error ") == 0U);
  BOOST_TEST(ask(opening_letter) == "");
  BOOST_TEST(script.take() == "window.tandemDoorbell && tandemDoorbell('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1)");
  BOOST_TEST(ask(session + " wait 0").size() > std::string{"1 "}.size());
  BOOST_TEST(ask(session + " pull 1") == "1 ");
  page.reset();
  BOOST_TEST(ask(session + " pull 1").find("error network: there is no such session") == 0U);
  BOOST_TEST(ask(opening_letter) == "");
}

BOOST_FIXTURE_TEST_CASE(a_page_needs_a_runtime_that_runs, running_runtime) {
  sync->stop();
  BOOST_CHECK_THROW((tandem::page{*sync,
                                  [](const std::string&) {
                                  }}),
                    tandem::error);
}

BOOST_FIXTURE_TEST_CASE(the_host_hears_what_the_monitor_warns_of_and_when_it_is_over, tracking_runtime) {
  sync->on_alert([this](const tandem::alert& alert) {
    if (alert.rule != "sync_paused") // A disk may be full here.
      return;
    const auto is_whole = !alert.severity.empty() && !alert.evidence.empty() && !alert.cause.empty();
    heard.put(alert.rule + (alert.is_over ? " is over" : is_whole && !alert.step.empty() ? " with what to do" : ""));
  });
  sync->start();
  sync->pause();
  BOOST_TEST(heard.take() == "sync_paused with what to do");
  sync->resume();
  BOOST_TEST(heard.take() == "sync_paused is over");
}

BOOST_FIXTURE_TEST_CASE(the_host_hears_that_it_uses_much_memory_itself, tracking_runtime) {
  sync->on_alert([this](const tandem::alert& alert) {
    if (alert.rule == "memory_large")
      heard.put(alert.is_over ? "over" : alert.evidence);
  });
  sync->start();
  constexpr std::size_t bytes = 600'000'000;
  void* pictures = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  BOOST_REQUIRE(pictures != MAP_FAILED);
  {
    const std::jthread looking{[&](const std::stop_token& told) { // Else a machine short of memory takes it out again.
      while (!told.stop_requested()) {
        std::memset(pictures, 1, bytes);
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
      }
    }};
    BOOST_TEST(heard.take().starts_with("this process uses "));
  }
  ::munmap(pictures, bytes);
  BOOST_TEST(heard.take() == "over");
}

BOOST_FIXTURE_TEST_CASE(c_hears_it_too, tracking_in_c) {
  tandem_on_alert(
      sync,
      [](void* context, const char* text) {
        if (json::parse(text)["rule"] == "sync_paused")
          static_cast<last_text*>(context)->put(text);
      },
      &heard);
  BOOST_REQUIRE(tandem_start(sync, nullptr) == 0);
  BOOST_REQUIRE(tandem_pause(sync, nullptr) == 0);
  const auto news = json::parse(heard.take());
  BOOST_TEST(news["rule"] == "sync_paused");
  BOOST_TEST(news["over"] == false);
  BOOST_TEST(news["step"] != "");
}

BOOST_FIXTURE_TEST_CASE(c_serves_pages_too, tracking_in_c) {
  struct view {
    last_text script, reply;
  } seen;
  const auto evaluate = [](void* context, const char* script) {
    static_cast<view*>(context)->script.put(script);
  };
  const auto answer = [](void* context, void* request, const char* text, int is_error) {
    static_cast<view*>(context)->reply.put(std::string{static_cast<const char*>(request)} + (is_error ? "!" : "=") +
                                           text);
  };
  tandem_page* page = nullptr;
  char* error = nullptr;
  BOOST_TEST(failure_of(tandem_page_open(sync, evaluate, answer, &seen, &page, &error), error).find("start it first") !=
             std::string::npos);
  BOOST_REQUIRE(tandem_start(sync, nullptr) == 0);
  BOOST_REQUIRE(tandem_page_open(sync, evaluate, answer, &seen, &page, nullptr) == 0);
  char first[] = "first";
  tandem_page_take(page, opening_letter, first);
  BOOST_TEST(seen.reply.take() == "first=");
  BOOST_TEST(seen.script.take() == "window.tandemDoorbell && tandemDoorbell('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1)");
  char second[] = "second";
  tandem_page_reset(page);
  tandem_page_take(page, no_session_yet, second);
  BOOST_TEST(seen.reply.take().find("second!network") == 0U);
  tandem_page_close(page);
}

BOOST_FIXTURE_TEST_CASE(the_host_is_asked_and_its_answer_stands_unless_it_was_late, two_runtimes) {
  level(); // What one side's host alone has answered in time comes to the other.
  const auto found = conflict("words");
  const auto rule = found["rule"].get<std::string>();
  BOOST_TEST_MESSAGE(rule);
  const auto here = plain_database{leaf_path}.ask("SELECT words FROM lists");
  BOOST_TEST(here == plain_database{hub_path}.ask("SELECT words FROM lists"));
  // A machine that is very busy may be too late for both sides.
  if (rule == "callback")
    BOOST_TEST(here.find(" + ") != std::string::npos, here);
  else
    BOOST_TEST(rule.rfind("callback: ", 0) == 0U, rule);
}

BOOST_FIXTURE_TEST_CASE(c_is_asked_too, two_runtimes) {
  leaf.reset();
  plain_database{hub_path}.run("UPDATE lists SET words = 'salt'");
  plain_database{leaf_path}.run("UPDATE lists SET words = 'sugar'");
  last_text asked;
  const auto url = hub->url();
  const char* const peers[] = {url.c_str()};
  tandem_options options{};
  options.size = sizeof options;
  options.path = leaf_path.c_str();
  options.peers = peers;
  options.peer_count = 1;
  tandem_runtime* sync = nullptr;
  BOOST_REQUIRE(tandem_open(&options, &sync, nullptr) == 0);
  tandem_on_conflict(
      sync,
      [](void* context, const char* question) {
        static_cast<last_text*>(context)->put(question);
        return static_cast<char*>(nullptr);
      },
      &asked);
  BOOST_REQUIRE(tandem_start(sync, nullptr) == 0);
  const auto question = json::parse(asked.take());
  tandem_close(sync);
  BOOST_TEST(question["table"] == "lists");
  BOOST_TEST(question["column"] == "words");
  const std::set<std::string> both{question["earlier"].get<std::string>(), question["later"].get<std::string>()};
  BOOST_TEST((both == std::set<std::string>{"salt", "sugar"}), question.dump());
}

BOOST_FIXTURE_TEST_CASE(a_runtime_tells_what_it_measures_while_it_runs, two_runtimes) {
  BOOST_TEST(json::parse(hub->monitor_json()).contains("waterfall"));
  BOOST_TEST(hub->metrics_text().find("# TYPE tandem_build_info gauge\n") != std::string::npos);
  hub->stop();
  BOOST_TEST(hub->monitor_json() == "{}");
  BOOST_TEST(hub->metrics_text().empty());
}

BOOST_FIXTURE_TEST_CASE(sync_pauses_and_goes_on, two_runtimes) {
  BOOST_CHECK_THROW(leaf->pause(), tandem::error); // it does not run
  leaf->start();
  BOOST_REQUIRE(leaf->wait_until_level(patience_ms));
  leaf->pause();
  wait_for("the pause", [this] {
    const auto now = leaf->current_state();
    return now.is_paused && now.links.size() == 1 && now.links[0].state == "paused";
  });
  BOOST_TEST(json::parse(leaf->status_json())["paused"] == true);
  plain_database{hub_path}.run("UPDATE lists SET title = 'while it was paused'");
  wait_for("the hub to have nobody left", [this] { return hub->current_state().links.empty(); });
  leaf->resume();
  BOOST_REQUIRE(leaf->wait_until_level(patience_ms));
  BOOST_TEST(plain_database{leaf_path}.ask("SELECT title FROM lists") == "while it was paused");
  const auto now = leaf->current_state();
  BOOST_TEST(!now.is_paused);
  BOOST_REQUIRE(now.links.size() == 1); // and nothing is left of what the pause told of it
  BOOST_TEST(now.links[0].state == "linked");
}

BOOST_FIXTURE_TEST_CASE(tables_have_priorities_that_stay, two_runtimes) {
  BOOST_CHECK_THROW(leaf->prioritize("nowhere", "critical"), tandem::error);
  BOOST_CHECK_THROW(leaf->prioritize("lists", "urgent"), tandem::error);
  leaf->prioritize("lists", "critical");
  BOOST_TEST(json::parse(leaf->status_json())["priorities"]["lists"] == "critical");
  BOOST_TEST(json::parse(hub->status_json())["priorities"].empty()); // each has its own
}

BOOST_FIXTURE_TEST_CASE(choices_carry_the_user_and_are_made_once, two_runtimes) {
  const auto id = conflict("title")["id"].get<std::string>();
  leaf->resolve(id, tandem::choice::value, "\"both\"");
  BOOST_TEST(plain_database{leaf_path}.ask("SELECT title FROM lists") == "both");
  BOOST_CHECK_THROW(leaf->resolve(id, tandem::choice::other), tandem::error);
  level();
  BOOST_TEST(plain_database{hub_path}.ask("SELECT title FROM lists") == "both");
  BOOST_CHECK_THROW(hub->resolve(id, tandem::choice::fields, "{}"), tandem::error);
  hub->resolve(id, tandem::choice::undo);
  plain_database{hub_path}.run("UPDATE lists SET title = 'since'");
  BOOST_CHECK_THROW(hub->resolve(id, tandem::choice::undo), tandem::error);
  hub->resolve(id, tandem::choice::undo, {}, true);
  BOOST_TEST(plain_database{hub_path}.ask("SELECT title FROM lists") == "both");
  level();
  const auto settled = conflict("title");
  BOOST_TEST(settled["state"] == "resolved");
  BOOST_REQUIRE(settled["settlements"].size() == 3U);
  BOOST_TEST(settled["settlements"][0]["user"] == "Ann");
  BOOST_TEST(settled["settlements"][2]["user"] == "Hugo");
  BOOST_CHECK_THROW(hub->resolve(std::string(5'000, 'x'), tandem::choice::undo), tandem::error);
}

BOOST_FIXTURE_TEST_CASE(c_has_the_same, two_runtimes) {
  tandem_options options{};
  options.size = sizeof options;
  options.path = leaf_path.c_str();
  options.user = "Cleo";
  options.audit_keep_days = 30;
  options.audit_keep_count = 1;
  tandem_runtime* sync = nullptr;
  BOOST_REQUIRE(tandem_open(&options, &sync, nullptr) == 0);
  const auto id = conflict("title")["id"].get<std::string>();
  char* error = nullptr;
  BOOST_TEST(failure_of(tandem_resolve(sync, id.c_str(), 6, nullptr, &error), error).find("no such way") !=
             std::string::npos);
  BOOST_TEST(failure_of(tandem_resolve(sync, id.c_str(), TANDEM_TAKE_FIELDS, "{}", &error), error).find("whole rows") !=
             std::string::npos);
  BOOST_TEST(tandem_resolve(sync, id.c_str(), TANDEM_TAKE_OTHER, nullptr, nullptr) == 0);
  BOOST_TEST(failure_of(tandem_resolve(sync, id.c_str(), TANDEM_TAKE_CURRENT, nullptr, &error), error)
                 .find("settled already, by Cleo") != std::string::npos);
  BOOST_TEST(tandem_resolve(sync, id.c_str(), TANDEM_TAKE_CURRENT | TANDEM_FORCE, nullptr, nullptr) == 0);
  BOOST_TEST(conflict("title")["settled_who"] == "Cleo");
  BOOST_TEST(failure_of(tandem_pause(sync, &error), error).find("start it first") != std::string::npos);
  BOOST_TEST(failure_of(tandem_prioritize(sync, "lists", "soon", &error), error).find("no priority") !=
             std::string::npos);
  BOOST_TEST(tandem_prioritize(sync, "lists", "background", nullptr) == 0);
  BOOST_TEST(tandem_start(sync, nullptr) == 0);
  BOOST_TEST(tandem_pause(sync, nullptr) == 0);
  BOOST_TEST(tandem_resume(sync, nullptr) == 0);
  tandem_close(sync);
  plain_database kept{leaf_path};
  BOOST_TEST(kept.ask("SELECT value FROM tandem_meta WHERE name = 'audit_keep_count'") == "1");
  BOOST_TEST(kept.ask("SELECT value FROM tandem_meta WHERE name = 'audit_keep_ms'") == "2592000000");
}
