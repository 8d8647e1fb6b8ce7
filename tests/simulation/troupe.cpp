#include "tests/simulation/troupe.hpp"

#include "messages/failure.hpp"

namespace tandem::simulation {
namespace {

property::table_spec pairs() {
  property::table_spec result;
  result.name = "sim_pair";
  result.columns.push_back({"id", property::column_kind::integer, true, false, false, "INTEGER PRIMARY KEY", -1, ""});
  result.columns.push_back({"token", property::column_kind::any, false, false, false, "", -1, ""});
  result.has_key_at_end = false;
  return result;
}

} // namespace

void must(bool holds, const std::string& what) {
  if (!holds)
    throw violation{what};
}

troupe::troupe(const history_options& options, chronicle& record)
    : options_{options}, record_{record}, random_{options.seed}, stage_{std::make_unique<stage>(options.seed, record,
                                                                                                options.planted)} {
  invent_schema();
  raise_nodes();
}

void troupe::invent_schema() {
  is_constrained_ = random_.chance(40) && options_.with_constraints;
  schema_ = is_constrained_ ? property::constrained_schema(random_) : property::free_schema(random_);
  modelled_ = schema_;
  modelled_.tables.push_back(pairs());
  for (const auto& sql : modelled_.sql())
    record_.note("schema: " + sql);
}

void troupe::raise_nodes() {
  auto sql = modelled_.sql();
  sql.emplace_back("CREATE TABLE sim_seen(writer TEXT PRIMARY KEY NOT NULL, n INTEGER)");
  auto tables = modelled_.names();
  tables.emplace_back("sim_seen");
  const auto shape = random_.below(3);
  for (std::size_t i = 0; i < options_.replicas; ++i) {
    node_setup setup;
    setup.name = std::string(1, static_cast<char>('a' + i));
    if (i > 0)
      setup.parent = stage_->name(shape == 0 ? 0 : shape == 1 ? i - 1 : random_.below(i));
    if (i == 0 || random_.chance(70)) {
      setup.schema = sql;
      setup.tables = tables;
    }
    setup.app_syncs = random_.chance(60);
    setup.checkpoint_pages = random_.chance(50) ? static_cast<int>(5 + random_.below(40)) : 0;
    actor_of_history known;
    known.parent = setup.parent;
    known.app_syncs = setup.app_syncs;
    nodes_.push_back(known);
    record_.note(setup.name + (setup.parent.empty() ? " is the root" : " calls " + setup.parent) +
                 (setup.schema.empty() ? ", adopts" : "") + (setup.app_syncs ? "" : ", its app does not sync"));
    const bool adopts = setup.schema.empty();
    stage_->add(std::move(setup));
    must(start(i), "a new node does not start");
    // A copied file may hold a count that is not stamped yet. It must not set back what its first owner counted since.
    if (!adopts)
      stage_->app(i).execute("INSERT INTO tandem_policies(tbl, col, policy) VALUES ('sim_seen', 'n', 'max')");
  }
  random_source first{1};
  commit(0, first, "INSERT INTO sim_pair VALUES (1, 'start'), (2, 'start'), (3, 'start')");
  stage_->on_job([this](std::uint64_t chance) {
    if (chance % 16 == 0)
      check_reading((chance >> 8) % stage_->size());
  });
  stage_->pass(random_.below(2) ? 300 : 3);
}

std::string troupe::writer_of(std::size_t node) const {
  return stage_->name(node) + "." + std::to_string(nodes_[node].lives);
}

void troupe::take(const step& each) {
  random_source random{each.salt};
  const auto node = each.where % stage_->size();
  const auto kind = each.kind % 100;
  ++steps_;
  if (kind < 56)
    write(node, random);
  else if (kind < 62)
    stage_->pass(static_cast<std::int64_t>(random.below(random.chance(20) ? 3'000 : 60)));
  else if (kind < 68)
    change_weather(random);
  else if (kind < 72)
    settle(node, random);
  else if (kind < 80)
    crash(node, random);
  else if (kind < 84)
    change_disk(node, random);
  else if (kind < 87 && options_.with_clocks)
    change_clock(node, random);
  else if (kind >= 87 && kind < 89)
    fail_actor(node, random);
  else if (kind < 91 && options_.with_copies)
    restore(node, random);
  else if (kind < 92 && options_.with_copies)
    clone(node, random);
  else if (!stage_->runs(node))
    start(node);
  else
    stage_->ring(node);
  stage_->pass(static_cast<std::int64_t>(random.below(4)));
  take_crashes(random);
  if (steps_ % 20 == 0)
    check_model((static_cast<std::size_t>(steps_) / 20) % stage_->size());
}

outcome run_history(const history_options& options, const std::vector<step>& steps) {
  chronicle record;
  outcome result;
  try {
    troupe all{options, record};
    const auto finish = [&] {
      result.commits = all.commits();
      result.frames = all.frames();
      result.virtual_ms = all.now_ms();
    };
    try {
      for (const auto& each : steps)
        all.take(each);
      all.heal_and_check();
    } catch (...) {
      finish();
      result.kind = all.kind();
      throw;
    }
    finish();
  } catch (const std::exception& problem) {
    result.is_sound = false;
    result.trouble = problem.what() + result.kind;
  }
  result.hash = record.hash();
  result.record.assign(record.lines().begin(), record.lines().end());
  return result;
}

} // namespace tandem::simulation
