#include "tests/property/history.hpp"

#include <deque>
#include <ostream>

#include "messages/failure.hpp"

namespace tandem::property {
namespace {

constexpr std::size_t pair_rows = 3;
constexpr std::size_t record_lines_max = 400;
constexpr std::int64_t retention_ms = 3'600'000;

// No random statement knows this table: its rows are only ever written together.
schema_spec with_pairs(schema_spec schema) {
  table_spec pairs;
  pairs.name = "together";
  pairs.columns.push_back({"id", column_kind::integer, true, false, false, "INTEGER PRIMARY KEY", -1, ""});
  pairs.columns.push_back({"token", column_kind::any, false, false, false, "", -1, ""});
  pairs.has_key_at_end = false;
  schema.tables.push_back(std::move(pairs));
  return schema;
}

struct crash {};

class history {
public:
  history(std::uint64_t seed, const history_options& options)
      : options_{options}, random_{seed}, schema_{options.schema == schema_kind::free ? free_schema(random_)
                                                                                      : constrained_schema(random_)},
        modelled_{with_pairs(schema_)}, world_{make_world()}, truth_{*world_, modelled_},
        queues_(2 * world_->links().size()) {
    record("schema: " + all_sql());
    for (const auto& [left, right] : world_->links())
      record("link " + world_->at(left).name() + "-" + world_->at(right).name());
    world_->at(0).app().execute("INSERT INTO together VALUES (1, 'start'), (2, 'start'), (3, 'start')");
    stamp_at(0);
  }

  void run(const std::vector<step>& steps) {
    for (const auto& each : steps)
      take(each);
    for (auto& queue : queues_)
      queue.clear();
    record("heal");
    world_->forget_sent();
    for (std::size_t i = 0; i < world_->size(); ++i)
      stamp_at(i);
    world_->heal({}, [&](std::size_t at, const packet& message, const delivery& result) {
      note_delivery(at, message, result, head_before_heal(at, result));
    });
    must_be_level(*world_);
    check_pairs_everywhere();
    if (is_modelled())
      truth_.check();
    else
      check_values();
  }

  [[nodiscard]] std::string text() const {
    std::string result;
    for (const auto& line : record_)
      result += "\n    " + line;
    return result;
  }

private:
  [[nodiscard]] bool is_modelled() const { return options_.schema == schema_kind::free; }

  std::string all_sql() const {
    std::string result;
    for (const auto& each : schema_.sql())
      result += each + "; ";
    return result;
  }

  std::unique_ptr<world> make_world() {
    const auto devices = 2 + random_.below(options_.devices_max - 1);
    return std::make_unique<world>(devices, random_tree(random_, devices), modelled_.sql(), modelled_.names());
  }

  void record(std::string line) {
    record_.push_back(std::move(line));
    if (record_.size() > record_lines_max)
      record_.pop_front();
  }

  void stamp_at(std::size_t at) {
    auto& core = world_->at(at).core();
    const auto head = core.head();
    core.stamp_pending();
    must(!core.has_pending(), "writes are pending after stamp_pending");
    if (is_modelled())
      truth_.stamped(at, head);
    heads_[at] = core.head();
  }

  std::uint64_t head_before_heal(std::size_t at, const delivery& result) {
    const auto before = heads_[at];
    heads_[at] = result.report.head;
    return before;
  }

  void note_delivery(std::size_t at, const packet& message, const delivery& result, std::uint64_t head_before) {
    check_pairs(at);
    if (is_modelled())
      truth_.delivered(at, message, result, head_before);
    heads_[at] = world_->at(at).core().head();
  }

  // Three rows that are only ever written together must read alike at every moment.
  void check_pairs(std::size_t at) {
    const auto tokens = world_->at(at).app().query("SELECT token FROM together");
    must(tokens.empty() || tokens.size() == pair_rows,
         "a part of a transaction is visible at " + world_->at(at).name());
    for (const auto& each : tokens)
      must(encoded(each) == encoded(tokens.front()), "rows of one transaction differ at " + world_->at(at).name());
  }

  void check_pairs_everywhere() {
    for (std::size_t i = 0; i < world_->size(); ++i)
      check_pairs(i);
  }

  // Where constraints may set rows aside, equality of all replicas was checked; here that the app sees a sound
  // database.
  void check_values() {
    for (std::size_t i = 0; i < world_->size(); ++i) {
      auto& app = world_->at(i).app();
      must(app.text("PRAGMA integrity_check") == "ok", "integrity_check at " + world_->at(i).name());
    }
  }

  void write(std::size_t at, random_source& random) {
    auto& one = world_->at(at);
    if (options_.with_foreign_keys)
      one.app().execute(random.chance(70) ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF");
    if (random.chance(20)) {
      one.app().execute("BEGIN");
      const auto text = random_statement(one.app(), schema_, values_, random);
      const auto token = of_integer(++token_);
      const bool is_open = one.app().in_transaction();
      one.app().attempt("UPDATE together SET token = ?", {token});
      one.app().attempt(is_open ? "COMMIT" : "SELECT 1");
      one.app().attempt("ROLLBACK");
      record(one.name() + ": BEGIN; " + text + "; UPDATE together SET token = " + std::to_string(token_) + "; COMMIT");
    } else {
      record(one.name() + ": " + random_transaction(one.app(), schema_, values_, random));
    }
  }

  // True if what is forgotten now has been acknowledged by all who could ask for it.
  bool is_known_by_all(std::size_t at) {
    auto& core = world_->at(at).core();
    for (const auto& [left, right] : world_->links())
      if ((left == at || right == at) && !core.peer(world_->at(left == at ? right : left).site()))
        return world_->at(at).app().query("SELECT 1 FROM tandem_dead LIMIT 1").empty();
    return true;
  }

  // At any moment, and whatever the peers that are away still lack: they get a snapshot then. The ground truth knows
  // of no deletion that somebody forgot before all had heard of it, so histories with it forget only what all know.
  void compact(std::size_t at, random_source& random) {
    auto& one = world_->at(at);
    stamp_at(at);
    const auto before = one.core().digest();
    if (is_modelled() && !is_known_by_all(at))
      return;
    one.core().set_retention(!is_modelled() && random.chance(50) ? 1'000 : retention_ms);
    const auto done = one.core().compact(1 + random.below(20));
    must(one.core().digest() == before, "compaction changed the digest at " + one.name());
    record(one.name() + ": compacts " + std::to_string(done.entries) + " entries, " + std::to_string(done.tombstones) +
           " tombstones");
    // Whoever lacks what is gone now was away: nothing of theirs is under way, and they wait for a snapshot first.
    const auto lacks = [start = one.core().log_start()](const packet& each) {
      return each.header && !each.header->is_snapshot && each.header->ack < start;
    };
    for (std::size_t direction = 0; direction < queues_.size(); ++direction)
      if (ends(direction).second == at && std::erase_if(queues_[direction], lacks) > 0)
        record(described(direction) + " breaks off");
  }

  void crash_at(std::size_t at) {
    auto& one = world_->at(at);
    one.take_image();
    one.restart_from_image();
    record(one.name() + ": SIGKILL, and back");
  }

  void send(std::size_t direction, random_source& random) {
    const auto [from, to] = ends(direction);
    if (random.chance(20)) {
      queues_[direction].push_back(world_->acknowledgement(from, to));
      return;
    }
    if (world_->must_wait(from, to))
      return;
    const bool is_pipelined = random.chance(30);
    auto message = world_->bundle(from, to, is_pipelined);
    if (!message) {
      record(world_->at(from).name() + ": stamps, since writes are pending");
      stamp_at(from);
      message = world_->bundle(from, to, is_pipelined);
      must(message.has_value(), "extract finds pending writes just after stamping");
    }
    record(described(direction) + " sends " + std::to_string(message->header->start) + ".." +
           std::to_string(message->header->to) + ", ack " + std::to_string(message->header->ack));
    queues_[direction].push_back(std::move(*message));
  }

  void receive(std::size_t direction, random_source& random) {
    auto& queue = queues_[direction];
    if (queue.empty())
      return;
    const auto index = random.chance(30) ? random.below(queue.size()) : 0;
    const packet message = queue[index];
    if (!random.chance(20))
      queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(index));
    if (random.chance(15)) {
      record(described(direction) + " loses a message");
      return;
    }
    const auto at = ends(direction).second;
    // The model wants to know what the device itself wrote before the merge does its own stamping.
    stamp_at(at);
    if (options_.with_crashes && random.chance(10) && message.header)
      deliver_and_crash(direction, message);
    else
      deliver(direction, message);
  }

  void deliver(std::size_t direction, const packet& message) {
    const auto at = ends(direction).second;
    const auto head = world_->at(at).core().head();
    record(described(direction) + " delivers " + shown_header(message));
    const auto result = world_->deliver(at, message, [&] { check_pairs(at); });
    if (message.header)
      note_delivery(at, message, result, head);
    if (result.kind == delivery::kind::gap)
      world_->forget_sent();
  }

  void deliver_and_crash(std::size_t direction, const packet& message) {
    const auto at = ends(direction).second;
    auto& one = world_->at(at);
    std::optional<delivery> result;
    const auto head = one.core().head();
    try {
      result = world_->deliver(at, message, [&] {
        one.take_image();
        throw crash{};
      });
    } catch (const crash&) {
      record(described(direction) + " delivers " + shown_header(message) + " and the receiver is killed midway");
      one.restart_from_image();
      return;
    }
    record(described(direction) + " delivers " + shown_header(message));
    note_delivery(at, message, *result, head); // it was too short, or nothing new
  }

  void take(const step& each) {
    random_source random{each.salt};
    const auto device_index = each.where % world_->size();
    const auto direction = each.where % queues_.size();
    auto& one = world_->at(device_index);
    const auto kind = each.kind % 100;
    if (kind < 30)
      write(device_index, random);
    else if (kind < 40)
      stamp_at(device_index);
    else if (kind < 65)
      send(direction, random);
    else if (kind < 90)
      receive(direction, random);
    else if (kind < 94)
      one.move_clock(static_cast<std::int64_t>(random.below(20'000)) - 10'000);
    else if (kind < 97)
      compact(device_index, random);
    else if (options_.with_crashes)
      crash_at(device_index);
  }

  [[nodiscard]] link ends(std::size_t direction) const {
    const auto [left, right] = world_->links()[direction / 2];
    return direction % 2 ? link{right, left} : link{left, right};
  }
  [[nodiscard]] std::string described(std::size_t direction) const {
    const auto [from, to] = ends(direction);
    return world_->at(from).name() + "->" + world_->at(to).name();
  }
  static std::string shown_header(const packet& message) {
    return message.header ? std::to_string(message.header->start) + ".." + std::to_string(message.header->to) +
                                ", ack " + std::to_string(message.header->ack)
                          : "ack " + std::to_string(message.ack);
  }

  history_options options_;
  random_source random_;
  schema_spec schema_;
  schema_spec modelled_; ///< what the ground truth knows of
  std::unique_ptr<world> world_;
  ground_truth truth_;
  std::vector<std::vector<packet>> queues_;
  std::map<std::size_t, std::uint64_t> heads_;
  value_source values_;
  std::int64_t token_ = 0;
  std::deque<std::string> record_;
};

} // namespace

std::ostream& operator<<(std::ostream& out, const step& each) {
  return out << "{" << +each.kind << ", " << +each.where << ", " << each.salt << "}";
}

std::vector<step> random_steps(std::uint64_t seed, std::size_t count) {
  random_source random{seed ^ 0x7461'6e64'656dULL};
  std::vector<step> result(count);
  for (auto& each : result)
    each = {static_cast<std::uint8_t>(random.below(100)), static_cast<std::uint8_t>(random.below(256)),
            static_cast<std::uint32_t>(random.bits())};
  return result;
}

void run_history(std::uint64_t seed, const std::vector<step>& steps, const history_options& options) {
  history all{seed, options};
  try {
    all.run(steps);
  } catch (const std::exception& error) {
    throw violation{error.what() + std::string{"\n  what happened:"} + all.text()};
  }
}

} // namespace tandem::property
