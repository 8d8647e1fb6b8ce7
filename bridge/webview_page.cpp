#include "bridge/webview_page.hpp"

#include <algorithm>
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
  } else if (verb == "turn" && number) {
    take_turn(*number, rest, std::move(answer));
  } else if (verb == "wait" && number && rest.empty()) {
    wait(*number, std::move(answer));
  } else if (verb == "pull" && number && rest.empty()) {
    pull(*number, answer);
  } else {
    answer("protocol: a page says 'SESSION send N BASE64', 'SESSION turn N AFTER BASE64', 'SESSION wait AFTER' or "
           "'SESSION pull AFTER'",
           true);
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
  if (letters_.size() >= limits::page_letters_max) {
    answer("busy: wait for the answers to what was sent before", true);
    return;
  }
  const auto place = mailbox_.take_letter(number);
  if (place == page_letter::gap) {
    answer("protocol: what was sent before has not come", true);
    return;
  }
  auto& taken = letters_.emplace_back();
  taken.taken_up = std::move(answer);
  if (place == page_letter::fresh) {
    taken.frames.assign(std::make_move_iterator(frames->begin()), std::make_move_iterator(frames->end()));
  }
  deliver();
}

/// One message there and back for a request and its answer: what answers this letter is what comes next.
void webview_page::take_turn(std::uint64_t number, std::string_view rest, answer answer) {
  const auto after = number_of(next_word(rest));
  if (!after) {
    answer("protocol: a page says 'SESSION turn N AFTER BASE64'", true);
    return;
  }
  waits_ = true;
  take_letter(number, rest, [this, after = *after, answer = std::move(answer)](const std::string& text, bool is_error) {
    if (is_error) {
      answer(text, true);
    } else {
      hold(after, answer);
    }
  });
}

/// As with sockets, nothing is read without credit; the answer waits as long.
void webview_page::deliver() {
  while (!letters_.empty()) {
    auto& frames = letters_.front().frames;
    if (!is_over_ && !frames.empty()) {
      if (!has_credit()) {
        return;
      }
      const auto frame = std::move(frames.front());
      frames.pop_front();
      credit_bytes_ -= static_cast<std::int64_t>(frame->size());
      if (events_.on_frame) {
        events_.on_frame(frame); // May come back to this function.
      }
      continue;
    }
    const auto done = std::move(letters_.front());
    letters_.pop_front();
    done.taken_up({}, false);
  }
}

bool webview_page::has_credit() {
  if (credit_bytes_ > 0) {
    return true;
  }
  wants_credit_ = true; // Before the second look, so that no grant gets lost in between.
  return credit_bytes_ > 0;
}

/// A page that says so has no other question open: it knows what it has.
void webview_page::wait(std::uint64_t after, answer answer) {
  waits_ = true;
  if (held_.empty()) {
    handed_ = after;
  }
  hold(after, std::move(answer));
}

/// An answer may be on its way while the page's next letter, which does not know of it, is: so what was handed out is
/// not handed out again. Answers reach a page in their order.
void webview_page::hold(std::uint64_t after, answer answer) {
  if (is_over_) {
    answer("network: this session has ended; begin a new one", true);
    return;
  }
  handed_ = std::max(handed_, after);
  held_.push_back(std::move(answer));
  acknowledge(after);
  if (mailbox_.last() > handed_) {
    tell_next();
  } else if (held_.size() > limits::page_held_answers_max) {
    const auto oldest = std::move(held_.front());
    held_.pop_front();
    oldest(std::to_string(handed_) + " ", false);
  }
}

void webview_page::tell_next() {
  const auto found = mailbox_.after(handed_, limits::page_message_bytes_target);
  if (!found || held_.empty()) {
    return;
  }
  const auto oldest = std::move(held_.front());
  held_.pop_front();
  handed_ = found->last;
  oldest(std::to_string(found->last) + " " + to_base64(found->frames), false);
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
  if (!held_.empty()) {
    tell_next();
  } else if (!waits_ && !std::exchange(has_rung_, true)) {
    loop_.ring("window.tandemDoorbell && tandemDoorbell('" + session_ + "', " + std::to_string(mailbox_.last()) + ")");
  }
}

void webview_page::beat(std::int64_t time_ms) {
  has_rung_ = false;
  send(messages::encode(messages::page::beat{time_ms}));
}

/// The main loop is not woken for what nobody waits for.
void webview_page::grant(std::size_t bytes) {
  credit_bytes_ += static_cast<std::int64_t>(bytes);
  if (wants_credit_.exchange(false)) {
    loop_.post([self = shared_from_this()] { self->deliver(); });
  }
}

/// What is queued may still be pulled: the page keeps the mailbox until it goes or begins anew.
void webview_page::close() {
  if (is_shut_.exchange(true)) {
    return;
  }
  loop_.post([self = shared_from_this()] {
    const auto events = std::exchange(self->events_, {});
    for (auto& each : self->letters_) {
      each.frames.clear();
    }
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
  for (const auto& each : std::exchange(held_, {})) {
    each("network: " + text, true);
  }
  const auto events = std::exchange(events_, {});
  if (events.on_closed) {
    events.on_closed(close_reason::peer, text);
  }
}

} // namespace tandem::bridge
