// The module's face for the page's script: a node on one database, driven by calls. All texts are UTF-8 and end with a zero; what
// a function returns as text is valid until the next call.
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <emscripten.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <sqlite3.h>

#include "actors/lone_crew.hpp"
#include "messages/failure.hpp"
#include "wasm/browser_network.hpp"

extern "C" void tandem_host_say(int how_bad, const char* text);

void spdlog::say(int how_bad, const std::string& line) {
  tandem_host_say(how_bad, line.c_str());
}

namespace tandem::wasm {
namespace {

constexpr double us_each_ms = 1'000;
/// Frames in one call, so that a page's own work gets its turn.
constexpr std::size_t frames_each_run = 200;

std::int64_t now_us() {
  return static_cast<std::int64_t>(emscripten_get_now() * us_each_ms);
}

/// Creates the app's tables: a page has no other way to its file before it is a replica.
void run_schema(const std::string& path, const std::string& sql) {
  sqlite3* opened = nullptr;
  auto code = sqlite3_open(path.c_str(), &opened);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database{opened, sqlite3_close};
  if (code == SQLITE_OK)
    code = sqlite3_exec(opened, ("BEGIN;" + sql + ";COMMIT").c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK)
    throw messages::failure{messages::failure_code::schema, std::string{"the schema that was given for the page's own database does "
                                                                        "not run: "} +
                                                                sqlite3_errmsg(opened)};
}

struct module_state {
  browser_network network;
  std::unique_ptr<actors::lone_crew> crew;
  std::string path;
  std::string told;
};

module_state& state() {
  static module_state the_one;
  return the_one;
}

void open(const std::string& path, const nlohmann::json& given) {
  // Locks and shared memory within this process: nobody else can reach the file.
  sqlite3_vfs_register(sqlite3_vfs_find("unix-excl"), 1);
  if (const auto schema = given.value("schema", std::string{}); !schema.empty())
    run_schema(path, schema);
  actors::cast_options options;
  options.path = path;
  options.replica.busy_wait_ms = 0; // The one thread would only wait for itself.
  options.replica.steady_us = now_us;
  {
    auto how = options.replica;
    how.mode = storage::open_mode::create;
    auto replica = storage::replica::open(path, how);
    if (const auto tables = given.value("tables", std::vector<std::string>{}); !tables.empty())
      replica.track(tables);
    replica.stamp_pending();
    const auto status = replica.status();
    options.adopts = status.adopting;
    options.name = given.value("name", status.self.site.to_short());
  }
  options.peers = given.value("peers", std::vector<std::string>{});
  options.token = given.value("token", std::string{});
  options.user = given.value("user", std::string{});
  options.seed = std::random_device{}();
  options.measures = false;
  options.can_watch = true; // Whoever commits is in this module, and rings.
  options.rights_of = [](const std::string&) {
    return bridge::page_right::full;
  };
  state().crew = std::make_unique<actors::lone_crew>(state().network, std::move(options), now_us);
  state().path = path;
}

} // namespace
} // namespace tandem::wasm

using tandem::wasm::state;

extern "C" {

/// Opens the database and starts its node. Empty: it is done; else what is wrong.
EMSCRIPTEN_KEEPALIVE const char* tandem_open(const char* path, const char* options) {
  try {
    state().told.clear();
    tandem::wasm::open(path, nlohmann::json::parse(options));
  } catch (const std::exception& problem) {
    state().told = problem.what();
  }
  return state().told.c_str();
}

/// Goes on. Milliseconds until the next call; below 0: when something comes.
EMSCRIPTEN_KEEPALIVE double tandem_run() {
  if (!state().crew)
    return -1;
  const auto next = state().crew->run(tandem::wasm::frames_each_run);
  return next ? std::max<double>(0, static_cast<double>(*next - tandem::wasm::now_us()) / tandem::wasm::us_each_ms) : -1;
}

EMSCRIPTEN_KEEPALIVE void tandem_open_page(std::uint32_t number) {
  if (state().crew)
    state().network.open_page(number, state().crew->on_page());
}

EMSCRIPTEN_KEEPALIVE void tandem_socket_opened(std::uint32_t number) {
  state().network.opened(number);
}

EMSCRIPTEN_KEEPALIVE void tandem_came(std::uint32_t number, const char* bytes, std::size_t size) {
  state().network.came(number, std::string{bytes, size});
}

EMSCRIPTEN_KEEPALIVE void tandem_closed(std::uint32_t number, const char* text) {
  state().network.closed(number, text);
}

/// Orders the end; runs until `tandem_has_ended`.
EMSCRIPTEN_KEEPALIVE void tandem_stop() {
  if (state().crew)
    state().crew->stop();
}

EMSCRIPTEN_KEEPALIVE int tandem_has_ended() {
  return !state().crew || state().crew->has_ended();
}

/// One hash of all tracked rows, equal on replicas that have the same.
EMSCRIPTEN_KEEPALIVE const char* tandem_digest() {
  try {
    state().told = state().crew->open_replica().digest();
  } catch (const std::exception& problem) {
    state().told = problem.what();
  }
  return state().told.c_str();
}
}
