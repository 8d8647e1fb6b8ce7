#include "bridge/http_page.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <utility>

#include "messages/page.hpp"

namespace tandem::bridge {
namespace {

// What may lie at the page without being acknowledged, beyond what counts as unsent.
constexpr std::size_t kept_bytes = limits::page_kept_bytes - limits::page_unsent_bytes_max;

class http_handle final : public connection {
public:
  explicit http_handle(std::shared_ptr<http_page> page) : page_{std::move(page)} {}
  http_handle(const http_handle&) = delete;
  http_handle& operator=(const http_handle&) = delete;
  ~http_handle() override { page_->close(); }

  bool send(shared_bytes frame) override { return page_->send(std::move(frame)); }
  [[nodiscard]] std::size_t unsent_bytes() const override { return page_->unsent_bytes(); }
  void grant(std::size_t bytes) override { page_->grant(bytes); }
  void close() override { page_->close(); }
  [[nodiscard]] std::string peer_name() const override { return page_->peer_name(); }

private:
  const std::shared_ptr<http_page> page_;
};

} // namespace

http_page::http_page(std::shared_ptr<websocket_core> core, std::string peer_name, std::function<void()> on_over)
    : core_{std::move(core)}, peer_name_{std::move(peer_name)}, on_over_{std::move(on_over)}, idle_{core_->io()},
      heartbeat_{core_->io()} {
  core_->enter(*this);
  ++core_->connections;
}

http_page::~http_page() = default;

void http_page::start(const std::function<connection_events(shared_connection)>& introduce) {
  attach(nullptr);
  beat();
  try {
    events_ = introduce(std::make_shared<http_handle>(shared_from_this()));
  } catch (const std::exception& trouble) {
    core_->note_error(std::string{"this side failed at a new page: "} + trouble.what());
    stop_now();
  }
}

bool http_page::send(shared_bytes frame) {
  if (is_shut_ || frame->size() > limits::frame_bytes_max ||
      queued_bytes_ + frame->size() > limits::socket_unsent_bytes_max) {
    return false;
  }
  queued_bytes_ += frame->size();
  return core_->post([self = shared_from_this(), frame = std::move(frame)]() mutable { self->put(std::move(frame)); });
}

std::size_t http_page::unsent_bytes() const {
  const auto queued = queued_bytes_.load();
  return queued - std::min(queued, kept_bytes);
}

void http_page::grant(std::size_t bytes) {
  core_->post([self = shared_from_this(), bytes] {
    self->credit_bytes_ += static_cast<std::int64_t>(bytes);
    self->deliver();
  });
}

void http_page::close() {
  if (is_shut_.exchange(true)) {
    return;
  }
  core_->post([self = shared_from_this()] {
    if (self->is_over_) {
      return;
    }
    // What is queued may still be fetched.
    self->is_closing_ = true;
    if (const auto reader = self->reader_.lock()) {
      reader->look();
    }
    self->idle_.expires_after(self->core_->options().close_deadline);
    self->idle_.async_wait([self](error_code stopped) {
      if (!stopped) {
        self->finish(close_reason::local, "closed on this side");
      }
    });
  });
}

void http_page::stop_now() {
  finish(close_reason::local, "this side is stopping");
}

void http_page::end() {
  finish(close_reason::peer, "the page has closed it");
}

void http_page::put(shared_bytes frame) {
  if (is_over_) {
    return;
  }
  const auto size = frame->size();
  if (!mailbox_.put(std::move(frame))) {
    queued_bytes_ -= size;
    finish(close_reason::network, "the page does not fetch what is sent to it");
    return;
  }
  if (const auto reader = reader_.lock()) {
    reader->look();
  }
}

void http_page::acknowledge(std::uint64_t number) {
  const auto before = mailbox_.bytes_kept();
  mailbox_.acknowledge(number);
  const auto gone = before - mailbox_.bytes_kept();
  queued_bytes_ -= gone;
  if (gone != 0) {
    note_room();
  }
}

void http_page::note_room() {
  if (!is_over_ && unsent_bytes() < limits::page_unsent_bytes_max && events_.on_drained) {
    events_.on_drained();
  }
}

void http_page::take_letter(std::uint64_t number, std::string_view letter, answer answer) {
  if (is_over_ || is_closing_) {
    answer(410, "network", "this session has ended; open a new one");
    return;
  }
  auto frames = split_frames(letter);
  if (!frames) {
    answer(400, "protocol", "the body is not made of frames with their length before each");
    return;
  }
  if (waiting_) {
    answer(429, "busy", "another request of this session is being taken; send them one after the other");
    return;
  }
  const auto place = mailbox_.take_letter(number);
  if (place == page_letter::gap) {
    answer(409, "protocol",
           "the requests of this session up to " + std::to_string(mailbox_.letters()) +
               " have come; the one after that comes next");
    return;
  }
  if (place == page_letter::fresh) {
    undelivered_.assign(std::make_move_iterator(frames->begin()), std::make_move_iterator(frames->end()));
  }
  waiting_ = std::move(answer);
  deliver();
}

/// As with sockets, nothing is read without credit: the host may not be there yet, or be busy. The answer waits as
/// long, so that the page sends no more.
void http_page::deliver() {
  while (!is_over_ && credit_bytes_ > 0 && !undelivered_.empty()) {
    const auto frame = std::move(undelivered_.front());
    undelivered_.pop_front();
    credit_bytes_ -= static_cast<std::int64_t>(frame->size());
    if (events_.on_frame) {
      events_.on_frame(frame);
    }
  }
  if (waiting_ && (undelivered_.empty() || is_over_)) {
    std::exchange(waiting_, {})(204, {}, {});
  }
}

void http_page::attach(const std::shared_ptr<http_reader>& reader) {
  const auto before = reader_.lock();
  reader_ = reader;
  if (before && before != reader) {
    before->look();
  }
  if (is_closing_) {
    return;
  }
  idle_.cancel();
  if (reader) {
    return;
  }
  idle_.expires_after(std::chrono::milliseconds{limits::page_absent_ms_max});
  idle_.async_wait([self = shared_from_this()](error_code stopped) {
    if (!stopped && self->reader_.expired()) {
      self->finish(close_reason::peer, "the page has not fetched anything for too long");
    }
  });
}

void http_page::detach(const http_reader& reader) {
  if (!is_over_ && is_attached(reader)) {
    reader_.reset();
    attach(nullptr);
  }
}

void http_page::beat() {
  heartbeat_.expires_after(std::chrono::milliseconds{limits::page_heartbeat_ms});
  heartbeat_.async_wait([self = shared_from_this()](error_code stopped) {
    if (stopped || self->is_over_) {
      return;
    }
    if (!self->reader_.expired()) {
      const auto now = std::chrono::system_clock::now().time_since_epoch();
      self->send(
          messages::encode(messages::page::beat{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()}));
    }
    self->beat();
  });
}

void http_page::finish(close_reason reason, const std::string& text) {
  if (is_over_) {
    return;
  }
  is_over_ = true;
  is_shut_ = true;
  idle_.cancel();
  heartbeat_.cancel();
  core_->leave(*this);
  --core_->connections;
  deliver();
  if (const auto reader = reader_.lock()) {
    reader->look();
  }
  // The handlers may hold a handle to this very page.
  const auto events = std::exchange(events_, {});
  on_over_();
  if (events.on_closed) {
    events.on_closed(reason, text);
  }
}

} // namespace tandem::bridge
