// The storage core by itself, beside plain SQLite.
#include <algorithm>
#include <filesystem>
#include <functional>

#include "app_database.hpp"
#include "commands.hpp"
#include "demos/node/validation/carrying.hpp"
#include "messages/catalogue.hpp"
#include "messages/limits.hpp"
#include "storage/compact_pace.hpp"
#include "storage/replica.hpp"

namespace tandem::bench {
namespace {

using node::carried_bundle;
using node::merge_bundle;
using node::take_bundle;

const std::string tables[] = {"tasks"};

struct device {
  explicit device(const std::string& file) : path{file} {
    for (const auto* end : {"", "-wal", "-shm", "-tandem"})
      std::filesystem::remove(path + end);
    app = std::make_unique<app_database>(path);
    app->create_tasks();
  }
  /// `policy`: of the column `priority`; empty: none.
  void track(const std::string& policy = {}) {
    core = std::make_unique<storage::replica>(storage::replica::open(path));
    std::vector<storage::policy> policies;
    if (!policy.empty())
      policies.push_back({"tasks", "priority", policy});
    core->track(tables, policies);
    core->stamp_pending();
  }
  /// So that no measurement pays for the writes before it.
  void settle() { app->execute("PRAGMA wal_checkpoint(TRUNCATE)"); }

  std::string path;
  std::unique_ptr<app_database> app;
  std::unique_ptr<storage::replica> core;
};

void level(device& from, device& to) {
  merge_bundle(*from.core, *to.core, take_bundle(*from.core, *to.core));
}

void upsert_all(app_database& app, const std::vector<task>& rows) {
  const auto upsert = app.prepare(upsert_sql);
  app.execute("BEGIN IMMEDIATE");
  for (const auto& row : rows) {
    bind_task(upsert.get(), row);
    app.run(upsert.get());
  }
  app.execute("COMMIT");
}

void update_all(app_database& app, const std::vector<task>& rows, std::int64_t value) {
  const auto update = app.prepare(update_sql);
  app.execute("BEGIN IMMEDIATE");
  for (const auto& row : rows) {
    bind_text(update.get(), 1, row.id);
    sqlite3_bind_int64(update.get(), 2, value);
    app.run(update.get());
  }
  app.execute("COMMIT");
}

/// One round of a kind of change: seconds of each stage.
struct round_times {
  double plain = 0;
  double stamp = 0;
  double extract = 0;
  double merge = 0;
};

round_times run_round(device& plain, device& sender, device& receiver, const std::vector<task>& rows,
                      const std::function<void(app_database&)>& change) {
  round_times result;
  change(*sender.app);
  for (auto* each : {&plain, &sender, &receiver})
    each->settle();
  result.plain = seconds_of([&] { upsert_all(*plain.app, rows); });
  result.stamp = seconds_of([&] { sender.core->stamp_pending(); });
  carried_bundle taken;
  result.extract = seconds_of([&] { taken = take_bundle(*sender.core, *receiver.core); });
  result.merge = seconds_of([&] { merge_bundle(*sender.core, *receiver.core, taken); });
  return result;
}

json rates(std::uint64_t rows, const std::vector<round_times>& rounds) {
  const auto rate = [&](double round_times::*stage) {
    std::vector<double> all;
    for (const auto& each : rounds)
      all.push_back(static_cast<double>(rows) / (each.*stage));
    return median(all);
  };
  return {{"upsert", rate(&round_times::plain)},
          {"stamp", rate(&round_times::stamp)},
          {"extract", rate(&round_times::extract)},
          {"merge", rate(&round_times::merge)}};
}

/// What a message costs on the wire, sent by a client: 2 to 10 bytes of header, 4 of mask.
std::size_t with_websocket(std::size_t bytes) {
  return bytes + 4 + 2 + (bytes < 126 ? 0 : bytes < 65'536 ? 2 : 8);
}

std::size_t wire_bytes(const carried_bundle& taken) {
  std::size_t total = 0;
  messages::bundle_part part;
  part.number = 1'000;
  part.header = taken.header;
  for (std::size_t at = 0; at < taken.blocks.size(); ++at) {
    part.index = at;
    part.is_last = at + 1 == taken.blocks.size();
    part.block = taken.blocks[at];
    total += with_websocket(messages::encode(part)->size());
  }
  return total;
}

std::vector<task> tasks_to(std::uint64_t count) {
  std::vector<task> rows;
  rows.reserve(count);
  for (std::uint64_t number = 0; number < count; ++number)
    rows.emplace_back(number);
  return rows;
}

} // namespace

json core_rates(const std::string& folder, std::uint64_t count, int repetitions) {
  const auto rows = tasks_to(count);
  std::vector<round_times> inserts;
  std::vector<round_times> updates;
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    device plain{folder + "/plain.db"};
    device sender{folder + "/sender.db"};
    device receiver{folder + "/receiver.db"};
    sender.track();
    receiver.track();
    inserts.push_back(run_round(plain, sender, receiver, rows, [&](app_database& app) { upsert_all(app, rows); }));
    updates.push_back(
        run_round(plain, sender, receiver, rows, [&](app_database& app) { update_all(app, rows, 100 + repetition); }));
  }
  return {{"inserts", rates(count, inserts)}, {"updates", rates(count, updates)}};
}

json sizes(const std::string& folder, std::uint64_t count) {
  const auto rows = tasks_to(count);
  device plain{folder + "/plain.db"};
  device sender{folder + "/sender.db"};
  device receiver{folder + "/receiver.db"};
  sender.track();
  receiver.track();
  const auto per_row = [count](std::int64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(count);
  };
  const auto compact = [&] {
    sender.core->note_acked(receiver.core->self().site, sender.core->self().epoch, sender.core->head());
    while (!sender.core->compact(limits::compact_entries_max).is_done) {
    }
    return sender.app->used_bytes();
  };
  json result;
  upsert_all(*plain.app, rows);
  upsert_all(*sender.app, rows);
  sender.core->stamp_pending();
  auto taken = take_bundle(*sender.core, *receiver.core);
  result["wire_per_insert_bulk"] = per_row(static_cast<std::int64_t>(wire_bytes(taken)));
  merge_bundle(*sender.core, *receiver.core, taken);
  const auto after_inserts = compact();
  result["file_per_insert"] = per_row(after_inserts - plain.app->used_bytes());
  result["plain_file_per_row"] = per_row(plain.app->used_bytes());

  update_all(*sender.app, rows, 100);
  sender.core->stamp_pending();
  taken = take_bundle(*sender.core, *receiver.core);
  result["wire_per_update_bulk"] = per_row(static_cast<std::int64_t>(wire_bytes(taken)));
  merge_bundle(*sender.core, *receiver.core, taken);
  update_all(*plain.app, rows, 100);
  result["file_per_update"] = per_row((compact() - after_inserts));

  const auto update = sender.app->prepare(update_sql);
  bind_text(update.get(), 1, rows[7].id);
  sqlite3_bind_int64(update.get(), 2, 7);
  sender.app->run(update.get());
  sender.core->stamp_pending();
  taken = take_bundle(*sender.core, *receiver.core);
  result["wire_update_alone"] = wire_bytes(taken);
  return result;
}

json upkeep(const std::string& folder, std::uint64_t entries, std::uint64_t rows) {
  json result;
  {
    device sender{folder + "/log.db"};
    sender.track();
    sender.app->insert_tasks(0, entries, 10'000);
    sender.core->stamp_pending();
    sender.settle();
    storage::compact_pace pace;
    std::vector<double> holds_ms;
    result["compact_s"] = seconds_of([&] {
      for (;;) {
        const auto step = sender.core->compact(pace.entries());
        if (step.entries > 0)
          holds_ms.push_back(static_cast<double>(step.cost.hold_us) / 1e3);
        if (step.is_done)
          return;
        pace.learn(step);
      }
    });
    result["compact_hold_ms_max"] = *std::max_element(holds_ms.begin(), holds_ms.end());
    result["compact_hold_ms"] = median(holds_ms);
  }
  device replica{folder + "/ranges.db"};
  replica.track();
  replica.app->insert_tasks(0, rows, 10'000);
  replica.core->stamp_pending();
  result["ranges_s"] = seconds_of([&] { replica.core->ranges("tasks"); });
  result["digest_s"] = seconds_of([&] { replica.core->digest(); });
  return result;
}

namespace {

/// Seconds that a merge takes of which every row is concurrent with a local write.
double concurrent_merge_s(const std::string& folder, const std::vector<task>& rows, const std::string& policy) {
  device hub{folder + "/hub.db"};
  device leaf{folder + "/leaf.db"};
  upsert_all(*hub.app, rows);
  for (auto* each : {&hub, &leaf})
    each->track(policy);
  level(hub, leaf);
  level(leaf, hub);
  update_all(*hub.app, rows, 100);
  update_all(*leaf.app, rows, 200);
  for (auto* each : {&hub, &leaf}) {
    each->core->stamp_pending();
    each->settle();
  }
  const auto taken = take_bundle(*leaf.core, *hub.core);
  return seconds_of([&] { merge_bundle(*leaf.core, *hub.core, taken); });
}

} // namespace

json conflicts(const std::string& folder, std::uint64_t count, std::uint64_t listed, int repetitions) {
  json result;
  const auto rows = tasks_to(count);
  for (const std::string policy : {"lww", "max", "counter"}) {
    std::vector<double> rates;
    for (int repetition = 0; repetition < repetitions; ++repetition)
      rates.push_back(static_cast<double>(count) / concurrent_merge_s(folder, rows, policy));
    result[policy] = median(rates);
  }
  concurrent_merge_s(folder, tasks_to(listed), "ask");
  auto replica = storage::replica::open(folder + "/hub.db");
  std::vector<double> seconds;
  for (int repetition = 0; repetition < repetitions; ++repetition)
    seconds.push_back(seconds_of([&] { result["listed"] = replica.conflicts(true).size(); }));
  result["list_s"] = median(seconds);
  device plain{folder + "/plain.db"};
  result["upsert"] = static_cast<double>(count) / seconds_of([&] { upsert_all(*plain.app, rows); });
  return result;
}

json cost_at(const std::string& folder, std::uint64_t count) {
  constexpr std::uint64_t rounds = 200;
  constexpr std::uint64_t changes = 50;
  device sender{folder + "/sender.db"};
  device receiver{folder + "/receiver.db"};
  sender.track();
  receiver.track();
  sender.app->insert_tasks(0, count, 10'000);
  sender.core->stamp_pending();
  level(sender, receiver);
  std::vector<double> write;
  std::vector<double> stamp;
  std::vector<double> extract;
  std::vector<double> merge;
  const auto update = sender.app->prepare(update_sql);
  const auto per_change_us = [](double seconds) {
    return seconds * 1e6 / static_cast<double>(changes);
  };
  for (std::uint64_t round = 0; round < rounds; ++round) {
    write.push_back(per_change_us(seconds_of([&] {
      sender.app->execute("BEGIN IMMEDIATE");
      for (std::uint64_t change = 0; change < changes; ++change) {
        bind_text(update.get(), 1, task{(round * changes + change) * 7'919 % count}.id);
        sqlite3_bind_int64(update.get(), 2, static_cast<std::int64_t>(100 + round));
        sender.app->run(update.get());
      }
      sender.app->execute("COMMIT");
    })));
    stamp.push_back(per_change_us(seconds_of([&] { sender.core->stamp_pending(); })));
    carried_bundle taken;
    extract.push_back(per_change_us(seconds_of([&] { taken = take_bundle(*sender.core, *receiver.core); })));
    merge.push_back(per_change_us(seconds_of([&] { merge_bundle(*sender.core, *receiver.core, taken); })));
  }
  return {{"write_us", median(write)},
          {"stamp_us", median(stamp)},
          {"extract_us", median(extract)},
          {"merge_us", median(merge)}};
}

} // namespace tandem::bench
