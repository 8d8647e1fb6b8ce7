#include "actors/dialer.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "actors/measuring.hpp"
#include "messages/internal.hpp"
#include "messages/limits.hpp"
#include "messages/plain_text.hpp"

namespace tandem::actors {

using messages::internal;

namespace {

constexpr auto paused_text = "sync is paused here; resume it to go on";

} // namespace

dialer::dialer(dialer_options options) : options_{std::move(options)}, random_{options_.seed} {}

void dialer::start(outbox& out) {
  if (out.measures())
    out.send({role::monitor}, news_of(messages::link_phase::phase::connecting, {}, out));
  tick(out);
}

void dialer::tick(outbox& /*out*/) {
  if (is_paused_ || !is_waiting_)
    return;
  is_waiting_ = false;
  ++tries_;
  options_.dial();
}

void dialer::receive(const frame& message, outbox& out) {
  switch (tag_as<internal>(message)) {
  case internal::dial_failed: {
    const auto news = messages::decode<messages::dial_failed>(message.bytes());
    tell_monitor(out, {{news.is_refusal ? metric::links_refused : metric::dials_failed, 0, 1}});
    retry_later(news.is_refusal, news.text, out);
    break;
  }
  case internal::link_closed: {
    const auto news = messages::decode<messages::link_closed>(message.bytes());
    if (news.was_ready && !news.is_refusal)
      tries_ = 1; // It was a good link: begin with short waits again.
    retry_later(news.is_refusal, news.text, out);
    break;
  }
  case internal::pause_links:
    pause(messages::decode<messages::pause_links>(message.bytes()).is_paused, out);
    break;
  default:
    break;
  }
}

std::int64_t dialer::wait_ms(std::uint32_t tries, std::mt19937_64& random) {
  auto wait = limits::retry_ms_min;
  for (std::uint32_t i = 1; i < tries && wait < limits::retry_ms_max; ++i)
    wait *= 2;
  wait = std::min(wait, limits::retry_ms_max);
  return wait - static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(wait / 2 + 1));
}

void dialer::retry_later(bool is_refusal, const std::string& why, outbox& out) {
  is_waiting_ = true;
  if (is_paused_)
    return tell(messages::link_phase::phase::paused, paused_text, out);
  auto wait = wait_ms(tries_, random_);
  if (is_refusal)
    wait = std::max(wait, limits::refused_retry_ms);
  if (!std::exchange(has_complained_, true))
    spdlog::warn("the dialer can't keep a link with {} now ({}) and goes on trying", options_.url,
                 messages::one_line(why));
  tell(is_refusal ? messages::link_phase::phase::refused : messages::link_phase::phase::connecting, why, out);
  out.wake_at(out.now_us() + wait * us_per_ms);
}

void dialer::pause(bool is_paused, outbox& out) {
  is_paused_ = is_paused;
  if (!is_waiting_) // A link or a try is under way: its end will be told.
    return;
  if (is_paused_)
    return tell(messages::link_phase::phase::paused, paused_text, out);
  tries_ = 0;
  tell(messages::link_phase::phase::connecting, "sync goes on", out);
  tick(out);
}

messages::link_phase dialer::news_of(messages::link_phase::phase now, const std::string& why, const outbox& out) const {
  messages::link_phase news;
  news.now = now;
  news.dialer = out.self().number;
  news.peer_name = options_.url;
  news.text = why;
  return news;
}

void dialer::tell(messages::link_phase::phase now, const std::string& why, outbox& out) const {
  const auto news = news_of(now, why, out);
  out.send({role::host}, news);
  if (out.measures())
    out.send({role::monitor}, news);
}

} // namespace tandem::actors
