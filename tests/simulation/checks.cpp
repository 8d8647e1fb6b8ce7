// What must hold: at every read, now and then, and when all has come to rest.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "messages/failure.hpp"
#include "messages/limits.hpp"
#include "storage/packing.hpp"
#include "tests/simulation/troupe.hpp"

namespace tandem::simulation {
namespace {

constexpr std::size_t pair_rows = 3;
constexpr std::size_t told_max = 8;
constexpr std::int64_t look_ms = 100;
constexpr std::int64_t quiet_ms = 1'500; // longer than any pacing, shorter than a second retry
constexpr std::int64_t rest_ms_max = 600'000;

std::string listed(const std::vector<std::string>& lines) {
  std::string result;
  for (std::size_t i = 0; i < std::min(lines.size(), told_max); ++i)
    result += "\n  " + lines[i];
  if (lines.size() > told_max)
    result += "\n  and " + std::to_string(lines.size() - told_max) + " more";
  return result;
}

std::vector<std::string> texts_of(const std::vector<storage::quarantined_row>& rows) {
  std::vector<std::string> result;
  for (const auto& each : rows)
    result.push_back(each.table + " " + each.key_json + " " + each.values_json);
  std::ranges::sort(result);
  return result;
}

} // namespace

/// Rows that are only ever written together must read alike at every moment.
void troupe::check_reading(std::size_t node) {
  if (!can_write(node))
    return;
  const auto tokens = stage_->app(node).query("SELECT token FROM sim_pair");
  must(tokens.empty() || tokens.size() == pair_rows, "a part of a transaction is visible at " + stage_->name(node));
  for (const auto& each : tokens)
    must(property::encoded(each) == property::encoded(tokens.front()),
         "rows of one transaction differ at " + stage_->name(node));
}

standing troupe::standing_of(std::size_t node) {
  auto& app = stage_->app(node);
  auto core = stage_->open(node);
  app.execute("BEGIN");
  standing result{read_image(app, modelled_), read_knowledge(app), core.conflicts(), core.quarantine(),
                  app.integer("SELECT count(*) FROM tandem_pending") > 0};
  app.execute("COMMIT");
  return result;
}

void troupe::check_model(std::size_t node) {
  if (!can_write(node) || !stage_->runs(node))
    return;
  check_reading(node);
  const auto now = standing_of(node);
  for (const auto& [writer, number] : now.seen)
    must(number <= truth_.last_of(writer), stage_->name(node) + " has " + writer + "/" + std::to_string(number) +
                                               ", which its writer has not: it was sent before it was durable");
  const auto wrong = truth_.check(
      now, {is_constrained_, has_copies_, options_.is_strict && !has_odd_clocks_ && !has_copies_ && !is_constrained_});
  if (wrong.empty())
    return;
  std::vector<std::string> texts;
  for (const auto& each : wrong)
    texts.push_back(each.table + " " + each.key_json + ": " + each.text);
  tell_of_row(wrong.front().table, wrong.front().key_json);
  must(false, "at " + stage_->name(node) + ":" + listed(texts));
}

/// For the reader of a failed history: what each node knows of the row.
void troupe::tell_of_row(const std::string& table, const std::string& key_json) {
  record_.note("what is known of " + table + " " + key_json + ":");
  for (std::size_t node = 0; node < stage_->size(); ++node)
    try {
      auto core = stage_->open(node);
      const auto row = core.why(table, key_json);
      std::string text = stage_->name(node) + " (" + core.self().site.to_short() + "): " + row.state;
      for (const auto& each : row.cells)
        text += "; " + (each.column.empty() ? "life" : each.column) + " by " + each.written.site.to_short() + " at " +
                std::to_string(messages::ms_of_hlc(each.written.hlc)) + "+" +
                std::to_string(each.written.hlc & 0xffff) + ", pos " + std::to_string(each.pos) + " via " + each.via;
      record_.note(text);
      std::string seen = "  has";
      for (const auto& [writer, number] : read_knowledge(stage_->app(node)))
        seen += " " + writer + "/" + std::to_string(number);
      record_.note(seen);
      for (const auto& each : core.conflicts())
        if (each.table == table && each.key_json == key_json)
          record_.note("  conflict " + each.id.substr(0, 8) + " " + each.column + " " + each.rule + " " + each.state +
                       ": " + each.current_json + " stands, not " + each.other_json);
    } catch (const messages::failure& problem) {
      record_.note(stage_->name(node) + ": " + problem.what());
    }
}

/// What is known of rows that only one of two replicas has set aside.
void troupe::tell_of_different(const std::vector<storage::quarantined_row>& left,
                               const std::vector<storage::quarantined_row>& right) {
  std::map<std::pair<std::string, std::string>, int> sides;
  for (const auto& each : left)
    sides[{each.table, each.key_json}] |= 1;
  for (const auto& each : right)
    sides[{each.table, each.key_json}] |= 2;
  for (const auto& [row, where] : sides)
    if (where != 3)
      tell_of_row(row.first, row.second);
}

bool troupe::all_linked() {
  for (std::size_t node = 0; node < stage_->size(); ++node) {
    if (!stage_->runs(node))
      return false;
    if (nodes_[node].parent.empty())
      continue;
    const auto links = stage_->crew(node).links().links();
    const auto url = "ws://" + nodes_[node].parent + ":1/";
    if (std::ranges::none_of(links, [&url](const actors::link_info& each) {
          return each.peer_name == url && each.now == messages::link_phase::phase::linked;
        }))
      return false;
  }
  return true;
}

void troupe::come_to_rest() {
  std::int64_t quiet = 0;
  auto frames = stage_->links().frames_delivered();
  const auto end = stage_->now_ms() + rest_ms_max;
  while (quiet < quiet_ms) {
    must(stage_->now_ms() < end, [&] {
      std::string text = "the nodes do not come to rest:";
      for (std::size_t node = 0; node < stage_->size(); ++node)
        if (stage_->runs(node))
          for (const auto& each : stage_->crew(node).links().links())
            text += "\n  " + stage_->name(node) + " and " + each.peer_name + ": phase " +
                    std::to_string(static_cast<int>(each.now)) + " " + each.text;
      return text;
    }());
    stage_->pass(look_ms);
    for (std::size_t node = 0; node < stage_->size(); ++node)
      if (stage_->runs(node) && !stage_->crew(node).links().failure().empty()) {
        record_.note(stage_->name(node) + " has given up: " + stage_->crew(node).links().failure());
        stage_->stop(node);
      }
    for (std::size_t node = 0; node < stage_->size(); ++node)
      start(node);
    const bool is_quiet = all_linked() && stage_->links().frames_delivered() == frames;
    frames = stage_->links().frames_delivered();
    quiet = is_quiet ? quiet + look_ms : 0;
  }
}

void troupe::heal_and_check() {
  record_.note("all is mended");
  auto& links = stage_->links();
  links.set_faults({});
  stage_->set_pace(1'000);
  for (std::size_t node = 0; node < stage_->size(); ++node) {
    links.unblock(stage_->name(node));
    auto& known = nodes_[node];
    known.is_full = false;
    stage_->disk_of(node).limit_bytes(0);
    if (known.is_armed && stage_->runs(node))
      stage_->crash(node, known.lost_power ? death::power : death::kill);
    stage_->set_clock_right(node);
  }
  if (ahead_ms_ > 0) {
    // What was stamped by a clock that was ahead is taken once that time has come. Nobody is to stamp meanwhile by the
    // time of a hub that was ahead.
    for (std::size_t node = 0; node < stage_->size(); ++node)
      stage_->stop(node);
    stage_->sleep_all(ahead_ms_);
  }
  stage_->take_deaths();
  for (std::size_t node = 0; node < stage_->size(); ++node)
    must(start(node), stage_->name(node) + " does not start though nothing is broken");
  come_to_rest();
  check_rest();
}

/// A row that is set aside comes back by itself as soon as it fits.
void troupe::check_aside(std::size_t node, const std::vector<storage::quarantined_row>& aside) {
  auto& app = stage_->app(node);
  const auto orphans = [&app] { // a deferred key is not checked by the statement
    return app.query("PRAGMA foreign_key_check").size();
  };
  app.execute("PRAGMA foreign_keys = ON");
  for (const auto& each : aside) {
    const auto values = nlohmann::json::parse(each.values_json, nullptr, false);
    if (!values.is_object())
      continue; // holds text that is no UTF-8
    std::string columns;
    std::string places;
    property::row row;
    for (const auto& [column, held] : values.items()) {
      columns += (row.empty() ? "" : ", ") + property::sql_name(column);
      places += row.empty() ? "?" : ", ?";
      row.push_back(storage::value_from_json(held.dump()));
    }
    app.execute("BEGIN");
    const auto before = orphans();
    const bool fits =
        app.attempt("INSERT INTO " + property::sql_name(each.table) + "(" + columns + ") VALUES (" + places + ")",
                    row) &&
        orphans() <= before;
    app.execute("ROLLBACK");
    must(!fits, each.table + " " + each.key_json + " is set aside at " + stage_->name(node) +
                    ", though it fits; it says: " + each.reason);
  }
  app.execute("PRAGMA foreign_keys = OFF");
}

void troupe::check_rest() {
  check_mailboxes(true);
  std::string digest;
  std::vector<std::string> aside;
  for (std::size_t node = 0; node < stage_->size(); ++node) {
    const auto& name = stage_->name(node);
    must(can_write(node), name + " lacks the tables");
    auto core = stage_->open(node);
    const auto wrong = core.verify();
    must(wrong.empty(), "verify at " + name + ":" + listed(wrong));
    must(!core.has_pending(), name + " has writes that nobody stamps");
    check_model(node);
    check_aside(node, core.quarantine());
    const auto here = core.digest();
    const auto aside_here = texts_of(core.quarantine());
    record_.mix(here);
    if (node == 0) {
      digest = here;
      aside = aside_here;
      continue;
    }
    if (here != digest) {
      auto first = stage_->open(0);
      const auto different = storage::compare(first, core, told_max);
      must(false, stage_->name(0) + " and " + name + " differ:" + listed(different));
    }
    if (aside != aside_here) {
      auto first = stage_->open(0);
      tell_of_different(first.quarantine(), core.quarantine());
    }
    must(aside == aside_here, "quarantine at " + stage_->name(0) + ":" + listed(aside) + "\nquarantine at " + name +
                                  ":" + listed(aside_here));
  }
}

void troupe::check_mailboxes(bool must_be_empty) {
  constexpr auto items_max = 4 * limits::link_window_items;
  constexpr auto bytes_max = 2 * (limits::link_window_bytes + limits::frame_bytes_max);
  for (std::size_t node = 0; node < stage_->size(); ++node)
    for (const auto& load : stage_->crew(node).loads()) {
      const auto where = stage_->name(node) + "'s " + load.where.text();
      must(load.items_peak <= items_max && load.bytes_peak <= bytes_max,
           where + " had " + std::to_string(load.items_peak) + " messages of " + std::to_string(load.bytes_peak) +
               " bytes in its mailbox");
      must(!must_be_empty || load.items == 0, where + " is stuck: it has unread messages though all is at rest");
    }
}

} // namespace tandem::simulation
