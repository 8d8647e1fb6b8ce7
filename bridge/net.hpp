// Boost.Asio and Beast, included once and the same way everywhere; only .cpp files and the private
// headers websocket_*.hpp of this folder may include it.
#pragma once

// Boost 1.74's awaitable.hpp uses std::exchange without including it.
#include <utility>

#define BOOST_ASIO_DISABLE_CO_AWAIT 1
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace tandem::bridge {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

using boost::system::error_code;
using io_executor = net::io_context::executor_type;
using tcp_socket = net::basic_stream_socket<net::ip::tcp, io_executor>;
using tcp_acceptor = net::basic_socket_acceptor<net::ip::tcp, io_executor>;
using io_timer =
    net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>, io_executor>;
/// Without permessage-deflate: bundles are compressed already.
using websocket_stream = websocket::stream<tcp_socket, false>;

} // namespace tandem::bridge
