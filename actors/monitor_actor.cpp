#include "actors/monitor_actor.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "messages/limits.hpp"
#include "messages/measurement.hpp"

namespace tandem::actors {

using messages::internal;
using messages::metric;

namespace {

constexpr std::int64_t goodbye_age_us = 3'600'000'000;

} // namespace

monitor_actor::monitor_actor(std::shared_ptr<const switchboard> actors, std::shared_ptr<measure_board> board)
    : actors_{std::move(actors)}, board_{std::move(board)} {}

void monitor_actor::start(outbox& out) {
  if (out.measures())
    tick(out);
}

void monitor_actor::tick(outbox& out) {
  const auto now_us = out.now_us();
  const bool is_due = now_us >= process_again_us_;
  // Some twenty small files of /proc: read before the lock is taken.
  auto process = is_due ? monitor::read_process_figures(board_->setup().database) : monitor::process_figures{};
  board_->write(now_us, [&](monitor::ledger& ledger) {
    look_at_mailboxes(ledger);
    if (!is_due)
      return;
    ledger.note_process(std::move(process));
    ledger.note_history(board_->setup().wall_ms ? board_->setup().wall_ms() : 0, now_us);
  });
  if (is_due)
    process_again_us_ = now_us + limits::figures_interval_ms * us_per_ms;
  board_->judge();
  out.wake_at(now_us + limits::measure_interval_ms * us_per_ms);
}

void monitor_actor::look_at_mailboxes(monitor::ledger& ledger) const {
  ledger.clear_mailboxes();
  for (const auto& load : actors_->loads())
    ledger.note_mailbox(std::string{messages::name_of(load.where.who)}, load.items, load.bytes, load.items_peak,
                        load.bytes_peak);
}

void monitor_actor::receive(const frame& message, outbox& out) {
  switch (tag_as<internal>(message)) {
  case internal::measurements:
    take(message, messages::decode<messages::measurements>(message.bytes()), out);
    break;
  case internal::handled: {
    const auto news = messages::decode<messages::handled>(message.bytes());
    const std::string who{messages::name_of(message.from().who)};
    board_->write(out.now_us(), [&](monitor::ledger& ledger) { ledger.note_handled(who, news, out.now_us()); });
    break;
  }
  case internal::database_figures: {
    const auto news = messages::decode<messages::database_figures>(message.bytes());
    board_->write(out.now_us(), [&](monitor::ledger& ledger) { ledger.note_database(news); });
    break;
  }
  case internal::link_phase:
    take(messages::decode<messages::link_phase>(message.bytes()), out);
    break;
  case internal::pause_links: {
    const std::uint64_t is_paused = messages::decode<messages::pause_links>(message.bytes()).is_paused ? 1 : 0;
    board_->write(out.now_us(),
                  [&](monitor::ledger& ledger) { ledger.add(metric::sync_paused, "", is_paused, out.now_us()); });
    break;
  }
  case internal::link_closed:
    take(messages::decode<messages::link_closed>(message.bytes()), out);
    break;
  default:
    break;
  }
}

std::optional<std::string> monitor_actor::label_of(const messages::sample& each, const frame& message) const {
  if (each.what >= metric::end)
    return std::nullopt;
  const auto label = monitor::info_of(each.what).label;
  if (label == "actor") {
    const auto who =
        each.what == metric::actors_restarted ? static_cast<messages::role>(each.link) : message.from().who;
    return std::string{messages::name_of(who)};
  }
  if (label.empty())
    return std::string{};
  const auto found = peers_.find(each.link);
  return found == peers_.end() ? std::nullopt : std::optional{found->second};
}

void monitor_actor::take(const frame& message, const messages::measurements& news, outbox& out) {
  const auto now_us = out.now_us();
  const auto wall_ms = news.trace.empty() || !board_->setup().wall_ms ? 0 : board_->setup().wall_ms();
  board_->write(now_us, [&](monitor::ledger& ledger) {
    for (const auto& each : news.samples)
      if (const auto label = label_of(each, message))
        ledger.add(each.what, *label, each.value, now_us);
    if (news.trail.empty() || news.samples.empty())
      return;
    if (const auto found = peers_.find(news.samples.front().link); found != peers_.end())
      ledger.note_trail(found->second, {news.trail, news.trace, wall_ms}, now_us);
  });
}

void monitor_actor::take(const messages::link_phase& news, outbox& out) {
  // The arbiter may say so of a link whose end the supervisor has told already.
  if (news.now != messages::link_phase::phase::linked || std::ranges::find(closed_, news.link) != closed_.end())
    return;
  // What a peer calls itself need not be its own alone.
  const auto name = news.peer_name.substr(0, limits::label_bytes_max);
  auto label = name;
  for (const auto& [link, other] : peers_)
    if (other == label && link != news.link)
      label = name + " " + news.site.to_short();
  peers_[news.link] = label;
  const auto former = std::exchange(latest_names_[news.site], label);
  if (latest_names_.size() > limits::measured_peers_max)
    latest_names_.erase(news.site == latest_names_.begin()->first ? std::prev(latest_names_.end())
                                                                  : latest_names_.begin());
  const auto now_us = out.now_us();
  board_->write(now_us, [&](monitor::ledger& ledger) {
    if (!former.empty() && former != label)
      ledger.forget_link(former);
    ledger.note_link(label, true, now_us);
  });
}

void monitor_actor::take(const messages::link_closed& news, outbox& out) {
  const auto found = peers_.find(news.link);
  if (found == peers_.end())
    closed_.push_back(news.link);
  if (closed_.size() > limits::connections_max)
    closed_.pop_front();
  if (found == peers_.end() && !news.is_refusal)
    return;
  const auto label = found == peers_.end() ? std::string{"unknown"} : found->second;
  const auto now_us = out.now_us();
  board_->write(now_us, [&](monitor::ledger& ledger) {
    if (!news.is_planned)
      ledger.add(news.is_refusal ? metric::links_refused : metric::links_lost, label, 1, now_us);
    // A peer that said goodbye was switched off, and has been away for as long as anybody cares.
    if (found != peers_.end())
      ledger.note_link(label, false, news.is_planned ? now_us - goodbye_age_us : now_us);
  });
  if (found != peers_.end())
    peers_.erase(found);
}

} // namespace tandem::actors
