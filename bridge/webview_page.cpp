#include "bridge/webview_page.hpp"

#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include "bridge/base64.hpp"
#include "messages/page.hpp"

namespace tandem::bridge {
namespace {

class webview_handle final : public connection {
public:
  explicit webview_handle(std::shared_ptr<webview_page> page) : page_{std::move(page)} {}
  webview_handle(const webview_handle&) = delete;
  webview_handle& operator=(const webview_handle&) = delete;
  ~webview_handle() override { page_->close(); }

  bool send(shared_bytes frame) override { return page_->send(std::move(frame)); }
  [[nodiscard]] std::size_t unsent_bytes() const override { return page_->unsent_bytes(); }
  void grant(std::size_t bytes) override { page_->grant(bytes); }
  void close() override { page_->close(); }
  [[nodiscard]] std::string peer_name() const override { return "the page in the WebView"; }

private:
  const std::shared_ptr<webview_page> page_;
};

/// The word up to the next blank; `rest` goes on behind it.
std::string_view next_word(std::string_view& rest) {
  const auto end = std::min(rest.find(' '), rest.size());
  const auto word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t result = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result);
  return error == std::errc{} && end == digits.data() + digits.size() ? std::optional{result} : std::nullopt;
}

} // namespace

void webview_page::start(const page_handler& on_accept) {
  events_ = on_accept(std::make_shared<webview_handle>(shared_from_this()), {});
}

void webview_page::take(std::string_view message, answer answer) {
  auto rest = message;
  const auto verb = next_word(rest);
  const auto number = number_of(next_word(rest));
  if (is_over_) {
    answer("network: this session has ended; begin a new one", true);
  } else if (verb == "send" && number) {
    take_letter(*number, rest, std::move(answer));
  } else if (verb == "wait" && number && rest.empty()) {
    wait(*number, std::move(answer));
  } else if (verb == "pull" && number && rest.empty()) {
    pull(*number, answer);
  } else {
    answer("protocol: a page says 'SESSION send N BASE64', 'SESSION wait AFTER' or 'SESSION pull AFTER'", true);
  }
}

void webview_page::take_letter(std::uint64_t number, std::string_view encoded, answer answer) {
  if (encoded.size() / 4 * 3 > limits::page_letter_bytes_max) {
    answer("limit: more was sent at once than is allowed", true);
    return;
  }
  const auto letter = from_base64(encoded);
  auto frames = letter ? split_frames(*letter) : std::nullopt;
  if (!frames) {
    answer("protocol: what was sent is not made of frames", true);
    return;
  }
  if (taken_up_) {
    answer("busy: send one after the other", true);
    return;
  }
  const auto place = mailbox_.take_letter(number);
  if (place == page_letter::gap) {
    answer("protocol: what was sent before has not come", true);
    return;
  }
  if (place == page_letter::fresh) {
    undelivered_.assign(std::make_move_iterator(frames->begin()), std::make_move_iterator(frames->end()));
  }
  taken_up_ = std::move(answer);
  deliver();
}

/// As with sockets, nothing is read without credit; the answer waits as long.
void webview_page::deliver() {
  while (!is_over_ && credit_bytes_ > 0 && !undelivered_.empty()) {
    const auto frame = std::move(undelivered_.front());
    undelivered_.pop_front();
    credit_bytes_ -= static_cast<std::int64_t>(frame->size());
    if (events_.on_frame) {
      events_.on_frame(frame);
    }
  }
  if (taken_up_ && (undelivered_.empty() || is_over_)) {
    std::exchange(taken_up_, {})({}, false);
  }
}

/// Half the way of a doorbell: what comes is the answer itself. A page waits once; the newer one is answered.
void webview_page::wait(std::uint64_t after, answer answer) {
  waits_ = true;
  if (come_) {
    std::exchange(come_, {})(std::to_string(seen_) + " ", false);
  }
  if (mailbox_.last() > after) {
    pull(after, answer);
    return;
  }
  seen_ = after;
  come_ = std::move(answer);
  acknowledge(after);
}

void webview_page::acknowledge(std::uint64_t number) {
  const auto before = mailbox_.bytes_kept();
  mailbox_.acknowledge(number);
  unsent_bytes_ -= before - mailbox_.bytes_kept();
  if (before != mailbox_.bytes_kept() && unsent_bytes_ < limits::page_unsent_bytes_max && events_.on_drained) {
    events_.on_drained();
  }
}

void webview_page::pull(std::uint64_t after, const answer& answer) {
  acknowledge(after);
  const auto found = mailbox_.after(after, limits::page_message_bytes_target);
  if (!found) {
    has_rung_ = false; // What comes from now on rings again.
    answer(std::to_string(after) + " ", false);
  } else {
    answer(std::to_string(found->last) + " " + to_base64(found->frames), false);
  }
}

bool webview_page::send(shared_bytes frame) {
  if (is_shut_ || unsent_bytes_ + frame->size() > limits::socket_unsent_bytes_max) {
    return false;
  }
  unsent_bytes_ += frame->size();
  loop_.post([self = shared_from_this(), frame = std::move(frame)] {
    if (!self->is_over_ && self->mailbox_.put(frame)) {
      self->announce();
    }
  });
  return true;
}

void webview_page::announce() {
  if (come_) {
    pull(seen_, std::exchange(come_, {}));
  } else if (!waits_ && !std::exchange(has_rung_, true)) {
    loop_.ring("window.tandemDoorbell && tandemDoorbell('" + session_ + "', " + std::to_string(mailbox_.last()) + ")");
  }
}

void webview_page::beat(std::int64_t time_ms) {
  has_rung_ = false;
  send(messages::encode(messages::page::beat{time_ms}));
}

void webview_page::grant(std::size_t bytes) {
  loop_.post([self = shared_from_this(), bytes] {
    self->credit_bytes_ += static_cast<std::int64_t>(bytes);
    self->deliver();
  });
}

/// What is queued may still be pulled: the page keeps the mailbox until it goes or begins anew.
void webview_page::close() {
  if (is_shut_.exchange(true)) {
    return;
  }
  loop_.post([self = shared_from_this()] {
    const auto events = std::exchange(self->events_, {});
    self->undelivered_.clear();
    self->deliver();
    if (events.on_closed) {
      events.on_closed(close_reason::local, "closed on this side");
    }
  });
}

void webview_page::end(const std::string& text) {
  if (std::exchange(is_over_, true)) {
    return;
  }
  is_shut_ = true;
  deliver();
  if (come_) {
    std::exchange(come_, {})("network: " + text, true);
  }
  const auto events = std::exchange(events_, {});
  if (events.on_closed) {
    events.on_closed(close_reason::peer, text);
  }
}

} // namespace tandem::bridge
