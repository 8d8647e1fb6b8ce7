#include "actors/monitor_actor.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <spdlog/spdlog.h>

#include "messages/limits.hpp"
#include "messages/measurement.hpp"
#include "messages/plain_text.hpp"

namespace tandem::actors {

using messages::internal;
using messages::metric;

namespace {

using monitor::dialing_figures;

dialing_figures::state state_of(messages::link_phase::phase now) {
  using phase = messages::link_phase::phase;
  using state = dialing_figures::state;
  return now == phase::linked    ? state::linked
         : now == phase::refused ? state::refused
         : now == phase::paused  ? state::paused
                                 : state::calling;
}

messages::alert_news news_of(const monitor::alert& alert, bool is_over) {
  const auto cut = [](const std::string& text) {
    return text.substr(0, limits::reason_bytes_max);
  };
  return {is_over,     alert.rule,          alert.severity,   cut(alert.subject),
          alert.value, cut(alert.evidence), cut(alert.cause), cut(alert.step)};
}

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
    look_at_network(ledger, now_us);
    if (!is_due)
      return;
    ledger.note_process(std::move(process));
    ledger.note_history(board_->setup().wall_ms ? board_->setup().wall_ms() : 0, now_us);
  });
  if (is_due)
    process_again_us_ = now_us + limits::figures_interval_ms * us_per_ms;
  const auto found = board_->judge();
  for (const auto& each : found.raised)
    out.send({role::host}, news_of(each, false));
  for (const auto& each : found.cleared)
    out.send({role::host}, news_of(each, true));
  out.wake_at(now_us + limits::measure_interval_ms * us_per_ms);
}

void monitor_actor::look_at_mailboxes(monitor::ledger& ledger) const {
  ledger.clear_mailboxes();
  for (const auto& load : actors_->loads())
    ledger.note_mailbox(std::string{messages::name_of(load.where.who)}, load.items, load.bytes, load.items_peak,
                        load.bytes_peak);
}

/// What happens outside of actors is asked for.
void monitor_actor::look_at_network(monitor::ledger& ledger, std::int64_t now_us) {
  if (!board_->setup().network || !board_->setup().busy_opens)
    return;
  auto& known = board_->links();
  const auto found = board_->setup().network();
  const auto busy_opens = board_->setup().busy_opens();
  if (const auto more = busy_opens - std::exchange(known.busy_opens, busy_opens); more > 0)
    ledger.add(metric::errors_swallowed, monitor::storage_errors, more, now_us);
  const auto refused = found.refused - std::exchange(known.refused, found.refused);
  const auto errors = found.errors - std::exchange(known.errors, found.errors);
  ledger.note_network(refused, errors, found.latest_error, now_us);
  if (errors > 0)
    spdlog::warn("the network had {} errors lately, the latest: {}", errors, messages::one_line(found.latest_error));
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
  case internal::database_figures:
    take(messages::decode<messages::database_figures>(message.bytes()), out);
    break;
  case internal::link_phase: {
    const auto news = messages::decode<messages::link_phase>(message.bytes());
    if (message.from().who == role::dialer)
      take_dialing(news, out);
    else
      take(news, out);
    break;
  }
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
  if (each.link == 0)
    return monitor::unknown_peer;
  return board_->links().peers.label_of(each.link);
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
    if (const auto label = board_->links().peers.label_of(news.samples.front().link))
      ledger.note_trail(*label, {news.trail, news.trace, wall_ms}, now_us);
  });
}

void monitor_actor::take(const messages::link_phase& news, outbox& out) {
  auto& known = board_->links();
  // The arbiter may say so of a link whose end the supervisor has told already.
  if (news.now != messages::link_phase::phase::linked ||
      std::ranges::find(known.closed, news.link) != known.closed.end())
    return;
  const auto now_us = out.now_us();
  board_->write(now_us, [&](monitor::ledger& ledger) {
    const auto peer = known.peers.linked(news.link, news.site, news.peer_name, now_us);
    for (const auto& label : peer.freed)
      ledger.forget_peer(label);
    ledger.note_link(peer.label, true, now_us);
    if (news.dialer != 0)
      ledger.note_dialing(news.dialer, {{}, dialing_figures::state::linked, 0, {}, peer.label}, now_us);
  });
}

void monitor_actor::take_dialing(const messages::link_phase& news, outbox& out) {
  const auto now_us = out.now_us();
  board_->write(now_us, [&](monitor::ledger& ledger) {
    ledger.note_dialing(news.dialer, {news.peer_name, state_of(news.now), 0, news.text, {}}, now_us);
  });
}

void monitor_actor::take(const messages::link_closed& news, outbox& out) {
  auto& known = board_->links();
  const auto now_us = out.now_us();
  const auto gone = known.peers.closed(news.link, now_us);
  if (!gone)
    known.closed.push_back(news.link);
  if (known.closed.size() > limits::connections_max)
    known.closed.pop_front();
  if (!gone && !news.is_refusal)
    return;
  board_->write(now_us, [&](monitor::ledger& ledger) {
    if (!news.is_planned)
      ledger.add(news.is_refusal ? metric::links_refused : metric::links_lost,
                 gone ? gone->label : monitor::unknown_peer, 1, now_us);
    if (gone && gone->was_last)
      ledger.note_link(gone->label, false, now_us, news.is_planned);
  });
}

/// Peers that were here before this node started are told of, too, and missed by nobody.
void monitor_actor::take(const messages::database_figures& news, outbox& out) {
  auto& peers = board_->links().peers;
  const auto now_us = out.now_us();
  const auto wall_ms = board_->setup().wall_ms ? board_->setup().wall_ms() : 0;
  board_->write(now_us, [&](monitor::ledger& ledger) {
    ledger.note_database(news);
    std::set<messages::site_id> remembered;
    for (const auto& each : news.peers) {
      const auto age_ms = std::max<std::int64_t>(wall_ms - each.seen_ms, 0);
      if (age_ms > limits::retention_ms_default)
        continue;
      remembered.insert(each.site);
      const auto seen_us = now_us - age_ms * us_per_ms;
      if (const auto label = peers.remember(each.site, each.name, seen_us))
        ledger.note_link(*label, false, seen_us, true);
    }
    for (const auto& label : peers.keep_only(remembered))
      ledger.forget_peer(label);
  });
}

} // namespace tandem::actors
