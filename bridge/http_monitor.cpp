// What a node tells of itself over HTTP: metrics for Prometheus, and the dashboard.
#include <algorithm>
#include <string>

#include "bridge/http_exchange.hpp"
#include "bridge/page_access.hpp"
#include "bridge/static_files.hpp"
#include "bridge/websocket_listener.hpp"

namespace tandem::bridge {

/// Reading is enough: they tell how things go, and the names of tables and peers.
void http_exchange::answer_metrics() {
  const auto& pages = *listener_->options().pages;
  const auto method = parser_->get().method();
  if (rights_of(listener_->options(), presented_token()) == page_right::none) {
    refuse(http::status::unauthorized, "denied",
           "The token is missing or wrong: give one that this node was started with.");
  } else if (!pages.metrics) {
    refuse(http::status::not_found, "not_found", "This node measures nothing.");
  } else if (method != http::verb::get && method != http::verb::head) {
    refuse(http::status::method_not_allowed, "usage", "Metrics can only be read.");
  } else {
    prepare(http::status::ok);
    response_.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    response_.body() = pages.metrics();
    send();
  }
}

/// The page itself wants the token in its address, for a browser shows none; what it knows, it asks for as every page.
void http_exchange::answer_monitor() {
  const auto& pages = *listener_->options().pages;
  const auto path = target().substr(0, target().find('?'));
  if (path == monitor_path) {
    prepare(http::status::temporary_redirect);
    const auto query = target().substr(path.size());
    response_.set(http::field::location, std::string{monitor_path} + "/" + std::string{query});
    send();
    return;
  }
  const auto named = path.substr(std::min(path.size(), monitor_path.size() + 1));
  const auto name = named.empty() ? std::string_view{"index.html"} : named;
  const auto file = pages.monitor_file && path[monitor_path.size()] == '/' ? pages.monitor_file(name) : std::nullopt;
  const auto method = parser_->get().method();
  if (!file) {
    serve_file();
  } else if (name == "index.html" && rights_of(listener_->options(), presented_token()) == page_right::none) {
    refuse(http::status::unauthorized, "denied",
           "Open /monitor?token=TOKEN, with a token that this node was started with.");
  } else if (method != http::verb::get && method != http::verb::head) {
    refuse(http::status::method_not_allowed, "usage", "Files can only be read.");
  } else {
    prepare(http::status::ok);
    add_page_headers();
    response_.set(http::field::content_type, std::string{file->type});
    response_.body() = file->content;
    send();
  }
}

void http_exchange::add_page_headers() {
  response_.set("Content-Security-Policy", content_security_policy(header(http::field::host)));
  response_.set("Cross-Origin-Opener-Policy", "same-origin");
  response_.set("Referrer-Policy", "no-referrer");
}

} // namespace tandem::bridge
