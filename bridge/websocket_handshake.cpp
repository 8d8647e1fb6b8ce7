#include "bridge/websocket_handshake.hpp"

#include <limits>

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "bridge/http_exchange.hpp"
#include "bridge/page_access.hpp"
#include "bridge/websocket_listener.hpp"
#include "bridge/websocket_session.hpp"

namespace tandem::bridge {
namespace {

// What a refused client may still send before we hang up: closing with unread bytes would reset the
// connection, and our answer with it.
constexpr std::size_t lingering_reads = 8;
constexpr std::chrono::milliseconds linger_ms{500};

std::string_view header_of(const http::fields& fields, http::field name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string_view{} : std::string_view{found->value().data(), found->value().size()};
}

std::string_view fetch_site_of(const http::fields& fields) {
  const auto found = fields.find("Sec-Fetch-Site"); // Younger than Beast's list of names.
  return found == fields.end() ? std::string_view{} : std::string_view{found->value().data(), found->value().size()};
}

} // namespace

websocket_handshake::websocket_handshake(std::shared_ptr<websocket_listener> listener, tcp_socket socket)
    : listener_{std::move(listener)}, core_{*listener_->core()}, stream_{std::move(socket)}, deadline_{core_.io()},
      buffer_{limits::http_header_bytes_max} {
  parser_.header_limit(limits::http_header_bytes_max);
  parser_.body_limit(std::numeric_limits<std::uint64_t>::max()); // Whoever reads a body sets one.
  ++core_.handshakes;
  core_.enter(*this);
}

websocket_handshake::~websocket_handshake() {
  core_.leave(*this);
  --core_.handshakes;
}

void websocket_handshake::start() {
  auto& socket = stream_.next_layer();
  prepare_socket(socket, core_.options().heartbeat_deadline);
  error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) {
    return;
  }
  peer_name_ = to_authority({remote.address().to_string(), remote.port()});
  deadline_.expires_after(core_.options().handshake_deadline);
  deadline_.async_wait([self = shared_from_this()](error_code stopped) {
    if (!stopped) {
      self->stop_now();
    }
  });
  http::async_read_header(socket, buffer_, parser_,
                          [self = shared_from_this()](error_code read_error, std::size_t) { self->judge(read_error); });
}

void websocket_handshake::stop_now() {
  if (is_over_) {
    return;
  }
  is_over_ = true;
  deadline_.cancel();
  error_code ignored;
  stream_.next_layer().close(ignored);
  // The destructor makes room; the listener looks for it after us.
  core_.post([listener = listener_] { listener->accept_next(); });
}

void websocket_handshake::judge(error_code error) {
  if (is_over_) {
    return;
  }
  const auto& token = listener_->token();
  if (error) {
    // Who has shown no token gets no answer, not even about his mistake.
    if (!token.empty() || error.category() != http::make_error_code(http::error::bad_method).category() ||
        error == http::error::end_of_stream || error == http::error::partial_message) {
      stop_now();
    } else if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      refuse(http::status::request_header_fields_too_large, "The headers of this request are too large.");
    } else {
      refuse(http::status::bad_request, "This is no HTTP request: " + error.message() + ".");
    }
    return;
  }
  const std::string_view target{parser_.get().target().data(), parser_.get().target().size()};
  const auto& pages = listener_->options().pages;
  const bool is_upgrade = websocket::is_upgrade(parser_.get());
  if (pages && target == page_path) {
    judge_page();
  } else if (pages && !is_upgrade &&
             (target.starts_with("/page/") || !pages->www.empty() || target.starts_with(metrics_path) ||
              target.starts_with(monitor_path))) {
    hand_over();
  } else {
    judge_node();
  }
}

/// It goes on as plain HTTP.
void websocket_handshake::hand_over() {
  if (core_.connections >= core_.options().connections_max) {
    refuse(http::status::service_unavailable, "This node has as many connections as it takes: try again later.");
    return;
  }
  is_over_ = true;
  deadline_.cancel();
  std::make_shared<http_exchange>(listener_, std::move(stream_.next_layer()), std::move(buffer_), peer_name_)
      ->start(std::move(parser_));
  core_.post([listener = listener_] { listener->accept_next(); });
}

void websocket_handshake::judge_node() {
  const auto& token = listener_->token();
  const auto& request = parser_.get();
  if (!token.empty() && !authorizes(token, header_of(request, http::field::authorization)) && !offers_token(token)) {
    core_.note_refusal();
    refuse(http::status::unauthorized, "The token is missing or wrong: give the one that this node was started with.");
    return;
  }
  const auto origin = header_of(request, http::field::origin);
  if (token.empty() && !origin.empty() && !is_loopback_origin(origin)) {
    refuse(http::status::forbidden, "Pages of other machines may not connect to a node without a token.");
    return;
  }
  judge_upgrade(subprotocol);
}

/// The token of a node that lives in a browser.
bool websocket_handshake::offers_token(const std::string& token) const {
  const auto wanted = token_subprotocol(token);
  bool result = false;
  for (const auto& offered : http::token_list{parser_.get()[http::field::sec_websocket_protocol]})
    result = equal_in_constant_time(wanted, {offered.data(), offered.size()}) || result;
  return result;
}

/// A browser can't show a token here: then the page shows it in its first message.
void websocket_handshake::judge_page() {
  const auto& request = parser_.get();
  const auto refusal =
      refusal_of(listener_->options(), {header_of(request, http::field::host), header_of(request, http::field::origin),
                                        fetch_site_of(request)});
  const auto shown = header_of(request, http::field::authorization);
  page_token_ = bearer_of(shown);
  if (!refusal.empty()) {
    refuse(http::status::forbidden, refusal);
  } else if (!shown.empty() && rights_of(listener_->options(), page_token_) == page_right::none) {
    refuse(http::status::unauthorized, "The token is wrong: give one that this node was started with.");
  } else {
    judge_upgrade(page_subprotocol);
  }
}

void websocket_handshake::judge_upgrade(const char* wanted) {
  const auto& request = parser_.get();
  if (!websocket::is_upgrade(request)) {
    refuse(http::status::upgrade_required,
           "This is a Tandem node: it speaks WebSocket with the subprotocol " + std::string{wanted} + " here.");
  } else if (!http::token_list{request[http::field::sec_websocket_protocol]}.exists(wanted)) {
    refuse(http::status::bad_request, "This node speaks the WebSocket subprotocol " + std::string{wanted} +
                                          " and no other: the peer's version does not fit.");
  } else if (buffer_.size() != 0) {
    refuse(http::status::bad_request, "Nothing may be sent ahead of the answer to the handshake.");
  } else if (core_.connections >= core_.options().connections_max) {
    refuse(http::status::service_unavailable, "This node has as many connections as it takes: try again later.");
  } else {
    accept(wanted);
  }
}

void websocket_handshake::accept(const char* agreed) {
  is_page_ = agreed == page_subprotocol;
  stream_.set_option(websocket::stream_base::decorator{[agreed](websocket::response_type& response) {
    response.set(http::field::sec_websocket_protocol, agreed);
  }});
  stream_.async_accept(parser_.get(), [self = shared_from_this()](error_code error) {
    if (self->is_over_) {
      return;
    }
    if (error || self->core_.is_stopping()) {
      self->stop_now();
      return;
    }
    self->is_over_ = true;
    self->deadline_.cancel();
    const auto introduce = [&](shared_connection connection) {
      return self->is_page_ ? self->listener_->options().pages->on_accept(std::move(connection), self->page_token_)
                            : self->listener_->on_accept()(std::move(connection));
    };
    websocket_session::open(self->listener_->core(), std::move(self->stream_), self->peer_name_, introduce);
    self->core_.post([listener = self->listener_] { listener->accept_next(); });
  });
}

void websocket_handshake::refuse(http::status status, std::string_view text) {
  response_.result(status);
  response_.version(11);
  response_.keep_alive(false);
  response_.set(http::field::content_type, "text/plain; charset=utf-8");
  if (status == http::status::upgrade_required) {
    response_.set(http::field::upgrade, "websocket");
    response_.set(http::field::connection, "Upgrade, close");
  }
  if (status == http::status::unauthorized) {
    response_.set(http::field::www_authenticate, "Bearer");
  }
  response_.body() = std::string{text} + "\n";
  response_.prepare_payload();
  http::async_write(stream_.next_layer(), response_, [self = shared_from_this()](error_code error, std::size_t) {
    if (error || self->is_over_) {
      self->stop_now();
      return;
    }
    error_code ignored;
    self->stream_.next_layer().shutdown(net::socket_base::shutdown_send, ignored);
    self->deadline_.expires_after(linger_ms);
    self->deadline_.async_wait([self](error_code stopped) {
      if (!stopped) {
        self->stop_now();
      }
    });
    self->buffer_.clear();
    self->linger();
  });
}

void websocket_handshake::linger() {
  if (lingering_reads_ >= lingering_reads) {
    stop_now();
    return;
  }
  buffer_.clear();
  stream_.next_layer().async_read_some(buffer_.prepare(limits::http_header_bytes_max),
                                       [self = shared_from_this()](error_code error, std::size_t) {
                                         if (error || self->is_over_) {
                                           self->stop_now();
                                           return;
                                         }
                                         ++self->lingering_reads_;
                                         self->linger();
                                       });
}

} // namespace tandem::bridge
