#include "bridge/http_exchange.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include "bridge/base64.hpp"
#include "bridge/http_text.hpp"
#include "bridge/page_access.hpp"
#include "bridge/static_files.hpp"
#include "bridge/websocket_listener.hpp"
#include "messages/page_limits.hpp"

namespace tandem::bridge {
namespace {

constexpr std::string_view page_prefix = "/page/";

std::string_view plain(beast::string_view text) {
  return {text.data(), text.size()};
}

beast::string_view as_beast(std::string_view text) {
  return {text.data(), text.size()};
}

} // namespace

http_exchange::http_exchange(std::shared_ptr<websocket_listener> listener, tcp_socket socket, beast::flat_buffer buffer,
                             std::string peer_name)
    : listener_{std::move(listener)}, core_{listener_->core()}, socket_{std::move(socket)}, deadline_{core_->io()},
      buffer_{std::move(buffer)}, peer_name_{std::move(peer_name)} {
  core_->enter(*this);
  ++core_->connections;
}

http_exchange::~http_exchange() {
  core_->leave(*this);
  --core_->connections;
}

void http_exchange::start(header_parser&& header) {
  buffer_.max_size(limits::http_header_bytes_max + limits::page_letter_bytes_max);
  parser_.emplace(std::move(header));
  judge();
}

void http_exchange::stop_now() {
  if (is_over_) {
    return;
  }
  is_over_ = true;
  deadline_.cancel();
  error_code ignored;
  socket_.close(ignored);
  leave_page();
}

void http_exchange::leave_page() {
  if (const auto left = std::exchange(downstream_, std::nullopt)) {
    left->page->detach(*this);
  }
}

void http_exchange::wait_until(std::chrono::milliseconds patience) {
  deadline_.expires_after(patience);
  deadline_.async_wait([self = shared_from_this()](error_code stopped) {
    if (stopped || self->is_over_) {
      return;
    }
    if (self->downstream_ && !self->downstream_->is_stream) {
      self->answer_pull(); // There was nothing to fetch.
    } else {
      self->stop_now();
    }
  });
}

void http_exchange::read_next() {
  parser_.emplace();
  parser_->header_limit(limits::http_header_bytes_max);
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
  wait_until(std::chrono::milliseconds{limits::page_http_idle_ms});
  http::async_read_header(socket_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
    if (self->is_over_) {
      return;
    }
    if (error) {
      self->stop_now();
      return;
    }
    self->judge();
  });
}

std::string_view http_exchange::header(http::field name) const {
  const auto found = parser_->get().find(name);
  return found == parser_->get().end() ? std::string_view{} : plain(found->value());
}

std::string_view http_exchange::header(const char* name) const {
  const auto found = parser_->get().find(name);
  return found == parser_->get().end() ? std::string_view{} : plain(found->value());
}

std::string_view http_exchange::target() const {
  return plain(parser_->get().target());
}

std::string http_exchange::presented_token() const {
  const auto shown = bearer_of(header(http::field::authorization));
  return shown.empty() ? percent_decoded(query_field(target(), "token")) : shown;
}

std::uint64_t http_exchange::number_of(std::string_view digits) const {
  std::uint64_t result = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result);
  return error == std::errc{} && end == digits.data() + digits.size() ? result : 0;
}

void http_exchange::judge() {
  deadline_.cancel();
  const bool is_page = target().starts_with(page_prefix);
  // Files are no secrets; but names that somebody else could point here are nobody's business.
  const auto refusal =
      refusal_of(listener_->options(), {header(http::field::host), is_page ? header(http::field::origin) : "",
                                        is_page ? header("Sec-Fetch-Site") : ""});
  if (!refusal.empty() || !is_authority(header(http::field::host))) {
    refuse(http::status::forbidden, "denied", refusal.empty() ? "The Host header names no host." : refusal);
  } else if (is_page) {
    judge_page();
  } else if (target().substr(0, target().find('?')) == metrics_path) {
    answer_metrics();
  } else if (target().starts_with(monitor_path)) {
    answer_monitor();
  } else {
    serve_file();
  }
}

void http_exchange::judge_page() {
  const auto method = parser_->get().method();
  if (method == http::verb::options) {
    answer_preflight();
    return;
  }
  const auto path = target().substr(page_prefix.size(), target().find('?') - page_prefix.size());
  const auto session = std::string{path.substr(0, path.find('/'))};
  const auto what = path.substr(std::min(session.size(), path.size()));
  if (!is_session(session)) {
    refuse(http::status::not_found, "not_found", "A session is named by 32 lower-case hex digits.");
  } else if (rights_of(listener_->options(), presented_token()) == page_right::none) {
    refuse(http::status::unauthorized, "denied",
           "The token is missing or wrong: give one that this node was started with.");
  } else if (method == http::verb::post && what.empty()) {
    read_letter(session);
  } else if (method == http::verb::delete_ && what.empty()) {
    end_session(session);
  } else if (method == http::verb::get && what == "/events") {
    begin_downstream(session, true);
  } else if (method == http::verb::get && what == "/pull") {
    begin_downstream(session, false);
  } else {
    refuse(http::status::not_found, "not_found",
           "A page posts to /page/SESSION, gets /page/SESSION/events or /pull, and deletes the first when it goes.");
  }
}

void http_exchange::answer_preflight() {
  prepare(http::status::no_content);
  response_.set(http::field::access_control_allow_methods, "GET, POST, DELETE");
  response_.set(http::field::access_control_allow_headers,
                "authorization, content-type, tandem-number, tandem-received, last-event-id");
  response_.set(http::field::access_control_max_age, "600");
  if (!header("Access-Control-Request-Private-Network").empty()) {
    response_.set("Access-Control-Allow-Private-Network", "true");
  }
  send();
}

// --- up ----------------------------------------------------------------------------------------

void http_exchange::read_letter(const std::string& session) {
  const auto refuse_large = [this] {
    refuse(http::status::payload_too_large, "limit",
           "The body is larger than the " + std::to_string(limits::page_letter_bytes_max) + " bytes that are allowed.");
  };
  if (parser_->content_length().value_or(0) > limits::page_letter_bytes_max) {
    refuse_large();
    return;
  }
  parser_->body_limit(limits::page_letter_bytes_max); // For a body that does not say how long it is.
  wait_until(core_->options().handshake_deadline);
  http::async_read(socket_, buffer_, *parser_,
                   [self = shared_from_this(), session, refuse_large](error_code error, std::size_t) {
                     if (self->is_over_) {
                       return;
                     }
                     self->deadline_.cancel();
                     if (error == http::error::body_limit) {
                       refuse_large();
                     } else if (error) {
                       self->stop_now();
                     } else {
                       self->take_letter(session);
                     }
                   });
}

/// A session begins with its first letter; one that is not known any more has ended.
std::shared_ptr<http_page> http_exchange::page_for(const std::string& session, std::uint64_t number) {
  auto& pages = listener_->pages().by_session;
  const auto found = pages.find(session);
  if (found != pages.end()) {
    return found->second;
  }
  if (number != 1 || pages.size() >= limits::pages_max) {
    return nullptr;
  }
  const auto forget = [listener = std::weak_ptr{listener_}, session] {
    if (const auto alive = listener.lock()) {
      alive->pages().by_session.erase(session);
    }
  };
  const auto page = std::make_shared<http_page>(core_, peer_name_, forget);
  pages.emplace(session, page);
  page->start([this](shared_connection connection) {
    return listener_->options().pages->on_accept(std::move(connection), presented_token());
  });
  return page;
}

void http_exchange::take_letter(const std::string& session) {
  const auto number = number_of(header("tandem-number"));
  if (number == 0) {
    refuse(http::status::bad_request, "protocol",
           "The header tandem-number is missing: it counts this session's requests from 1.");
    return;
  }
  const auto page = page_for(session, number);
  if (!page) {
    refuse(http::status::gone, "not_found", "This session has ended, or there are too many: open a new one.");
    return;
  }
  page->acknowledge(number_of(header("tandem-received")));
  const auto answer = [self = shared_from_this()](unsigned status, std::string_view code, std::string_view text) {
    if (self->is_over_) {
      return;
    }
    if (code.empty()) {
      self->prepare(http::int_to_status(status));
      self->send();
    } else {
      self->refuse(http::int_to_status(status), code, text);
    }
  };
  page->take_letter(number, parser_->get().body(), answer);
}

/// Its place, its thread and what it has open are free at once. It may have ended before.
void http_exchange::end_session(const std::string& session) {
  const auto& pages = listener_->pages().by_session;
  if (const auto found = pages.find(session); found != pages.end()) {
    const auto page = found->second; // It leaves the list.
    page->end();
  }
  prepare(http::status::no_content);
  send();
}

// --- down --------------------------------------------------------------------------------------

void http_exchange::begin_downstream(const std::string& session, bool is_stream) {
  const auto& pages = listener_->pages().by_session;
  const auto found = pages.find(session);
  if (found == pages.end()) {
    refuse(http::status::gone, "not_found", "This session has ended, or has not begun: post to it first.");
    return;
  }
  const auto named = query_field(target(), "after");
  const auto resumed = header("Last-Event-ID"); // Newer than the address, where the browser itself connects again.
  const auto after = std::max(number_of(named), number_of(resumed));
  downstream_ = downstream{found->second, after, is_stream};
  const auto page = downstream_->page;
  page->acknowledge(after);
  page->attach(shared_from_this());
  if (!is_stream) {
    const auto wait_ms = std::min<std::uint64_t>(number_of(query_field(target(), "wait_ms")), limits::page_pull_ms_max);
    wait_until(std::chrono::milliseconds{wait_ms});
    look();
    return;
  }
  prepare(http::status::ok);
  event_ = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n";
  for (const auto name : {http::field::access_control_allow_origin, http::field::vary, http::field::cache_control}) {
    if (const auto value = response_.find(name); value != response_.end()) {
      event_ += std::string{plain(http::to_string(name))} + ": " + std::string{plain(value->value())} + "\r\n";
    }
  }
  event_ += "X-Accel-Buffering: no\r\n\r\n: here\n\n";
  watch_for_end();
  stream_next();
}

void http_exchange::look() {
  if (is_over_ || !downstream_) {
    return;
  }
  if (downstream_->is_stream) {
    stream_next();
    return;
  }
  const auto& page = *downstream_->page;
  if (page.is_over() || page.is_closing() || !page.is_attached(*this) ||
      page.after(downstream_->after, limits::page_message_bytes_target)) {
    answer_pull();
  }
}

void http_exchange::answer_pull() {
  deadline_.cancel();
  const auto one = *downstream_;
  const auto found = one.page->after(one.after, limits::page_pull_bytes_target);
  leave_page();
  if (!found && one.page->is_over()) {
    refuse(http::status::gone, "not_found", "This session has ended: open a new one.");
    return;
  }
  prepare(http::status::ok);
  response_.set(http::field::content_type, "application/octet-stream");
  append_number(response_.body(), found ? found->last : one.after, sizeof(std::uint64_t));
  if (found) {
    response_.body() += found->frames;
  }
  send();
}

void http_exchange::stream_next() {
  if (is_writing_ || is_over_) {
    return;
  }
  if (event_.empty()) {
    const auto found = downstream_->page->after(downstream_->after, limits::page_message_bytes_target);
    if (!found) {
      const auto& page = *downstream_->page;
      if (page.is_over() || page.is_closing() || !page.is_attached(*this)) {
        stop_now();
      }
      return;
    }
    downstream_->after = found->last;
    event_ = "id: " + std::to_string(found->last) + "\ndata: " + to_base64(found->frames) + "\n\n";
  }
  is_writing_ = true;
  net::async_write(socket_, net::buffer(event_), [self = shared_from_this()](error_code error, std::size_t) {
    self->is_writing_ = false;
    self->event_.clear();
    if (self->is_over_) {
      return;
    }
    if (error) {
      self->stop_now();
      return;
    }
    self->stream_next();
  });
}

/// Whatever a stream's client says now, or its end, ends the stream.
void http_exchange::watch_for_end() {
  socket_.async_read_some(net::buffer(&farewell_, 1),
                          [self = shared_from_this()](error_code, std::size_t) { self->stop_now(); });
}

// --- files and answers -------------------------------------------------------------------------

void http_exchange::serve_file() {
  const auto method = parser_->get().method();
  const auto& www = listener_->options().pages->www;
  if (method != http::verb::get && method != http::verb::head) {
    refuse(http::status::method_not_allowed, "usage", "Files can only be read.");
    return;
  }
  const auto file = www.empty() ? static_file{} : find_static_file(www, target());
  const bool is_known = file.is_found && header(http::field::if_none_match) == file.tag;
  const bool is_wanted = file.is_found && !is_known && method == http::verb::get;
  auto content = is_wanted ? read_static_file(file) : std::optional<std::string>{std::in_place};
  if (!file.is_found || !content) {
    refuse(http::status::not_found, "not_found", "There is no such file.");
    return;
  }
  prepare(is_known ? http::status::not_modified : http::status::ok);
  response_.set(http::field::etag, file.tag);
  response_.set(http::field::cache_control, "no-cache");
  add_page_headers();
  if (!is_known) {
    response_.set(http::field::content_type, file.type);
    response_.body() = std::move(*content);
  }
  send(is_known ? 0 : file.size);
}

void http_exchange::prepare(http::status status) {
  response_ = {};
  response_.result(status);
  response_.version(11);
  response_.keep_alive(parser_->keep_alive());
  response_.set(http::field::cache_control, "no-store");
  response_.set("X-Content-Type-Options", "nosniff");
  const auto origin = header(http::field::origin);
  if (!origin.empty() && target().starts_with(page_prefix)) {
    response_.set(http::field::access_control_allow_origin, as_beast(origin));
    response_.set(http::field::vary, "Origin");
  }
}

/// Whatever follows an error on this connection may not be what it seems: it closes.
void http_exchange::refuse(http::status status, std::string_view code, std::string_view text) {
  const bool is_foreign = status == http::status::forbidden;
  prepare(status);
  if (is_foreign) {
    response_.erase(http::field::access_control_allow_origin);
  }
  response_.keep_alive(false);
  response_.set(http::field::content_type, "application/json");
  if (status == http::status::unauthorized) {
    response_.set(http::field::www_authenticate, "Bearer");
  }
  response_.body() = trouble_as_json(code, text);
  send();
}

void http_exchange::send() {
  send(response_.body().size());
}

/// Of an answer to HEAD the body is left out, and its length told.
void http_exchange::send(std::size_t length) {
  response_.prepare_payload();
  if (parser_->get().method() == http::verb::head) {
    response_.content_length(length);
    response_.body().clear();
  }
  wait_until(core_->options().handshake_deadline);
  const auto done = [self = shared_from_this()](error_code error, std::size_t) {
    if (self->is_over_) {
      return;
    }
    self->deadline_.cancel();
    if (error || !self->response_.keep_alive()) {
      // What the client still sends must not reset the answer before it is read.
      error_code ignored;
      self->socket_.shutdown(net::socket_base::shutdown_send, ignored);
      self->wait_until(std::chrono::milliseconds{limits::page_linger_ms});
      self->linger();
      return;
    }
    self->read_next();
  };
  http::async_write(socket_, response_, done);
}

void http_exchange::linger() {
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(limits::http_header_bytes_max),
                          [self = shared_from_this()](error_code error, std::size_t) {
                            if (self->is_over_) {
                              return;
                            }
                            if (error) {
                              self->stop_now();
                            } else {
                              self->linger();
                            }
                          });
}

} // namespace tandem::bridge
