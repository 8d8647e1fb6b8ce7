// What a page reaches by each way that it has: the WebView's bridge, WebSocket, HTTP. A real page does the measuring,
// in the WebView that was built beside this program, or else in a browser, which has no bridge.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "demos/node/demo/process.hpp"
#include "demos/node/validation/app_file.hpp"
#include "demos/node/validation/measures.hpp"
#include "demos/node/validation/page_report.hpp"
#include "demos/node/validation/ways_page.hpp"
#include "messages/failure.hpp"

namespace tandem::node {

namespace {

namespace fs = std::filesystem;
using messages::failure;
using messages::failure_code;

constexpr int patience_ms = 90'000;
constexpr const char* patience_s = "100"; // for `timeout`, which also ends what the window's script leaves behind

void write_file(const fs::path& path, std::string_view text) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out << text;
  out.close();
  if (!out) {
    throw failure{failure_code::storage, path.string() + " can't be written"};
  }
}

/// The page's files, with what it is to do in options.json.
fs::path make_page(const fs::path& folder, effort much) {
  fs::create_directories(folder);
  write_file(folder / "index.html", ways_page_html());
  write_file(folder / "app.js", ways_page_script());
  write_file(folder / "options.json", nlohmann::json{{"scale", much.share}}.dump());
  return folder;
}

using command = std::vector<std::string>;

void append(command& all, const command& more) {
  all.insert(all.end(), more.begin(), more.end());
}

/// The window of tests/bench has a bare message handler too, to hold a request against; empty if there is none.
fs::path bare_window() {
  auto program = fs::path{own_program()}.parent_path() / "bench_window";
  return fs::exists(program) ? program : fs::path{};
}

/// Empty if there is no WebView, or nothing that could show it.
command window_command(const fs::path& database, const fs::path& page) {
  const auto bare = bare_window();
  const auto program = bare.empty() ? fs::path{own_program()}.parent_path() / "tandem_webview" : bare;
  const bool has_display = std::getenv("DISPLAY") != nullptr || std::getenv("WAYLAND_DISPLAY") != nullptr;
  if (!fs::exists(program) || !is_in_path("timeout") || (!has_display && !is_in_path("xvfb-run"))) {
    return {};
  }
  command result{"timeout", patience_s, "env", "NO_AT_BRIDGE=1"};
  if (geteuid() == 0) { // WebKit's sandbox does not work for root, as in containers.
    append(result, {"WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1"});
  }
  if (!has_display) {
    append(result, {"GDK_BACKEND=x11", "xvfb-run", "-a"});
    if (is_in_path("dbus-run-session")) {
      append(result, {"dbus-run-session", "--"});
    }
  }
  append(result, bare.empty() ? command{program.string(), database.string(), "--www", page.string()}
                              : command{program.string(), database.string(), page.string(), ""});
  return result;
}

/// Empty if there is none.
command browser_command(const std::string& url, const fs::path& profile) {
  for (const auto* name : {"chromium", "chromium-browser", "google-chrome"}) {
    if (is_in_path(name) && is_in_path("timeout")) {
      command result{"timeout",
                     patience_s,
                     name,
                     "--headless",
                     "--disable-background-networking",
                     "--disable-component-update",
                     "--disable-sync",
                     "--no-first-run",
                     "--user-data-dir=" + profile.string()};
      if (geteuid() == 0) {
        append(result, {"--no-sandbox"});
      }
      append(result, {url});
      return result;
    }
  }
  return {};
}

/// What the page wrote when it was done.
std::string report_of(const fs::path& database) {
  app_file app{database};
  wait_for([&] { return app.number("SELECT count(*) FROM reports") > 0; }, "the report of the page", patience_ms);
  return app.text("SELECT json FROM reports");
}

} // namespace

void measure_ways(field& on, effort much, validation& into) {
  const auto database = on.tracked_file("page.db", "CREATE TABLE reports(id INTEGER PRIMARY KEY, json TEXT); "
                                                   "CREATE TABLE progress(id INTEGER PRIMARY KEY, text TEXT)");
  const auto page = make_page(on.fresh_path("page"), much);
  const auto log = on.fresh_path("page.log");
  if (const auto window = window_command(database, page); !window.empty()) {
    process shown{window, log, false};
    add_page_report(report_of(database), into);
    shown.end(SIGTERM);
    if (bare_window().empty()) {
      into.absences.push_back({"a page's round trip against a bare message's",
                               "bench_window, whose WebView also echoes bare messages, is not beside this program; "
                               "`tools/build tests` makes it, and tests/bench measures the same (part `pages`)"});
    }
    return;
  }
  process node{{own_program(), "serve", database.string(), "--listen", "127.0.0.1:0", "--www", page.string()},
               on.fresh_path("page-node.log"),
               false};
  const auto ready = node.wait_for_line("ready ws://", patience_ms);
  const auto url = "http" + ready.substr(std::min(ready.size(), std::string{"ready ws"}.size()));
  const auto browser = browser_command(url, on.fresh_path("browser"));
  if (browser.empty()) {
    into.absences.push_back({"the ways of a page (WebView, WebSocket, HTTP)",
                             "there is neither tandem_webview beside this program (with a display or xvfb-run) nor "
                             "Chromium; `tools/setup webview` and `tools/build webview` make the first"});
    return;
  }
  process shown{browser, log, false};
  add_page_report(report_of(database), into);
  into.absences.push_back({"a page by webview", "tandem_webview is not beside this program, or has no display; "
                                                "`tools/setup webview` and `tools/build webview` make it"});
  shown.end(SIGTERM);
}

} // namespace tandem::node
