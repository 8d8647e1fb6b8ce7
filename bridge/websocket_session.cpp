#include "bridge/websocket_session.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <string_view>

namespace tandem::bridge {
namespace {

// Little enough for thousands of idle connections, enough for most messages at once.
constexpr std::size_t first_read_bytes = 512;
constexpr std::size_t read_chunk_bytes = 256 * limits::kib;
// Masked frames of a client are copied through a buffer of this size, one system call each.
constexpr std::size_t write_buffer_bytes = 16 * limits::kib;

class websocket_handle final : public connection {
public:
  explicit websocket_handle(std::shared_ptr<websocket_session> session) : session_{std::move(session)} {}
  websocket_handle(const websocket_handle&) = delete;
  websocket_handle& operator=(const websocket_handle&) = delete;
  ~websocket_handle() override { session_->close(); }

  bool send(shared_bytes frame) override { return session_->send(std::move(frame)); }
  [[nodiscard]] std::size_t unsent_bytes() const override { return session_->unsent_bytes(); }
  void grant(std::size_t bytes) override { session_->grant(bytes); }
  void close() override { session_->close(); }
  [[nodiscard]] std::string peer_name() const override { return session_->peer_name(); }

private:
  const std::shared_ptr<websocket_session> session_;
};

bool is_broken_rule(error_code error) {
  return error == websocket::condition::protocol_violation || error == websocket::error::message_too_big;
}

} // namespace

websocket_session::websocket_session(std::shared_ptr<websocket_core> core, websocket_stream stream,
                                     std::string peer_name)
    : core_{std::move(core)}, peer_name_{std::move(peer_name)}, stream_{std::move(stream)},
      heartbeat_{core_->io()}, goodbye_{core_->io()}, heard_{clock::now()} {
  stream_.binary(true);
  stream_.auto_fragment(false);
  stream_.write_buffer_bytes(write_buffer_bytes);
  stream_.read_message_max(core_->options().frame_bytes_max);
  stream_.control_callback([this](websocket::frame_type, beast::string_view) { heard_ = clock::now(); });
  core_->enter(*this);
  ++core_->connections;
}

websocket_session::~websocket_session() = default;

void websocket_session::open(std::shared_ptr<websocket_core> core, websocket_stream stream, std::string peer_name,
                             const std::function<connection_events(shared_connection)>& introduce) {
  const auto session = std::make_shared<websocket_session>(std::move(core), std::move(stream), std::move(peer_name));
  try {
    session->start(introduce(std::make_shared<websocket_handle>(session)));
  } catch (const std::exception& trouble) {
    session->core_->note_error(std::string{"this side failed at a new connection: "} + trouble.what());
    session->stop_now();
  }
}

bool websocket_session::send(shared_bytes frame) {
  const auto& options = core_->options();
  const std::lock_guard guard{mutex_};
  if (is_shut_ || frame->size() > options.frame_bytes_max ||
      unsent_bytes() + frame->size() > options.unsent_bytes_max) {
    return false;
  }
  unsent_bytes_ += frame->size();
  outgoing_.push_back(std::move(frame));
  if (!is_flush_posted_) {
    is_flush_posted_ = core_->post([self = shared_from_this()] {
      {
        const std::lock_guard inner_guard{self->mutex_};
        self->is_flush_posted_ = false;
      }
      self->write_next();
    });
  }
  return true;
}

void websocket_session::grant(std::size_t bytes) {
  core_->post([self = shared_from_this(), bytes] {
    // Saturates, for a host that grants "everything" more than once.
    constexpr auto boundless = std::numeric_limits<std::int64_t>::max() / 2;
    const auto more = static_cast<std::int64_t>(std::min<std::size_t>(bytes, boundless));
    self->credit_bytes_ = std::min(boundless, self->credit_bytes_ + more);
    self->read_more();
  });
}

void websocket_session::close() {
  {
    const std::lock_guard guard{mutex_};
    if (is_shut_) {
      return;
    }
    is_shut_ = true;
  }
  core_->post([self = shared_from_this()] {
    self->begin_close(websocket::close_code::normal, "", close_reason::local, "closed on this side");
  });
}

void websocket_session::start(connection_events events) {
  events_ = std::move(events);
  heard_ = clock::now();
  beat();
}

void websocket_session::stop_now() {
  finish(close_reason::local, "this side is stopping");
}

void websocket_session::read_more() {
  if (is_reading_ || is_closing_ || is_finished_) {
    return;
  }
  // A message that has begun is read to its end: the debt is at most one message.
  if (credit_bytes_ <= 0 && message_bytes_ == 0) {
    return;
  }
  if (message_bytes_ == 0) {
    heard_ = clock::now(); // what we did not read can't have been heard
  }
  is_reading_ = true;
  const auto more = std::min(stream_.read_size_hint(first_read_bytes), read_chunk_bytes);
  message_.resize(message_bytes_ + more);
  stream_.async_read_some(net::buffer(message_.data() + message_bytes_, more),
                          [self = shared_from_this()](error_code error, std::size_t count) {
                            self->is_reading_ = false;
                            self->take_bytes(error, count);
                          });
}

void websocket_session::take_bytes(error_code error, std::size_t count) {
  if (is_finished_) {
    return;
  }
  if (error) {
    take_read_error(error);
    return;
  }
  heard_ = clock::now();
  message_bytes_ += count;
  if (stream_.is_message_done() && !is_closing_) {
    take_message();
  }
  read_more();
}

void websocket_session::take_message() {
  if (!stream_.got_binary()) {
    begin_close(websocket::close_code::unknown_data, "binary messages only", close_reason::protocol_error,
                "the peer sent a text message where only binary ones are spoken");
    return;
  }
  message_.resize(message_bytes_);
  credit_bytes_ -= static_cast<std::int64_t>(message_bytes_);
  message_bytes_ = 0;
  auto frame = std::make_shared<const std::string>(std::move(message_));
  message_ = {};
  call_host(events_.on_frame, std::move(frame));
}

void websocket_session::take_read_error(error_code error) {
  if (is_closing_) {
    finish(reason_, reason_text_);
  } else if (error == websocket::error::closed) {
    const auto& words = stream_.reason();
    const std::string_view text{words.reason.data(), words.reason.size()};
    finish(close_reason::peer,
           "the peer closed the connection" + (text.empty() ? std::string{} : " and said: " + std::string{text}));
  } else if (error == websocket::error::message_too_big) {
    finish(close_reason::protocol_error, "the peer sent a message larger than the " +
                                             std::to_string(core_->options().frame_bytes_max) +
                                             " bytes that are allowed");
  } else if (is_broken_rule(error)) {
    finish(close_reason::protocol_error, "the peer broke the rules of WebSocket: " + error.message());
  } else {
    finish(close_reason::network, "the connection broke: " + error.message());
  }
}

void websocket_session::write_next() {
  if (is_writing_ || is_finished_ || has_said_goodbye_) {
    return;
  }
  shared_bytes frame;
  {
    const std::lock_guard guard{mutex_};
    if (!outgoing_.empty()) {
      frame = std::move(outgoing_.front());
      outgoing_.pop_front();
    }
  }
  if (!frame) {
    if (is_closing_) {
      say_goodbye();
    }
    return;
  }
  is_writing_ = true;
  const net::const_buffer bytes{frame->data(), frame->size()};
  stream_.async_write(bytes, [self = shared_from_this(), frame = std::move(frame)](error_code error, std::size_t) {
    self->is_writing_ = false;
    self->take_written(error, frame->size());
  });
}

void websocket_session::take_written(error_code error, std::size_t bytes) {
  if (is_finished_) {
    return;
  }
  if (error) {
    finish(is_closing_ ? reason_ : close_reason::network,
           is_closing_ ? reason_text_ : "the connection broke while sending: " + error.message());
    return;
  }
  const auto left = unsent_bytes_.fetch_sub(bytes) - bytes;
  if (left == 0 && !is_closing_) {
    call_host(events_.on_drained);
  }
  write_next();
}

void websocket_session::beat() {
  const auto& options = core_->options();
  heartbeat_.expires_after(options.heartbeat_interval);
  heartbeat_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->is_finished_ || self->is_closing_) {
      return;
    }
    const auto silence = clock::now() - self->heard_;
    if (self->is_reading_ && silence >= self->core_->options().heartbeat_deadline) {
      self->finish(close_reason::heartbeat_lost,
                   "the peer has not answered for " +
                       std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(silence).count()) + " ms");
      return;
    }
    if (!self->is_pinging_ && silence >= self->core_->options().heartbeat_interval / 2) {
      self->is_pinging_ = true;
      self->stream_.async_ping({}, [self](error_code ping_error) {
        self->is_pinging_ = false;
        if (ping_error && !self->is_closing_) {
          self->finish(close_reason::network, "the connection broke: " + ping_error.message());
        }
      });
    }
    self->beat();
  });
}

void websocket_session::begin_close(websocket::close_code code, std::string_view words, close_reason reason,
                                    std::string text) {
  if (is_closing_ || is_finished_) {
    return;
  }
  {
    const std::lock_guard guard{mutex_};
    is_shut_ = true;
  }
  is_closing_ = true;
  reason_ = reason;
  reason_text_ = std::move(text);
  farewell_ = websocket::close_reason{code, beast::string_view{words.data(), words.size()}};
  heartbeat_.cancel();
  goodbye_.expires_after(core_->options().close_deadline);
  goodbye_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) {
      self->finish(self->reason_, self->reason_text_);
    }
  });
  write_next();
}

void websocket_session::say_goodbye() {
  has_said_goodbye_ = true;
  stream_.async_close(farewell_,
                      [self = shared_from_this()](error_code) { self->finish(self->reason_, self->reason_text_); });
}

void websocket_session::finish(close_reason reason, std::string text) {
  if (is_finished_) {
    return;
  }
  is_finished_ = true;
  {
    const std::lock_guard guard{mutex_};
    is_shut_ = true;
    outgoing_.clear();
    unsent_bytes_ = 0;
  }
  heartbeat_.cancel();
  goodbye_.cancel();
  error_code ignored;
  stream_.next_layer().close(ignored);
  core_->leave(*this);
  --core_->connections;
  // The handlers may hold a handle to this very session.
  const auto events = std::move(events_);
  events_ = {};
  try {
    if (events.on_closed) {
      events.on_closed(reason, std::move(text));
    }
  } catch (const std::exception& trouble) { // Nobody else is left to be told.
    core_->note_error(std::string{"this side failed at the end of a connection: "} + trouble.what());
  }
}

template <typename Handler, typename... Arguments>
void websocket_session::call_host(const Handler& handler, Arguments&&... arguments) {
  if (!handler) {
    return;
  }
  try {
    handler(std::forward<Arguments>(arguments)...);
  } catch (const std::exception& trouble) {
    const auto text = std::string{"this side failed at a message: "} + trouble.what();
    core_->note_error(text);
    finish(close_reason::local, text);
  }
}

} // namespace tandem::bridge
