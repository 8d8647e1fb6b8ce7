// What the steps of a history do: apps write, people settle, machines crash, links break, clocks jump.
#include <algorithm>

#include "messages/failure.hpp"
#include "messages/frame.hpp"
#include "storage/packing.hpp"
#include "tests/simulation/troupe.hpp"

namespace tandem::simulation {
namespace {

/// Rows that statements of the transaction went over, as our triggers tell: they may have been written anew with the
/// values that they had.
std::set<row_name> rewritten_since(property::app_database& app, std::int64_t pending_id) {
  std::set<row_name> result;
  const auto hints =
      app.query("SELECT tandem_tables.name, tandem_pending.* FROM tandem_pending JOIN tandem_tables ON "
                "tandem_tables.id = tandem_pending.t WHERE (o & 7) NOT IN (3, 4) AND tandem_pending.id > " +
                std::to_string(pending_id));
  for (const auto& hint : hints) {
    constexpr std::size_t first_key = 5; // name, id, t, o, w
    property::row key;
    for (auto place = first_key; place < hint.size(); ++place) {
      key.push_back(hint[place]);
      result.insert({hint[0].bytes, property::encoded(key)}); // keys have as many values as they have
    }
  }
  return result;
}

/// A choice also writes rows that a constraint has set aside, which no app sees.
void add_set_aside(property::app_database& app, image& all) {
  for (const auto& each : app.query("SELECT name, k, vals, t FROM tandem_quarantine JOIN tandem_tables ON id = t")) {
    row_now row{storage::key_to_json(each[1].bytes), {}};
    const auto cells = storage::unpacked_values(each[2].bytes);
    for (std::size_t i = 0; i + 1 < cells.size(); i += 2)
      row.cells[app.text("SELECT name FROM tandem_columns WHERE t = " + std::to_string(each[3].integer) +
                         " AND id = " + std::to_string(cells[i].integer))] = value{cells[i + 1]};
    property::row key;
    for (const auto& part : storage::unpacked_values(each[1].bytes))
      key.emplace_back(part);
    all[{each[0].bytes, property::encoded(key)}] = std::move(row);
  }
}

} // namespace

bool troupe::can_write(std::size_t node) {
  if (stage_->disk_of(node).is_dead())
    return false;
  try {
    // A node that adopts may not have heard of the tables yet.
    if (stage_->app(node).integer("SELECT count(*) FROM sqlite_schema WHERE name = 'sim_seen' OR name = "
                                  "'tandem_pending'") != 2)
      return false;
    if (std::exchange(nodes_[node].must_reckon, false))
      reckon_losses(node);
    return true;
  } catch (const property::sql_error&) {
    return false;
  }
}

void troupe::write(std::size_t node, random_source& random) {
  if (can_write(node))
    commit(node, random, {});
}

/// One transaction of an app: `told`, or random statements. False if nothing was committed.
bool troupe::commit(std::size_t node, random_source& random, const std::string& told) {
  auto& app = stage_->app(node);
  auto& known = nodes_[node];
  std::string text = stage_->name(node) + ": ";
  try {
    if (is_constrained_)
      app.execute(random.chance(70) ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF");
    app.execute(random.chance(50) ? "BEGIN" : "BEGIN IMMEDIATE");
    const auto before = read_image(app, modelled_);
    const auto pending = app.integer("SELECT max(id) FROM tandem_pending");
    if (!told.empty())
      app.execute(told);
    for (auto count = told.empty() ? 1 + random.below(4) : 0; count > 0 && app.in_transaction(); --count) {
      const bool is_nested = random.chance(20);
      if (is_nested)
        app.attempt("SAVEPOINT inner_part");
      text += property::random_statement(app, schema_, values_, random) + "; ";
      if (is_nested && random.chance(50) && app.attempt("ROLLBACK TO inner_part"))
        text += "ROLLBACK TO; ";
      if (is_nested)
        app.attempt("RELEASE inner_part");
    }
    if (random.chance(25)) {
      app.execute("UPDATE sim_pair SET token = " + std::to_string(++token_));
      text += "token " + std::to_string(token_) + "; ";
    }
    const auto writer = writer_of(node);
    app.execute("INSERT INTO sim_seen VALUES ('" + writer + "', 1) ON CONFLICT (writer) DO UPDATE SET n = n + 1");
    const auto seen = read_knowledge(app);
    const auto after = read_image(app, modelled_);
    const auto rewritten = rewritten_since(app, pending);
    const bool goes_back = random.chance(10) && told.empty();
    const bool is_done = app.in_transaction() && app.attempt(goes_back ? "ROLLBACK" : "COMMIT");
    if (!is_done)
      text += "-- " + app.last_error();
    const bool may_be_done = !is_done && stage_->disk_of(node).is_dead() && !goes_back;
    app.attempt("ROLLBACK");
    if ((is_done && !goes_back) || may_be_done) {
      truth_.add(writer, seen, before, after, rewritten);
      text += (is_done ? "commit " : "perhaps commit ") + writer + "/" + std::to_string(seen.at(writer));
      if (is_done)
        known.certain = seen.at(writer);
    } else {
      text += "no commit";
    }
    record_.note(text);
    stage_->ring(node);
    return is_done && !goes_back;
  } catch (const property::sql_error& refused) {
    record_.note(text + "-- " + refused.what());
    app.attempt("ROLLBACK");
    return false;
  }
}

/// A person chooses in a conflict, by the program's command: on a connection of its own.
void troupe::settle(std::size_t node, random_source& random) {
  const auto& known = nodes_[node];
  // The choice and the commit that tells of it are two transactions; nothing may come between.
  if (!can_write(node) || known.is_armed || known.is_full)
    return;
  try {
    auto core = stage_->open(node);
    auto conflicts = core.conflicts();
    // Of rows that belong together none must be settled alone.
    std::erase_if(conflicts, [](const storage::conflict& each) { return each.table.starts_with("sim_"); });
    if (conflicts.empty())
      return;
    const auto& chosen = random.pick(conflicts);
    using kind = storage::resolution::kind;
    static const std::vector<kind> takes{kind::take_current, kind::take_other, kind::undo};
    const storage::resolution choice{chosen.id, random.pick(takes), {}};
    auto& app = stage_->app(node);
    const auto row_here = [&] {
      auto all = read_image(app, modelled_);
      add_set_aside(app, all);
      std::erase_if(all, [&](const auto& each) {
        return each.first.first != chosen.table || each.second.key_json != chosen.key_json;
      });
      return all;
    };
    const auto before = row_here();
    std::string text = stage_->name(node) + ": settles " + chosen.table + " " + chosen.key_json + " " + chosen.column;
    try {
      core.resolve(choice);
    } catch (const messages::failure& refused) {
      record_.note(text + " -- " + refused.what());
      return;
    }
    const auto after = row_here();
    const auto writer = writer_of(node);
    app.execute("INSERT INTO sim_seen VALUES ('" + writer + "', 1) ON CONFLICT (writer) DO UPDATE SET n = n + 1");
    const auto seen = read_knowledge(app);
    std::set<row_name> rewritten;
    for (const auto& [name, row] : after)
      rewritten.insert(name);
    truth_.add(writer, seen, before, after, rewritten);
    nodes_[node].certain = seen.at(writer);
    record_.note(text + " as " + writer + "/" + std::to_string(seen.at(writer)));
    stage_->ring(node);
  } catch (const messages::failure& problem) {
    record_.note(stage_->name(node) + ": can't settle: " + problem.what());
  }
}

void troupe::change_weather(random_source& random) {
  auto& links = stage_->links();
  switch (random.below(6)) {
  case 0:
    record_.note("all links break");
    links.cut();
    break;
  case 1: {
    const auto& host = stage_->name(random.below(stage_->size()));
    record_.note("nobody reaches " + host);
    links.block(host);
    links.cut(host);
    break;
  }
  case 2: {
    const auto& host = stage_->name(random.below(stage_->size()));
    record_.note(host + " is reached again");
    links.unblock(host);
    break;
  }
  case 3: {
    const bridge::loopback_faults bad{
        static_cast<std::uint32_t>(random.below(20'000)), static_cast<std::uint32_t>(random.below(5'000)),
        static_cast<std::uint32_t>(random.below(300'000)), static_cast<std::uint32_t>(10 + random.below(300))};
    record_.note("the links are bad");
    links.set_faults(bad);
    break;
  }
  case 4:
    record_.note("the links are good");
    links.set_faults({});
    stage_->set_pace(1'000);
    break;
  default: {
    const auto pace = 1 + random.below(5);
    record_.note("the links carry " + std::to_string(pace) + " frames each ms");
    stage_->set_pace(pace);
  }
  }
}

void troupe::change_disk(std::size_t node, random_source& random) {
  auto& known = nodes_[node];
  note_fault(node);
  known.is_full = random.chance(50);
  const auto room = random.below(60'000);
  record_.note(stage_->name(node) + (known.is_full ? ": the disk has " + std::to_string(room) + " bytes left"
                                                   : ": the disk has room again"));
  stage_->disk_of(node).limit_bytes(known.is_full ? stage_->disk_of(node).used_bytes() + room : 0);
}

void troupe::change_clock(std::size_t node, random_source& random) {
  static const std::vector<std::int64_t> jumps{
      -1'700'000'000'000, -86'400'000, -120'000, -5'000, 5'000, 50'000, 120'000, 3'600'000};
  if (random.chance(30)) {
    record_.note(stage_->name(node) + ": the clock is set right");
    stage_->set_clock_right(node);
    return;
  }
  const auto by = random.pick(jumps);
  record_.note(stage_->name(node) + ": the clock jumps by " + std::to_string(by) + " ms");
  stage_->set_clock_right(node);
  stage_->move_clock(node, by);
  ahead_ms_ = std::max(ahead_ms_, by);
  has_odd_clocks_ = true;
}

void troupe::crash(std::size_t node, random_source& random) {
  auto& known = nodes_[node];
  if (!stage_->runs(node) || known.is_armed)
    return;
  note_fault(node);
  const auto how = random.chance(50) ? death::power : death::kill;
  if (random.chance(25)) {
    record_.note(stage_->name(node) + " stops");
    stage_->stop(node);
    stage_->close_app(node);
    if (random.chance(70))
      start(node);
    return;
  }
  known.lost_power = how == death::power;
  const std::string what = how == death::power ? "loses power" : "is killed";
  if (random.chance(60)) {
    const auto operations = 1 + random.below(60);
    record_.note(stage_->name(node) + " " + what + " after " + std::to_string(operations) + " writes");
    known.is_armed = true;
    stage_->crash_later(node, operations, how);
    return;
  }
  record_.note(stage_->name(node) + " " + what);
  stage_->crash(node, how);
}

void troupe::fail_actor(std::size_t node, random_source& random) {
  if (!stage_->runs(node))
    return;
  const auto loads = stage_->crew(node).loads();
  if (loads.empty())
    return;
  const auto& who = loads[random.below(loads.size())].where;
  if (who.who == messages::role::supervisor)
    return;
  note_fault(node);
  record_.note(stage_->name(node) + ": the " + who.text() + " fails");
  stage_->crew(node).fail(who);
}

bool troupe::start(std::size_t node) {
  auto& known = nodes_[node];
  if (stage_->runs(node))
    return true;
  const bool was_dead = stage_->disk_of(node).is_dead();
  const bool is_up = stage_->start(node);
  if (was_dead) {
    known.must_reckon = true;
    known.is_armed = false;
  }
  if (!is_up)
    return false;
  record_.note(stage_->name(node) + " starts");
  can_write(node);
  return true;
}

/// After a crash: what SQLite had confirmed must be there, and what is gone must be nowhere else. From then on the
/// node's app writes under another name.
void troupe::reckon_losses(std::size_t node) {
  auto& known = nodes_[node];
  const auto writer = writer_of(node);
  const auto seen = read_knowledge(stage_->app(node));
  const auto found = seen.find(writer);
  const auto last = found == seen.end() ? 0 : found->second;
  const auto certain = std::exchange(known.certain, 0);
  ++known.lives;
  if (last >= truth_.last_of(writer))
    return;
  must(last >= certain || (known.lost_power && !known.app_syncs), stage_->name(node) + " has lost " + writer + "/" +
                                                                      std::to_string(last + 1) +
                                                                      ", which was committed and synced");
  record_.note(stage_->name(node) + " has lost " + writer + "/" + std::to_string(last + 1) + " to " +
               std::to_string(truth_.last_of(writer)));
  truth_.forget(writer, std::max(last, copied_[writer]));
}

void troupe::take_crashes(random_source& random) {
  for (const auto node : stage_->take_deaths()) {
    record_.note(stage_->name(node) + " is down");
    note_fault(node);
    if (random.chance(60))
      start(node);
  }
  for (std::size_t node = 0; node < stage_->size(); ++node) {
    if (!stage_->runs(node) || stage_->crew(node).links().failure().empty())
      continue;
    must(stage_->now_ms() - nodes_[node].last_fault_ms < 120'000 || nodes_[node].is_full,
         stage_->name(node) + " has given up without a fault: " + stage_->crew(node).links().failure());
    record_.note(stage_->name(node) + " has given up: " + stage_->crew(node).links().failure());
    stage_->stop(node);
  }
}

disk_image troupe::copy_of(std::size_t node) {
  for (const auto& [writer, number] : read_knowledge(stage_->app(node)))
    copied_[writer] = std::max(copied_[writer], number);
  return stage_->copy(node);
}

/// A backup is made, or put back. What only this node knew since then is gone, as its user must expect.
void troupe::restore(std::size_t node, random_source& random) {
  auto& known = nodes_[node];
  if (!stage_->runs(node) || known.is_armed || !can_write(node))
    return;
  if (!known.backup || random.chance(40)) {
    record_.note(stage_->name(node) + ": a backup is made");
    known.backup = copy_of(node);
    return;
  }
  for (std::size_t other = 0; other < stage_->size(); ++other)
    if (!can_write(other) || nodes_[other].is_armed)
      return; // somebody's knowledge can't be read now
  note_fault(node);
  record_.note(stage_->name(node) + ": the backup is put back");
  stage_->stop(node);
  stage_->close_app(node);
  stage_->restore(node, *known.backup, random.chance(50));
  has_copies_ = true;
  auto all = copied_;
  for (std::size_t other = 0; other < stage_->size(); ++other)
    for (const auto& [writer, number] : read_knowledge(stage_->app(other)))
      all[writer] = std::max(all[writer], number);
  for (std::size_t other = 0; other < stage_->size(); ++other)
    for (std::uint64_t life = 1; life <= nodes_[other].lives; ++life) {
      const auto writer = stage_->name(other) + "." + std::to_string(life);
      truth_.forget(writer, all.contains(writer) ? all[writer] : 0);
    }
  known.certain = 0;
  ++known.lives;
  stage_->close_app(node);
  start(node);
}

void troupe::clone(std::size_t node, random_source& random) {
  if (stage_->size() >= options_.replicas + 2 || !can_write(node) || nodes_[node].is_armed)
    return;
  node_setup setup;
  setup.name = std::string(1, static_cast<char>('a' + stage_->size()));
  setup.parent = stage_->name(random.below(stage_->size()));
  actor_of_history known;
  known.parent = setup.parent;
  record_.note(setup.name + " is a copy of " + stage_->name(node) + "'s file and calls " + setup.parent);
  stage_->add_copy(std::move(setup), copy_of(node));
  nodes_.push_back(known);
  has_copies_ = true;
  start(stage_->size() - 1);
}

} // namespace tandem::simulation
