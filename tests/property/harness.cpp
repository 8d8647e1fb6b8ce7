#include "tests/property/harness.hpp"

#include <chrono>
#include <filesystem>

#include "messages/failure.hpp"

namespace tandem::property {
namespace {

namespace files = std::filesystem;

constexpr std::size_t rounds_max = 60;
constexpr std::size_t findings_max = 20;
constexpr std::size_t block_bytes = 300; ///< small, so that bundles of a few rows have several blocks

std::int64_t machine_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string joined(const storage::findings& lines) {
  std::string result;
  for (const auto& line : lines)
    result += "\n  " + line;
  return result;
}

std::string columns_sql(const std::vector<std::string>& names) {
  std::string result;
  for (const auto& name : names)
    result += (result.empty() ? "" : ", ") + sql_name(name);
  return result;
}

} // namespace

void must(bool holds, const std::string& what) {
  if (!holds)
    throw violation{what};
}

device::device(std::string name, std::string path, const std::vector<std::string>& schema)
    : name_{std::move(name)}, path_{std::move(path)}, now_ms_{std::make_shared<std::int64_t>(machine_ms())} {
  {
    app_database maker{path_};
    maker.execute("PRAGMA journal_mode = WAL");
    for (const auto& statement : schema)
      maker.execute(statement);
  }
  reopen();
}

void device::reopen() {
  core_.reset();
  app_.reset();
  storage::replica_options options;
  options.now_ms = [now = now_ms_] {
    return *now;
  };
  options.decide = decide_;
  options.busy_wait_ms = 0;
  options.durable = false;
  options.hint_times = false; // they would be the machine's, not ours
  core_.emplace(storage::replica::open(path_, options));
  app_.emplace(path_);
}

void device::decide_by(std::function<storage::callback_answer(const storage::callback_question&)> decide) {
  decide_ = std::move(decide);
  reopen();
}

void device::take_image() {
  for (const auto* suffix : {"", "-wal", "-journal"}) {
    files::remove(path_ + suffix + ".image");
    if (files::exists(path_ + suffix))
      files::copy_file(path_ + suffix, path_ + suffix + ".image");
  }
}

void device::restart_from_image() {
  core_.reset();
  app_.reset();
  files::remove(path_ + "-shm");
  for (const auto* suffix : {"", "-wal", "-journal"}) {
    files::remove(path_ + suffix);
    if (files::exists(path_ + suffix + ".image"))
      files::rename(path_ + suffix + ".image", path_ + suffix);
  }
  reopen();
}

std::vector<link> random_tree(random_source& random, std::size_t devices) {
  std::vector<link> result;
  const auto shape = random.below(3);
  for (std::size_t i = 1; i < devices; ++i)
    result.emplace_back(shape == 0 ? 0 : shape == 1 ? i - 1 : random.below(i), i);
  return result;
}

world::world(std::size_t devices, std::vector<link> links, const std::vector<std::string>& schema,
             const std::vector<std::string>& tables)
    : links_{std::move(links)} {
  for (std::size_t i = 0; i < devices; ++i) {
    const std::string name(1, static_cast<char>('A' + i));
    devices_.push_back(std::make_unique<device>(name, folder_.file(name + ".db"), schema));
    if (!tables.empty())
      at(i).core().track(tables);
  }
}

std::optional<packet> world::bundle(std::size_t from, std::size_t to, bool is_pipelined) {
  auto& sender = at(from).core();
  const auto known = sender.peer(at(to).site());
  std::uint64_t start = known ? known->acked : 0;
  auto& sent = sent_[{from, to}];
  if (is_pipelined)
    start = std::max(start, sent);
  packet result{at(from).site(), sender.schema(), std::nullopt, {}, 0, 0};
  auto reading = sender.extract(at(to).site(), start);
  if (!reading)
    return std::nullopt;
  while (auto block = reading->next_block(block_bytes))
    result.blocks.push_back(std::move(*block));
  result.header = reading->header();
  must(result.header->schema_version == result.schema.version, "a bundle of another schema than the one just told");
  result.ack_epoch = result.header->ack_epoch;
  result.ack = result.header->ack;
  sent = result.header->to;
  return result;
}

bool world::must_wait(std::size_t from, std::size_t to) {
  const auto gets_snapshot = [this](std::size_t one, std::size_t other) {
    const auto known = at(one).core().peer(at(other).site());
    return (known ? known->applied : 0) < at(other).core().log_start();
  };
  return gets_snapshot(from, to) && (from > to || !gets_snapshot(to, from));
}

packet world::acknowledgement(std::size_t from, std::size_t to) {
  const auto known = at(from).core().peer(at(to).site());
  packet result{at(from).site(), {}, std::nullopt, {}, 0, 0};
  if (known) {
    result.ack_epoch = known->epoch;
    result.ack = known->applied;
  }
  return result;
}

delivery world::deliver(std::size_t to, const packet& message, const std::function<void()>& midway) {
  auto& receiver = at(to).core();
  delivery result;
  if (message.ack_epoch == receiver.self().epoch)
    receiver.note_acked(message.from, message.ack_epoch, message.ack);
  if (!message.header)
    return result;
  receiver.bind_peer(message.from, message.schema);
  const auto known = receiver.peer(message.from);
  result.cursor_before = known ? known->applied : 0;
  std::size_t next = 0;
  const auto source = [&]() -> std::optional<std::string_view> {
    if (midway && next > 0)
      midway();
    return next < message.blocks.size() ? std::optional<std::string_view>{message.blocks[next++]} : std::nullopt;
  };
  try {
    result.report = receiver.merge(message.from, *message.header, source);
    result.kind = result.report.is_repeat ? delivery::kind::repeated : delivery::kind::merged;
  } catch (const messages::failure& error) {
    if (error.code() != messages::failure_code::protocol || message.header->start <= result.cursor_before)
      throw;
    result.kind = delivery::kind::gap;
  }
  return result;
}

bool world::exchange(std::size_t from, std::size_t to,
                     const std::function<void(std::size_t, const packet&, const delivery&)>& delivered) {
  if (must_wait(from, to))
    return false; // until the other direction's turn
  const auto message = bundle(from, to);
  must(message.has_value(), "extract found pending writes just after stamping at " + at(from).name());
  const auto known = at(to).core().peer(at(from).site());
  const bool has_news = message->header->to > (known ? known->applied : 0);
  if (!has_news)
    return false;
  const auto result = deliver(to, *message);
  must(result.kind == delivery::kind::merged, "a bundle from the acknowledged cursor was not merged");
  if (delivered)
    delivered(to, *message, result);
  deliver(from, acknowledgement(to, from));
  return true;
}

void world::heal(const std::function<void(std::size_t)>& stamped,
                 const std::function<void(std::size_t, const packet&, const delivery&)>& delivered) {
  for (std::size_t i = 0; i < size(); ++i) {
    at(i).core().stamp_pending();
    if (stamped)
      stamped(i);
  }
  for (std::size_t round = 0; round < rounds_max; ++round) {
    bool has_news = false;
    for (const auto& [left, right] : links_) {
      has_news |= exchange(left, right, delivered);
      has_news |= exchange(right, left, delivered);
    }
    if (!has_news)
      return;
  }
  throw violation{"the replicas still have news for each other after " + std::to_string(rounds_max) + " rounds"};
}

rows read_table(app_database& app, const std::string& table, const std::vector<std::string>& columns,
                const std::vector<std::string>& key) {
  return app.query("SELECT " + columns_sql(columns) + " FROM " + sql_name(table) + " ORDER BY " + columns_sql(key));
}

void must_be_level(world& all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto wrong = all.at(i).core().verify();
    must(wrong.empty(), "verify at " + all.at(i).name() + ":" + joined(wrong));
    if (i == 0)
      continue;
    const auto different = storage::compare(all.at(0).core(), all.at(i).core(), findings_max);
    must(different.empty(), "A and " + all.at(i).name() + " differ:" + joined(different));
    must(all.at(0).core().digest() == all.at(i).core().digest(),
         "compare finds nothing, but the digests of A and " + all.at(i).name() + " differ");
  }
}

} // namespace tandem::property
