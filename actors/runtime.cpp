#include <algorithm>
#include <charconv>
#include <mutex>
#include <tandem/runtime.hpp>
#include <utility>

#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include "actors/node.hpp"
#include "actors/page_face.hpp"
#include "actors/runtime_json.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"
#include "storage/packing.hpp"
#include "storage/replica.hpp"

namespace tandem {
namespace {

using messages::failure;
using messages::failure_code;

/// Runs `work`; nothing but tandem::error leaves the public interface.
template <class Work>
auto translated(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const failure& problem) {
    throw error{std::string{messages::name_of(problem.code())}, problem.what()};
  } catch (const std::exception& problem) {
    throw error{"defect", std::string{"Tandem failed unexpectedly: "} + problem.what() + "; please report it"};
  }
}

bridge::listen_options listen_options_of(const std::string& where) {
  const auto colon = where.rfind(':');
  bridge::listen_options result;
  result.host = where.substr(0, colon);
  const auto port = colon == std::string::npos ? std::string{} : where.substr(colon + 1);
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), result.port);
  if (port.empty() || result.host.empty() || problem != std::errc{} || end != port.data() + port.size())
    throw failure{failure_code::usage, "'" + where + "' is no address to listen on; give HOST:PORT, as in 127.0.0.1:0"};
  return result;
}

storage::callback_answer answer_of(const std::function<std::string(const question&)>& decide,
                                   const storage::callback_question& about) {
  const auto given = decide({about.table, about.column, about.key_json, storage::value_to_json(about.earlier.view()),
                             storage::value_to_json(about.later.view())});
  if (given.empty())
    return {};
  if (!nlohmann::json::accept(given))
    return {{}, "answered with something that is no JSON"};
  return {storage::value_from_json(given), {}};
}

storage::replica_options replica_options_of(const options& given) {
  storage::replica_options result;
  result.durable = given.durable;
  if (given.create)
    result.mode = storage::open_mode::create;
  return result;
}

} // namespace

struct runtime::implementation {
  explicit implementation(options what) : given{std::move(what)} {}

  options given;
  std::function<void(const change&)> changed;
  std::function<void(const state&)> state_changed;
  std::function<void(const alert&)> warned;
  std::function<std::string(const question&)> decide;
  std::mutex attached_mutex;
  std::vector<sqlite3*> attached;
  // Last, so that its threads end before what they use.
  std::unique_ptr<actors::node> node;

  actors::node& running() const {
    if (!node)
      throw failure{failure_code::usage, "this runtime does not run; start it first"};
    return *node;
  }
  storage::replica open() const { return storage::replica::open(given.path, replica_options_of(given)); }
  actors::node_options node_options();
  state current() const;
  void start();
  void detach(sqlite3* connection);
};

actors::node_options runtime::implementation::node_options() {
  actors::node_options result;
  result.path = given.path;
  result.may_create = given.create;
  if (!given.listen.empty())
    result.listen = listen_options_of(given.listen);
  result.peers = given.peers;
  result.token = given.token;
  result.name = given.name;
  result.durable = given.durable;
  result.user = given.user;
  result.measures = given.measures;
  if (given.batch_window_ms >= 0)
    result.batch_window_ms = std::min(given.batch_window_ms, limits::batch_window_ms_max);
  if (given.audit_keep_days >= 0)
    result.audit_keep_ms = std::min(given.audit_keep_days, limits::audit_keep_days_max) * limits::day_ms;
  if (given.audit_keep_count >= 0)
    result.audit_keep_count = static_cast<std::uint64_t>(given.audit_keep_count);
  if (decide)
    result.decide = [asked = decide](const storage::callback_question& about) {
      return answer_of(asked, about);
    };
  if (changed)
    result.events.on_data = [this](const messages::data_changed& news) {
      changed({news.is_remote, news.rows, news.conflicts, news.tables});
    };
  if (warned)
    result.events.on_alert = [this](const messages::alert_news& news) {
      warned({news.is_over, news.rule, news.severity, news.subject, news.value, news.evidence, news.cause, news.step});
    };
  if (state_changed)
    result.events.on_links = [this] {
      state_changed(current());
    };
  return result;
}

state runtime::implementation::current() const {
  state result;
  if (!node)
    return result;
  result.trouble = node->trouble();
  result.is_paused = node->is_paused();
  for (const auto& each : node->links())
    result.links.push_back(actors::as_link(each));
  return result;
}

void runtime::implementation::start() {
  if (node)
    throw failure{failure_code::usage, "this runtime was started already; stop it first"};
  node = std::make_unique<actors::node>(node_options());
  try {
    node->start();
  } catch (...) {
    node.reset();
    throw;
  }
}

void runtime::implementation::detach(sqlite3* connection) {
  sqlite3_commit_hook(connection, nullptr, nullptr);
  const std::lock_guard lock{attached_mutex};
  attached.erase(std::remove(attached.begin(), attached.end(), connection), attached.end());
}

runtime::runtime(options options) : implementation_{std::make_unique<implementation>(std::move(options))} {}
runtime::~runtime() = default;
runtime::runtime(runtime&&) noexcept = default;
runtime& runtime::operator=(runtime&&) noexcept = default;

void runtime::start() {
  translated([this] { implementation_->start(); });
}

void runtime::stop() {
  translated([this] {
    if (implementation_->node)
      implementation_->node->stop();
    implementation_->node.reset();
  });
}

void runtime::track(const std::vector<std::string>& tables) {
  translated([&] { implementation_->open().track(tables); });
}

void runtime::prioritize(const std::string& table, const std::string& priority) {
  translated([&] { implementation_->open().set_priority(table, actors::checked_priority(priority)); });
}

void runtime::hint() {
  if (implementation_->node)
    implementation_->node->hint();
}

void runtime::pause() {
  translated([&] { implementation_->running().pause(true); });
}

void runtime::resume() {
  translated([&] { implementation_->running().pause(false); });
}

void runtime::attach(sqlite3* connection) {
  translated([&] {
    if (!connection)
      throw failure{failure_code::usage, "there is no connection to attach to"};
    // The hook comes just before the commit counts; the observer looks again in time.
    const auto hook = [](void* context) {
      const auto& self = *static_cast<implementation*>(context);
      if (self.node)
        self.node->hint();
      return 0;
    };
    sqlite3_commit_hook(connection, hook, implementation_.get());
    const std::lock_guard lock{implementation_->attached_mutex};
    implementation_->attached.push_back(connection);
  });
}

void runtime::detach(sqlite3* connection) {
  translated([&] { implementation_->detach(connection); });
}

void runtime::on_change(std::function<void(const change&)> callback) {
  implementation_->changed = std::move(callback);
}

void runtime::on_state(std::function<void(const state&)> callback) {
  implementation_->state_changed = std::move(callback);
}

void runtime::on_alert(std::function<void(const alert&)> callback) {
  implementation_->warned = std::move(callback);
}

void runtime::on_conflict(std::function<std::string(const question&)> callback) {
  implementation_->decide = std::move(callback);
}

std::string runtime::url() const {
  return implementation_->node ? implementation_->node->url() : std::string{};
}

state runtime::current_state() const {
  return translated([this] { return implementation_->current(); });
}

std::string runtime::status_json() const {
  return translated([this] {
    auto result = actors::as_json(implementation_->open().status());
    result.update(actors::as_json(implementation_->current()));
    return actors::text_of(result);
  });
}

std::string runtime::monitor_json() const {
  return translated(
      [this] { return implementation_->node ? implementation_->node->monitor_json() : std::string{"{}"}; });
}

std::string runtime::metrics_text() const {
  return translated([this] { return implementation_->node ? implementation_->node->metrics_text() : std::string{}; });
}

std::string runtime::conflicts_json(bool open_only) const {
  return translated([&] {
    auto result = nlohmann::json::array();
    for (const auto& each : implementation_->open().conflicts(open_only))
      result.push_back(actors::as_json(each));
    return actors::text_of(result);
  });
}

void runtime::resolve(const std::string& conflict_id, choice take, const std::string& value_json, bool force) {
  translated([&] {
    using kind = storage::resolution::kind;
    constexpr kind kinds[] = {kind::take_current, kind::take_other,  kind::take_value,
                              kind::undo,         kind::take_fields, kind::reinsert};
    if (static_cast<std::size_t>(take) >= std::size(kinds))
      throw failure{failure_code::usage, "there is no such way to settle a conflict"};
    const storage::resolution what{conflict_id, kinds[static_cast<std::size_t>(take)], value_json,
                                   implementation_->given.user, force};
    if (implementation_->node)
      implementation_->node->resolve(what);
    else
      implementation_->open().resolve(what);
  });
}

bridge::page_handler page::implementation::entry_of(const runtime& sync) {
  return translated([&] {
    if (!sync.implementation_->node)
      throw failure{failure_code::usage, "this runtime does not run, so it can't serve a page; start it first"};
    return sync.implementation_->node->page_entry();
  });
}

bool runtime::wait_until_level(std::int64_t ms) {
  return translated([&] {
    if (!implementation_->node)
      throw failure{failure_code::usage, "this runtime does not run; start it first"};
    return implementation_->node->wait_until_level(ms);
  });
}

} // namespace tandem
