#include "bridge/websocket_listener.hpp"

#include <future>
#include <netinet/tcp.h>

#include "bridge/websocket_handshake.hpp"
#include "messages/failure.hpp"

namespace tandem::bridge {
namespace {

using messages::failure;
using messages::failure_code;
using tcp = net::ip::tcp;

// After an error of accept (no more descriptors, say): it would come again at once.
constexpr std::chrono::milliseconds breather_ms{100};

tcp::endpoint resolve(net::io_context& io, const peer_address& address) {
  error_code error;
  const auto numeric = net::ip::make_address(address.host, error);
  if (!error) {
    return {numeric, address.port};
  }
  tcp::resolver resolver{io};
  const auto found = resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, error);
  if (error || found.empty()) {
    throw failure{failure_code::network, "can't listen on " + to_authority(address) + ": the name '" + address.host +
                                             "' is not known; give an address of this machine, such as 127.0.0.1"};
  }
  return found.begin()->endpoint();
}

std::string explain(error_code error, const peer_address& address) {
  const auto where = "can't listen on " + to_authority(address) + ": ";
  if (error == net::error::address_in_use) {
    return where + "another program uses this port; stop it, or choose another port (0 takes a free one)";
  }
  if (error == net::error::access_denied) {
    return where + "this user may not use the port; choose one from 1024 on";
  }
  if (error == boost::system::errc::address_not_available) {
    return where + "this machine does not have the address; choose one of its own, such as 127.0.0.1";
  }
  return where + error.message();
}

} // namespace

websocket_listener::websocket_listener(std::shared_ptr<websocket_core> core, const listen_options& options,
                                       accept_handler on_accept)
    : core_{std::move(core)}, options_{options}, on_accept_{std::move(on_accept)}, address_{options.host, options.port},
      acceptor_{core_->io()}, breather_{core_->io()} {
  const auto endpoint = resolve(core_->io(), address_);
  if (options_.token.empty() && !endpoint.address().is_loopback()) {
    throw failure{failure_code::denied,
                  "refused to listen on " + to_authority(address_) +
                      " without a token: everybody who reaches this address could read and write the database; "
                      "give a token, or listen on 127.0.0.1"};
  }
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) {
    acceptor_.set_option(net::socket_base::reuse_address{true}, error);
  }
  if (!error) {
    acceptor_.bind(endpoint, error);
  }
  if (!error) {
    acceptor_.listen(net::socket_base::max_listen_connections, error);
  }
  if (error) {
    throw failure{failure_code::network, explain(error, address_)};
  }
  address_.port = acceptor_.local_endpoint(error).port();
}

void websocket_listener::start() {
  core_->post([self = shared_from_this()] {
    if (self->is_stopped_ || self->core_->is_stopping()) {
      self->stop_now();
      return;
    }
    self->core_->enter(*self);
    self->accept_next();
  });
}

void websocket_listener::stop() {
  if (core_->io().get_executor().running_in_this_thread()) {
    stop_now();
    return;
  }
  const auto done = std::make_shared<std::promise<void>>();
  auto is_done = done->get_future();
  if (core_->post([self = shared_from_this(), done] {
        self->stop_now();
        done->set_value();
      })) {
    is_done.wait();
  }
}

void websocket_listener::stop_now() {
  if (is_stopped_) {
    return;
  }
  is_stopped_ = true;
  core_->leave(*this);
  breather_.cancel();
  error_code ignored;
  acceptor_.close(ignored);
}

void websocket_listener::accept_next() {
  if (is_accepting_ || is_stopped_ || core_->handshakes >= core_->options().handshakes_max) {
    return;
  }
  is_accepting_ = true;
  acceptor_.async_accept(core_->io(), [self = shared_from_this()](error_code error, tcp_socket socket) {
    self->is_accepting_ = false;
    if (self->is_stopped_) {
      return;
    }
    if (error) {
      self->core_->note_error("a connection could not be accepted: " + error.message());
      self->breather_.expires_after(breather_ms);
      self->breather_.async_wait([self](error_code stopped) {
        if (!stopped) {
          self->accept_next();
        }
      });
      return;
    }
    std::make_shared<websocket_handshake>(self, std::move(socket))->start();
    self->accept_next();
  });
}

void prepare_socket(tcp_socket& socket, std::chrono::milliseconds give_up) {
  error_code ignored;
  socket.set_option(net::ip::tcp::no_delay{true}, ignored);
  const auto milliseconds = static_cast<unsigned>(give_up.count());
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

} // namespace tandem::bridge
