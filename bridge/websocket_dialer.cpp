#include "bridge/websocket_dialer.hpp"

#include <exception>

#include <boost/asio/connect.hpp>

#include "bridge/websocket_listener.hpp"
#include "bridge/websocket_session.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"

namespace tandem::bridge {
namespace {

std::string explain_refusal(const websocket::response_type& response) {
  const std::string_view body{response.body()};
  const auto first_line = printable(body.substr(0, body.find('\n')), limits::label_bytes_max);
  const auto status = response.result_int();
  const auto said = first_line.empty() ? std::string{} : ": " + first_line;
  if (status == 401) {
    return "it refuses the token" + said;
  }
  return "it answered with HTTP " + std::to_string(status) + said;
}

} // namespace

websocket_dialer::websocket_dialer(std::shared_ptr<websocket_core> core, dial_options options, dialed_handler on_dialed)
    : owner_{core}, core_{*core}, options_{std::move(options)},
      on_dialed_{std::move(on_dialed)}, resolver_{core->io()}, stream_{core->io()}, deadline_{core->io()} {}

void websocket_dialer::start() {
  core_.enter(*this);
  if (core_.is_stopping()) {
    stop_now();
    return;
  }
  try {
    address_ = parse_url(options_.url);
  } catch (const messages::failure& trouble) {
    fail(trouble.what());
    return;
  }
  deadline_.expires_after(core_.options().handshake_deadline);
  deadline_.async_wait([self = shared_from_this()](error_code stopped) {
    if (!stopped) {
      self->fail("there was no answer within " + std::to_string(self->core_.options().handshake_deadline.count()) +
                 " ms");
    }
  });
  resolve();
}

void websocket_dialer::stop_now() {
  fail("this side is stopping");
}

void websocket_dialer::resolve() {
  using results = net::ip::tcp::resolver::results_type;
  error_code error;
  const auto numeric = net::ip::make_address(address_.host, error);
  if (!error) {
    connect(results::create(net::ip::tcp::endpoint{numeric, address_.port}, address_.host, ""));
    return;
  }
  resolver_.async_resolve(address_.host, std::to_string(address_.port),
                          [self = shared_from_this()](error_code resolve_error, const results& endpoints) {
                            if (self->is_over_) {
                              return;
                            }
                            if (resolve_error) {
                              self->fail("the name '" + self->address_.host + "' is not known");
                              return;
                            }
                            self->connect(endpoints);
                          });
}

void websocket_dialer::connect(const net::ip::tcp::resolver::results_type& endpoints) {
  net::async_connect(stream_.next_layer(), endpoints,
                     [self = shared_from_this()](error_code error, const net::ip::tcp::endpoint&) {
                       if (self->is_over_) {
                         return;
                       }
                       if (error) {
                         self->fail(error.message());
                         return;
                       }
                       self->shake_hands();
                     });
}

void websocket_dialer::shake_hands() {
  prepare_socket(stream_.next_layer(), core_.options().heartbeat_deadline);
  stream_.set_option(websocket::stream_base::decorator{[this](websocket::request_type& request) {
    request.set(http::field::sec_websocket_protocol, subprotocol);
    request.set(http::field::user_agent, "tandem");
    if (!options_.token.empty()) {
      request.set(http::field::authorization, "Bearer " + options_.token);
    }
  }});
  stream_.async_handshake(response_, to_authority(address_), "/",
                          [self = shared_from_this()](error_code error) { self->take_handshake(error); });
}

void websocket_dialer::take_handshake(error_code error) {
  if (is_over_) {
    return;
  }
  if (error == websocket::error::upgrade_declined) {
    fail(explain_refusal(response_), response_.result() == http::status::unauthorized);
    return;
  }
  if (error) {
    fail("no WebSocket is spoken there (" + error.message() + ")");
    return;
  }
  if (response_[http::field::sec_websocket_protocol] != subprotocol) {
    fail("it does not speak the subprotocol " + std::string{subprotocol});
    return;
  }
  const auto core = owner_.lock();
  if (!core) {
    return;
  }
  is_over_ = true;
  core_.leave(*this);
  deadline_.cancel();
  const auto handler = std::move(on_dialed_);
  websocket_session::open(core, std::move(stream_), options_.url,
                          [&handler](shared_connection opened) { return handler(std::move(opened), {}); });
}

void websocket_dialer::fail(const std::string& why, bool is_refusal) {
  if (is_over_) {
    return;
  }
  is_over_ = true;
  core_.leave(*this);
  deadline_.cancel();
  resolver_.cancel();
  error_code ignored;
  stream_.next_layer().close(ignored);
  const auto handler = std::move(on_dialed_);
  try {
    if (handler) {
      handler(nullptr, {"can't reach " + printable(options_.url, limits::url_bytes_max) + ": " + why, is_refusal});
    }
  } catch (const std::exception& trouble) { // The dial has failed already; there is nothing more to undo.
    core_.note_error(std::string{"this side failed at the end of a call: "} + trouble.what());
  }
}

} // namespace tandem::bridge
