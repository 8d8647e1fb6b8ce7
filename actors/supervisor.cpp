#include "actors/supervisor.hpp"

#include <array>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "actors/measuring.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {

using messages::internal;

namespace {

// Whoever gives ends before whoever takes, so that nothing is left in a mailbox.
constexpr std::array stop_order = {role::dialer,  role::observer, role::queue,   role::endpoint,
                                   role::arbiter, role::batcher,  role::monitor, role::host};

/// Such actors end with their link, and their failure ends no more than it: whoever calls decides how often that
/// happens, and must not be able to end the node.
bool is_of_a_link(address who) {
  return who.who == role::queue || who.who == role::endpoint;
}

messages::end_link paused() {
  return {false, messages::failure_code::network, "sync is paused at this node", true};
}

} // namespace

supervisor::supervisor(staff& workers, std::uint64_t dialers) : workers_{workers}, dialers_{dialers} {}

void supervisor::start(outbox& /*out*/) {
  for (const auto who : {role::host, role::monitor, role::batcher, role::arbiter, role::observer})
    spawn({who});
  for (std::uint64_t number = 1; number <= dialers_; ++number)
    spawn({role::dialer, number});
}

void supervisor::spawn(address who) {
  alive_.insert(who);
  workers_.spawn(who);
}

void supervisor::receive(const frame& message, outbox& out) {
  switch (tag_as<internal>(message)) {
  case internal::link_opened:
    open(messages::decode<messages::link_opened>(message.bytes()), out);
    break;
  case internal::link_closed:
    close(messages::decode<messages::link_closed>(message.bytes()), out);
    break;
  case internal::link_ready:
    if (const auto found = links_.find(message.from().number); found != links_.end())
      found->second.was_ready = true;
    break;
  case internal::end_link:
    if (const auto found = links_.find(message.from().number); found != links_.end()) {
      const auto why = messages::decode<messages::end_link>(message.bytes());
      found->second.is_refusal = why.is_refusal;
      found->second.is_planned = why.is_planned;
      found->second.reason = why.text;
    }
    break;
  case internal::close_all_links:
    close_all(messages::decode<messages::close_all_links>(message.bytes()).text);
    break;
  case internal::pause_links:
    pause(messages::decode<messages::pause_links>(message.bytes()), out);
    break;
  case internal::stop_node:
    stop(out);
    break;
  case internal::actor_ended:
    take_end(messages::decode<messages::actor_ended>(message.bytes()), out);
    break;
  default:
    break;
  }
}

void supervisor::open(const messages::link_opened& news, outbox& out) {
  auto& opened = links_[news.link];
  opened.dialer = news.dialer;
  opened.is_page = news.is_page;
  if (is_stopping_) {
    workers_.close_connection(news.link);
    return;
  }
  if (!news.is_page)
    spawn({role::queue, news.link});
  spawn({role::endpoint, news.link});
  if (is_paused_ && !news.is_page)
    out.send({role::endpoint, news.link}, paused());
}

/// Links say goodbye, so that peers know why; the cursors on disk tell where each goes on.
void supervisor::pause(const messages::pause_links& order, outbox& out) {
  if (is_stopping_ || std::exchange(is_paused_, order.is_paused) == order.is_paused)
    return;
  spdlog::info("the supervisor {} sync", is_paused_ ? "pauses" : "resumes");
  for (std::uint64_t number = 1; number <= dialers_; ++number)
    out.send({role::dialer, number}, order);
  for (const auto who : {role::host, role::monitor})
    out.send({who}, order);
  if (!is_paused_)
    return;
  for (const auto& [number, link] : links_)
    if (!link.is_page)
      out.send({role::endpoint, number}, paused());
}

void supervisor::close(const messages::link_closed& news, outbox& out) {
  const auto found = links_.find(news.link);
  if (found == links_.end())
    return;
  const auto link = std::move(found->second);
  links_.erase(found);
  auto told = news;
  told.is_refusal = news.is_refusal || link.is_refusal;
  told.was_ready = link.was_ready;
  told.is_planned = news.is_planned || link.is_planned;
  if (!link.reason.empty())
    told.text = link.reason;
  for (const auto who : {role::queue, role::endpoint})
    if (alive_.contains({who, news.link}))
      workers_.end({who, news.link});
  workers_.forget_connection(news.link);
  if (link.is_page) // Pages are nothing to those who care for links.
    return;
  for (const auto who : {role::arbiter, role::batcher, role::host, role::monitor})
    out.send({who}, told);
  if (link.dialer != 0)
    out.send({role::dialer, link.dialer}, told);
}

void supervisor::take_end(const messages::actor_ended& news, outbox& out) {
  const address who{news.who, news.number};
  alive_.erase(who);
  if (is_stopping_) {
    end_next_stage();
    return;
  }
  if (news.was_ordered)
    return;
  if (!is_of_a_link(who) && !may_restart(out.now_us())) {
    give_up("the " + who.text() + " failed " + std::to_string(limits::restarts_max + 1) + " times within a minute (" +
                news.text + ")",
            out);
    return;
  }
  tell_monitor(out, {{metric::actors_restarted, static_cast<std::uint64_t>(who.who), 1}});
  spdlog::warn("the supervisor starts anew what the {} did", who.text());
  mend(who, out);
}

void supervisor::mend(address who, outbox& out) {
  switch (who.who) {
  case role::queue:
  case role::endpoint:
    workers_.close_connection(who.number); // A link is whole or not at all; it comes back by dialing.
    return;
  case role::arbiter:
  case role::batcher: // What they knew of the links is gone: every link begins anew from the cursors on disk.
    spawn(who);
    close_all("a part of this node was started anew");
    return;
  default:
    spawn(who);
    if (who.who == role::dialer && is_paused_)
      out.send(who, messages::pause_links{true});
  }
}

bool supervisor::may_restart(std::int64_t now_us) {
  restarts_us_.push_back(now_us);
  while (now_us - restarts_us_.front() > limits::restart_window_ms * us_per_ms)
    restarts_us_.pop_front();
  return restarts_us_.size() <= limits::restarts_max;
}

void supervisor::close_all(const std::string& why) {
  for (auto& [number, link] : links_) {
    if (link.is_page)
      continue;
    link.reason = link.reason.empty() ? why : link.reason;
    workers_.close_connection(number);
  }
}

void supervisor::give_up(const std::string& why, outbox& out) {
  spdlog::error("the supervisor gives up: {}", why);
  out.send({role::host}, messages::gave_up{why.substr(0, limits::reason_bytes_max)});
  stop(out);
}

void supervisor::stop(outbox& /*out*/) {
  if (std::exchange(is_stopping_, true))
    return;
  end_next_stage();
}

void supervisor::end_next_stage() {
  for (; stage_ < stop_order.size(); ++stage_) {
    std::vector<address> these;
    for (const auto& who : alive_)
      if (who.who == stop_order[stage_])
        these.push_back(who);
    if (these.empty())
      continue;
    for (const auto& who : these)
      workers_.end(who);
    return;
  }
  if (!std::exchange(is_finished_, true))
    workers_.finish();
}

} // namespace tandem::actors
