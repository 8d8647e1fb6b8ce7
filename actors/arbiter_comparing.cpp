// How the arbiter compares its tables with a peer's, range by range, and mends what differs. The side that called
// asks; what it finds is mended on both sides, and looked at again.
#include <spdlog/spdlog.h>

#include "actors/arbiter.hpp"
#include "messages/failure.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {

using messages::failure;
using messages::failure_code;

void arbiter::tick(outbox& out) {
  for (auto& [number, link] : links_) {
    if (!link.compare_us || *link.compare_us > out.now_us() || link.is_ended)
      continue;
    link.compare_us.reset();
    if (!link.comparing)
      begin_comparing(link, 0);
    ask_to_compare(number, link, out);
  }
  plan_comparing(out);
}

void arbiter::plan_comparing(outbox& out) const {
  std::optional<std::int64_t> next;
  for (const auto& [number, link] : links_)
    if (link.compare_us && !link.is_ended)
      next = std::min(next.value_or(*link.compare_us), *link.compare_us);
  if (next)
    out.wake_at(*next);
}

void arbiter::begin_comparing(link& with, std::uint64_t request) {
  comparison fresh;
  fresh.request = request;
  for (const auto& table : replica_->schema().tables)
    fresh.tables.push_back(table.name);
  with.comparing = std::move(fresh);
}

void arbiter::compare_now(const messages::compare_now& order, outbox& out) {
  for (auto& [number, link] : links_) {
    if (!link.is_dialed() || !link.is_running || link.is_ended)
      continue;
    begin_comparing(link, order.request);
    ask_to_compare(number, link, out);
    plan_comparing(out);
    return;
  }
  out.send({role::host}, messages::compare_done{order.request, false, 0, 0, "no peer is linked that could be asked"});
}

void arbiter::ask_to_compare(std::uint64_t number, link& with, outbox& out) {
  auto& now = *with.comparing;
  try {
    if (now.next == now.tables.size())
      return end_comparing(with, out);
    const auto known = replica_->peer(with.peer->site);
    messages::compare question;
    question.number = ++now.number;
    question.head = stamp(out);
    question.applied = known ? known->applied : 0;
    question.ranges = replica_->ranges(now.tables[now.next]);
    out.send({role::endpoint, number}, question);
  } catch (const failure& problem) {
    now.trouble = problem.what();
    end_comparing(with, out);
  }
}

/// The called side.
void arbiter::take_compare(std::uint64_t number, link& from, const messages::compare& question, outbox& out) {
  if (!from.is_running)
    throw failure{failure_code::protocol, "the peer wants to compare before both sides had said who they are"};
  messages::compared answer;
  answer.number = question.number;
  try {
    auto found = replica_->compare(from.peer->site, question.head, question.applied, question.ranges);
    answer.how = found.how;
    answer.text = std::move(found.text);
    answer.rows = std::move(found.rows);
  } catch (const failure& problem) {
    answer.how = messages::comparison::never;
    answer.text = std::string{problem.what()}.substr(0, limits::reason_bytes_max);
  }
  out.send({role::endpoint, number}, answer);
}

/// The side that called.
void arbiter::take_compared(std::uint64_t number, link& from, const messages::compared& answer, outbox& out) {
  if (!from.comparing || answer.number != from.comparing->number)
    return; // of a comparison that was given up
  auto& now = *from.comparing;
  const auto& table = now.tables[now.next];
  switch (answer.how) {
  case messages::comparison::later:
    if (++now.tries < limits::compare_tries_max) {
      from.compare_us = out.now_us() + limits::compare_retry_ms * us_per_ms;
      plan_comparing(out);
      return;
    }
    now.trouble = "both sides were never at rest at the same time; try again when less is written";
    return end_comparing(from, out);
  case messages::comparison::never:
    now.trouble = "table " + table + " could not be compared: " + answer.text;
    break;
  case messages::comparison::differs:
    if (++now.rounds > limits::compare_rounds_max) {
      now.trouble =
          "table " + table + " still differs after it was mended " + std::to_string(now.rounds - 1) + " times";
      break;
    }
    mend_ranges(number, from, answer.rows, out);
    return ask_to_compare(number, from, out);
  case messages::comparison::equal:
    break;
  }
  ++now.next;
  now.rounds = 0;
  ask_to_compare(number, from, out);
}

void arbiter::mend_ranges(std::uint64_t number, link& from, const messages::range_rows& theirs, outbox& out) {
  auto& now = *from.comparing;
  messages::mend ours;
  ours.rows = replica_->rows_of(theirs);
  out.send({role::endpoint, number}, ours);
  const auto report = replica_->mend(from.peer->site, theirs, true);
  now.ranges += theirs.ranges.size();
  now.rows += report.applied;
  spdlog::warn("the arbiter found {} of {} ranges of table {} that differ from {}, and mended {} rows here",
               theirs.ranges.size(), theirs.count, theirs.table, from.peer_name, report.applied);
  tell_merged(0, report, {}, out);
}

/// The called side again: what the caller has in the same ranges.
void arbiter::take_mend(link& from, const messages::mend& order, outbox& out) {
  if (!from.is_running)
    throw failure{failure_code::protocol, "the peer wants to mend before both sides had said who they are"};
  const auto report = replica_->mend(from.peer->site, order.rows, false);
  if (report.applied > 0)
    spdlog::warn("the arbiter mended {} rows of table {} that differed from {}", report.applied, order.rows.table,
                 from.peer_name);
  tell_merged(0, report, {}, out);
}

void arbiter::end_comparing(link& with, outbox& out) {
  const auto done = std::move(*with.comparing);
  with.comparing.reset();
  with.compare_us = out.now_us() + limits::compare_interval_ms * us_per_ms;
  plan_comparing(out);
  auto text = done.ranges == 0 ? "equal"
                               : std::to_string(done.ranges) + " ranges differed, " + std::to_string(done.rows) +
                                     " rows were mended here";
  if (!done.trouble.empty())
    text += (done.ranges == 0 ? "; " : ", but ") + done.trouble;
  if (done.ranges == 0 && !done.trouble.empty())
    text = done.trouble;
  try {
    replica_->note_comparison(with.peer->site, text);
  } catch (const failure& problem) {
    note_swallowed(out);
    spdlog::debug("the arbiter could not note a comparison: {}", problem.what());
  }
  if (done.request != 0)
    out.send({role::host}, messages::compare_done{done.request, done.trouble.empty(), done.ranges, done.rows,
                                                  text.substr(0, limits::reason_bytes_max)});
}

} // namespace tandem::actors
