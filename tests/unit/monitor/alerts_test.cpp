#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include <boost/test/unit_test.hpp>

#include "monitor/alerts.hpp"

using namespace tandem;
using namespace tandem::monitor;

namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t begin_us = 1'000 * second_us;

using situation = std::function<void(ledger&, std::int64_t now_us)>;

situation times(metric what, const std::string& label, std::uint64_t ms) {
  return [=](ledger& book, std::int64_t now_us) {
    for (int i = 0; i < 10; ++i)
      book.add(what, label, ms * 1'000, now_us);
  };
}

situation counts(metric what, std::uint64_t count) {
  return [=](ledger& book, std::int64_t now_us) {
    book.add(what, "desk", count, now_us);
  };
}

situation paused(std::uint64_t is_paused) {
  return [=](ledger& book, std::int64_t now_us) {
    book.add(metric::sync_paused, "", is_paused, now_us);
  };
}

situation waits(const std::string& kind, std::uint64_t count) {
  return [=](ledger& book, std::int64_t) {
    messages::database_figures figures;
    if (count > 0)
      figures.waiting = {{"tasks", kind, count}};
    book.note_database(figures);
  };
}

situation in_database(std::uint64_t messages::database_figures::*what, std::uint64_t value) {
  return [=](ledger& book, std::int64_t) {
    messages::database_figures figures;
    figures.*what = value;
    book.note_database(figures);
  };
}

situation process(const std::function<void(process_figures&)>& change) {
  return [=](ledger& book, std::int64_t) {
    process_figures figures;
    figures.open_files_limit = 100;
    figures.disk_bytes = 1'000;
    figures.disk_free_bytes = 500;
    change(figures);
    book.note_process(figures);
  };
}

situation offset(double seconds, const std::string& peer = "desk") {
  return [=](ledger& book, std::int64_t now_us) {
    book.note_link(peer, true, now_us);
    book.add(metric::clock_offset, peer,
             static_cast<std::uint64_t>(messages::clock_offset_zero + static_cast<std::int64_t>(seconds * 1'000)),
             now_us);
  };
}

situation calls(dialing_figures::state now, const std::string& why) {
  return [=](ledger& book, std::int64_t now_us) {
    book.note_dialing(1, {"ws://hub:1/", now, 0, why, {}}, now_us);
  };
}

/// The alert of this rule, and of this key if one is given.
const alert* raised(const std::vector<alert>& all, const std::string& rule, const std::string& key = {}) {
  const auto found = std::ranges::find_if(
      all, [&](const alert& each) { return each.rule == rule && (key.empty() || each.key == key); });
  return found == all.end() ? nullptr : &*found;
}

situation behind(std::uint64_t lag) {
  return [=](ledger& book, std::int64_t now_us) {
    book.note_link("desk", true, begin_us);
    book.add(metric::head_position, "", 1'000'000, now_us);
    book.add(metric::acked_position, "desk", 1'000'000 - lag, now_us);
  };
}

situation mailbox(std::uint64_t items) {
  return [=](ledger& book, std::int64_t) {
    book.clear_mailboxes();
    book.note_mailbox("arbiter", items, 0, items, 0);
  };
}

struct both {
  situation wrong, right;
};

/// What makes each rule speak, and what ends it.
const std::map<std::string, both>& situations() {
  const auto nothing = [](ledger&, std::int64_t) {
  };
  static const std::map<std::string, both> all{
      {"disk_slow", {times(metric::lock_hold_stamp, "", 40), nothing}},
      {"link_slow", {times(metric::station_received, "desk", 60), nothing}},
      {"merge_slow", {times(metric::lock_hold_merge, "", 80), nothing}},
      {"peer_merge_slow", {times(metric::station_merged, "desk", 80), nothing}},
      {"page_slow", {times(metric::station_shown, "", 400), nothing}},
      {"bundling_slow", {times(metric::station_bundled, "desk", 600), nothing}},
      {"lock_contention", {times(metric::lock_wait_stamp, "", 300), nothing}},
      {"merge_waits_for_lock", {times(metric::lock_wait_merge, "", 400), nothing}},
      {"peer_behind", {behind(30'000), behind(100)}},
      {"sync_paused", {paused(1), paused(0)}},
      {"link_down",
       {[](ledger& book, std::int64_t) { book.note_link("desk", false, begin_us); },
        [](ledger& book, std::int64_t now_us) {
          book.note_link("desk", true, now_us);
        }}},
      {"link_flaps", {counts(metric::links_lost, 5), nothing}},
      {"conflicts_wait", {waits("cell", 2), waits("cell", 0)}},
      {"rows_set_aside", {waits("quarantine", 1), waits("quarantine", 0)}},
      {"many_conflicts", {counts(metric::conflicts_cell, 100), nothing}},
      {"changes_refused", {counts(metric::rows_refused, 1), nothing}},
      {"links_refused", {counts(metric::links_refused, 1), nothing}},
      {"clock_off", {offset(-30), offset(0.2)}},
      {"wal_large", {process([](process_figures& f) { f.wal_bytes = 100'000'000; }), process([](process_figures&) {})}},
      {"log_large",
       {in_database(&messages::database_figures::log_entries, 900'000),
        in_database(&messages::database_figures::log_entries, 10)}},
      {"writes_not_stamped",
       {in_database(&messages::database_figures::pending, 90'000),
        in_database(&messages::database_figures::pending, 1)}},
      {"actor_restarted", {counts(metric::actors_restarted, 1), nothing}},
      {"errors_swallowed", {counts(metric::errors_swallowed, 20), nothing}},
      {"peers_not_reached",
       {[](ledger& book, std::int64_t now_us) {
          if (book.dialing().empty())
            calls(dialing_figures::state::calling, "")(book, now_us - 60 * second_us);
        },
        calls(dialing_figures::state::linked, "")}},
      {"mailbox_deep", {mailbox(5'000), mailbox(3)}},
      {"files_run_out", {process([](process_figures& f) { f.open_files = 95; }), process([](process_figures&) {})}},
      {"disk_fills", {process([](process_figures& f) { f.disk_free_bytes = 10; }), process([](process_figures&) {})}},
      {"memory_large",
       {process([](process_figures& f) { f.resident_bytes = 900'000'000; }), process([](process_figures&) {})}},
  };
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(alerts)

BOOST_AUTO_TEST_CASE(every_rule_has_a_situation_that_raises_it_alone_and_one_that_ends_it) {
  BOOST_TEST(all_rules().size() == situations().size());
  for (const auto& rule : all_rules()) {
    const auto& each = situations().at(std::string{rule.name});
    ledger book;
    watchman watch;
    BOOST_TEST(watch.look(book, begin_us).raised.empty());
    auto now_us = begin_us + second_us;
    std::set<std::string> raised;
    for (int look = 0; look < 12; ++look, now_us += second_us) {
      each.wrong(book, now_us);
      for (const auto& news : watch.look(book, now_us).raised) {
        BOOST_TEST(raised.insert(news.rule).second, news.rule << " was raised twice");
        BOOST_TEST(news.evidence.find('{') == std::string::npos, news.evidence);
        BOOST_TEST((!news.cause.empty() && !news.step.empty()));
      }
    }
    BOOST_TEST(raised.size() == 1U, rule.name);
    BOOST_TEST(raised.contains(std::string{rule.name}), rule.name);
    now_us += 120 * second_us;
    each.right(book, now_us);
    const auto after = watch.look(book, now_us);
    BOOST_TEST(after.cleared.size() == 1U, rule.name);
    BOOST_TEST(watch.alerts().empty(), rule.name);
  }
}

BOOST_AUTO_TEST_CASE(between_its_two_limits_a_rule_stays_as_it_is) {
  ledger book;
  watchman watch;
  offset(4)(book, begin_us);
  BOOST_TEST(watch.look(book, begin_us).raised.empty());
  offset(6)(book, begin_us);
  BOOST_TEST(watch.look(book, begin_us).raised.size() == 1U);
  offset(4)(book, begin_us);
  const auto still = watch.look(book, begin_us);
  BOOST_TEST((still.raised.empty() && still.cleared.empty() && watch.alerts().size() == 1U));
  offset(1)(book, begin_us);
  BOOST_TEST(watch.look(book, begin_us).cleared.size() == 1U);
}

BOOST_AUTO_TEST_CASE(one_is_not_told_as_many) {
  ledger book;
  watchman watch;
  book.add(metric::rows_refused, "", 1, begin_us);
  watch.look(book, begin_us);
  BOOST_REQUIRE(watch.alerts().size() == 1U);
  BOOST_TEST(watch.alerts().front().evidence == "1 change was refused in a minute");
  book.add(metric::rows_refused, "", 4, begin_us);
  watch.look(book, begin_us);
  BOOST_TEST(watch.alerts().front().evidence == "5 changes were refused in a minute");
}

BOOST_AUTO_TEST_CASE(a_bundle_that_waits_for_a_peer_is_not_taken_for_a_forgotten_select) {
  ledger book;
  watchman watch;
  const auto wal_alert = [&](std::uint64_t credit_bytes) {
    book.add(metric::credit_bytes, "desk", credit_bytes, begin_us);
    watch.look(book, begin_us);
    return *raised(watch.alerts(), "wal_large");
  };
  process([](process_figures& f) { f.wal_bytes = 100'000'000; })(book, begin_us);
  book.note_link("desk", true, begin_us);
  book.add(metric::credit_items, "desk", 64, begin_us);
  BOOST_TEST(wal_alert(1'000).subject.empty());
  const auto waiting = wal_alert(0);
  BOOST_TEST(waiting.subject == "desk");
  BOOST_TEST(waiting.cause.starts_with("desk takes no more"));
  BOOST_TEST(waiting.step.find("page /monitor of desk") != std::string::npos);
  book.note_link("desk", false, begin_us, true);
  watch.look(book, begin_us);
  BOOST_TEST(raised(watch.alerts(), "wal_large")->subject.empty());
}

BOOST_AUTO_TEST_CASE(much_at_once_is_no_slow_disk) {
  ledger book;
  watchman watch;
  times(metric::lock_hold_stamp, "", 80)(book, begin_us);
  book.add(metric::rows_stamped, "", 100'000, begin_us);
  BOOST_TEST(watch.look(book, begin_us).raised.empty());
}

BOOST_AUTO_TEST_CASE(a_peer_is_missed_until_it_is_back_or_forgotten_and_not_at_all_after_a_goodbye) {
  ledger book;
  watchman watch;
  book.note_link("phone", false, begin_us);
  book.note_link("laptop", false, begin_us, true);
  BOOST_TEST(watch.look(book, begin_us + 60 * second_us).raised.size() == 1U);
  const auto later = watch.look(book, begin_us + 500'000 * second_us);
  BOOST_TEST((later.raised.empty() && later.cleared.empty()));
  book.forget_peer("phone");
  BOOST_TEST(watch.look(book, begin_us + 500'001 * second_us).cleared.size() == 1U);
}

BOOST_AUTO_TEST_CASE(each_peer_has_an_alert_of_its_own) {
  ledger book;
  watchman watch;
  book.note_link("phone", false, begin_us);
  BOOST_TEST(watch.look(book, begin_us + 10 * second_us).raised.size() == 1U);
  book.note_link("desk", false, begin_us + 100 * second_us);
  const auto news = watch.look(book, begin_us + 110 * second_us);
  BOOST_REQUIRE(news.raised.size() == 1U);
  BOOST_TEST(news.raised.front().subject == "desk");
  BOOST_TEST(raised(watch.alerts(), "link_down", "desk")->since_us == begin_us + 110 * second_us);
  BOOST_TEST(raised(watch.alerts(), "link_down", "phone")->since_us == begin_us + 10 * second_us);
  book.note_link("phone", true, begin_us + 120 * second_us);
  const auto after = watch.look(book, begin_us + 120 * second_us);
  BOOST_REQUIRE(after.cleared.size() == 1U);
  BOOST_TEST(after.cleared.front().key == "phone");
}

BOOST_AUTO_TEST_CASE(what_is_raised_again_has_to_hold_again) {
  ledger book;
  watchman watch;
  behind(30'000)(book, begin_us);
  watch.look(book, begin_us);
  BOOST_TEST(watch.look(book, begin_us + 6 * second_us).raised.size() == 1U);
  behind(10)(book, begin_us);
  BOOST_TEST(watch.look(book, begin_us + 7 * second_us).cleared.size() == 1U);
  behind(30'000)(book, begin_us);
  BOOST_TEST(watch.look(book, begin_us + 8 * second_us).raised.empty());
  BOOST_TEST(watch.look(book, begin_us + 14 * second_us).raised.size() == 1U);
}

BOOST_AUTO_TEST_CASE(rows_that_are_set_aside_are_no_conflict_that_waits_for_a_choice) {
  ledger book;
  watchman watch;
  messages::database_figures figures;
  figures.waiting = {{"tasks", "constraint", 2}, {"tasks", "quarantine", 2}};
  book.note_database(figures);
  const auto found = watch.look(book, begin_us).raised;
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found.front().rule == "rows_set_aside");
}

BOOST_AUTO_TEST_CASE(a_peer_that_never_answers_is_told_by_time_and_one_that_refuses_by_its_reason) {
  ledger book;
  watchman watch;
  calls(dialing_figures::state::calling, "")(book, begin_us);
  BOOST_TEST(watch.look(book, begin_us + 30 * second_us).raised.empty());
  calls(dialing_figures::state::calling, "there was no answer within 30000 ms")(book, begin_us + 31 * second_us);
  watch.look(book, begin_us + 61 * second_us);
  const auto all = watch.alerts();
  const auto* silent = raised(all, "peers_not_reached", "ws://hub:1/");
  BOOST_REQUIRE(silent != nullptr);
  BOOST_TEST(silent->cause.find("no answer") != std::string::npos, silent->cause);
  calls(dialing_figures::state::refused, "it refuses the token")(book, begin_us + 70 * second_us);
  watch.look(book, begin_us + 70 * second_us);
  const auto now = watch.alerts();
  BOOST_TEST(raised(now, "peers_not_reached") == nullptr);
  const auto* refused = raised(now, "links_refused", "ws://hub:1/");
  BOOST_REQUIRE(refused != nullptr);
  BOOST_TEST(
      (refused->cause.find("token") != std::string::npos && refused->step.find("--token-file") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(a_hub_that_is_missed_already_is_not_called_in_vain_besides) {
  ledger book;
  watchman watch;
  book.note_dialing(1, {"ws://hub:1/", dialing_figures::state::linked, 0, {}, "hub"}, begin_us);
  book.note_link("hub", true, begin_us);
  book.note_link("hub", false, begin_us + second_us);
  calls(dialing_figures::state::calling, "refused")(book, begin_us + second_us);
  watch.look(book, begin_us + 100 * second_us);
  BOOST_REQUIRE(watch.alerts().size() == 1U);
  BOOST_TEST(watch.alerts().front().rule == "link_down");
}

BOOST_AUTO_TEST_CASE(the_clock_that_differs_from_all_others_is_the_wrong_one) {
  ledger book;
  watchman watch;
  offset(30)(book, begin_us);
  offset(0.1, "phone")(book, begin_us);
  watch.look(book, begin_us);
  const auto theirs = watch.alerts();
  BOOST_REQUIRE(raised(theirs, "clock_off", "desk") != nullptr);
  BOOST_TEST(raised(theirs, "clock_off", "desk")->cause.find("of desk is wrong") != std::string::npos);
  offset(30, "phone")(book, begin_us);
  watch.look(book, begin_us);
  const auto ours = watch.alerts();
  BOOST_REQUIRE(raised(ours, "clock_off", "phone") != nullptr);
  BOOST_TEST(raised(ours, "clock_off", "phone")->cause.find("of this device is wrong") != std::string::npos);
  book.note_link("desk", false, begin_us, true); // Gone, it says nothing of clocks any more.
  watch.look(book, begin_us);
  BOOST_TEST(raised(watch.alerts(), "clock_off", "desk") == nullptr);
}

BOOST_AUTO_TEST_CASE(no_name_of_a_stranger_makes_a_line_of_its_own) {
  ledger book;
  watchman watch;
  book.note_link("phone\n2026 error \x1b[31m\xc2\x9b", false, begin_us);
  const auto found = watch.look(book, begin_us + 10 * second_us).raised;
  BOOST_REQUIRE(found.size() == 1U);
  for (const auto& text : {found[0].subject, found[0].evidence, found[0].cause, found[0].step})
    BOOST_TEST(text.find_first_of("\n\x1b\x9b") == std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(what_passes_quickly_is_no_news) {
  ledger book;
  watchman watch;
  behind(30'000)(book, begin_us);
  BOOST_TEST(watch.look(book, begin_us).raised.empty());
  behind(10)(book, begin_us);
  BOOST_TEST(watch.look(book, begin_us + 3 * second_us).raised.empty());
  behind(30'000)(book, begin_us);
  BOOST_TEST(watch.look(book, begin_us + 6 * second_us).raised.empty());
  BOOST_TEST(watch.look(book, begin_us + 12 * second_us).raised.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
