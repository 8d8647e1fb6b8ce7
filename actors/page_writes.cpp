#include "actors/page_writes.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "actors/stopwatch.hpp"

namespace tandem::actors {

using messages::failure;
using messages::failure_code;
using messages::page::page_failure;

namespace {

page_failure lost() {
  return {"transaction_lost",
          "this transaction is not open any more: it was finished, or rolled back by an error; nothing of it was "
          "written, begin anew"};
}

page_failure expired() {
  return {"deadline", "this transaction took longer than its limit and was rolled back; do less within it, or give it "
                      "more time"};
}

/// The node's word about the write itself. After any other failure it may be asked for again.
constexpr std::array<std::string_view, 8> decisions = {"constraint", "sql",       "refused", "usage",
                                                       "denied",     "read_only", "limit",   "schema"};

std::uint64_t transaction_of(const page_writes::job& what) {
  if (const auto execute = std::get_if<messages::page::execute>(&what))
    return execute->transaction;
  if (const auto finish = std::get_if<messages::page::finish>(&what))
    return finish->transaction;
  return 0;
}

} // namespace

void page_writes::add(job given, std::int64_t now_us) {
  waiting one;
  one.id = std::visit([](const auto& each) { return each.id; }, given);
  if (is_full()) {
    const failure refusal{failure_code::busy, "this page has " + std::to_string(waiting_.size()) +
                                                  " writes that wait; wait for some of them"};
    note_undecided(one.id, page_channel::code_of(refusal), refusal.what());
    throw refusal;
  }
  one.transaction = transaction_of(given);
  one.deadline_us = now_us + patience_us(std::visit([](const auto& each) { return each.deadline_ms; }, given));
  one.what = std::move(given);
  waiting_.push_back(std::move(one));
}

bool page_writes::has(std::uint64_t id) const {
  return std::any_of(waiting_.begin(), waiting_.end(), [id](const waiting& each) { return each.id == id; });
}

bool page_writes::cancel(std::uint64_t id) {
  if (id != 0 && id == transaction_) { // It was begun just before: nobody knows of it who could finish it.
    end_transaction();
    return true;
  }
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [id](const auto& each) { return each.id == id; });
  if (found == waiting_.end())
    return false;
  waiting_.erase(found);
  constexpr std::string_view why = "the page cancelled this write before it was begun; nothing was written";
  channel_.fail(id, "cancelled", why);
  note_undecided(id, "cancelled", why);
  return true;
}

storage::page_connection& page_writes::connection() {
  if (!connection_) {
    connection_ = std::make_unique<storage::page_connection>(setup_.path, storage::page_connection::use::writing,
                                                             setup_.is_durable);
    connection_->set_stop([this] { return watchdog_.look(); });
    watchdog_.start(0, limits::page_deadline_ms_default * us_per_ms);
    connection_->prune_once(setup_.now_ms());
  }
  return *connection_;
}

storage::page_connection& page_writes::within(std::uint64_t transaction) {
  if (transaction != transaction_ || !connection().is_in_transaction())
    throw transaction != 0 && transaction == expired_ ? expired() : lost();
  return *connection_;
}

std::optional<std::int64_t> page_writes::next_us() const {
  std::optional<std::int64_t> result;
  const auto note = [&result](std::int64_t us) {
    result = std::min(result.value_or(us), us);
  };
  for (const auto& each : waiting_)
    note(each.deadline_us);
  if (transaction_ != 0)
    note(transaction_limit_us_);
  else if (!waiting_.empty())
    note(is_full() ? retry_us_ : std::max(retry_us_, rest_until_us_));
  return result;
}

/// What belongs to the open transaction goes first; all else waits for its end.
void page_writes::go_on(std::int64_t now_us) {
  if (transaction_ != 0 && now_us >= transaction_limit_us_) {
    expired_ = transaction_;
    end_transaction();
  }
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    if (const auto count = run_together(each, now_us); count > 0) {
      each = waiting_.erase(each, each + static_cast<std::ptrdiff_t>(count));
      continue;
    }
    auto now = outcome::later;
    try {
      if (now_us >= each->deadline_us)
        throw page_failure{"deadline", "the database was locked by others until the deadline; nothing was written, try "
                                       "again"};
      const bool is_its_turn = each->transaction != 0 || (transaction_ == 0 && may_try(now_us));
      now = is_its_turn ? run(*each, now_us) : outcome::later;
    } catch (const failure& problem) {
      channel_.fail(each->id, problem);
      note_undecided(each->id, page_channel::code_of(problem), problem.what());
      now = outcome::done;
    }
    if (now == outcome::done)
      each = waiting_.erase(each);
    else
      ++each;
  }
}

page_writes::outcome page_writes::run(waiting& one, std::int64_t now_us) {
  watchdog_.start(one.id, one.deadline_us - now_us);
  auto result = outcome::done;
  if (const auto order = std::get_if<messages::page::execute>(&one.what)) {
    if (!may_follow(*order))
      return outcome::later;
    if (order->transaction == 0)
      result = run_whole(*order, one.deadline_us - now_us, now_us);
    else
      run_within(*order, one.deadline_us - now_us);
  } else if (const auto opening = std::get_if<messages::page::begin>(&one.what)) {
    result = begin(*opening, now_us);
  } else {
    finish(std::get<messages::page::finish>(one.what));
  }
  if (result == outcome::later)
    retry_after_others(now_us);
  return result;
}

bool page_writes::may_follow(const messages::page::execute& order) const {
  if (order.after == 0)
    return true;
  const auto before = std::ranges::find(undecided_, order.after, &undecided::id);
  if (before != undecided_.end())
    throw page_failure{before->code, "not tried, for the write before it came to no decision: " + before->text};
  return !has(order.after);
}

void page_writes::note_undecided(std::uint64_t id, std::string_view code, std::string_view text) {
  if (std::ranges::find(decisions, code) != decisions.end())
    return;
  undecided_.push_back({id, std::string{code}, std::string{text.substr(0, limits::reason_bytes_max)}});
  if (undecided_.size() > 2 * limits::page_writes_max) // All that wait may fail, and as many may have been refused.
    undecided_.pop_front();
}

bool page_writes::answer_repeat(std::uint64_t id, const std::string& once) {
  if (once.empty())
    return false;
  const auto before = connection().find_once(once);
  if (!before)
    return false;
  channel_.send(messages::page::done{id, before->changes, before->last_rowid, true});
  return true;
}

void page_writes::note_once(const std::string& once, const storage::once_result& result) {
  if (once.empty())
    return;
  connection().note_once(once, result, setup_.now_ms());
  ++named_writes_;
}

void page_writes::prune_sometimes() {
  if (named_writes_ < limits::page_once_prune_interval)
    return;
  named_writes_ = 0;
  connection().prune_once(setup_.now_ms());
}

void page_writes::tell(const written& one) {
  channel_.send(messages::page::done{one.id, one.result.changes, one.result.last_rowid, one.is_repeat});
}

page_writes::written page_writes::write(const messages::page::execute& order) {
  if (const auto before = order.once.empty() ? std::nullopt : connection().find_once(order.once))
    return {order.id, *before, true};
  const auto result = run_statements(order);
  note_once(order.once, result);
  return {order.id, result, false};
}

page_writes::outcome page_writes::run_whole(const messages::page::execute& order, std::int64_t patience,
                                            std::int64_t now_us) {
  auto& writer = connection();
  watchdog_.start(order.id, patience);
  if (!writer.begin())
    return outcome::later;
  const stopwatch held;
  try {
    const auto done = write(order);
    writer.commit();
    tell(done);
  } catch (...) {
    writer.rollback();
    throw;
  }
  setup_.ring();
  prune_sometimes();
  rest_after(now_us, held.passed_us(), 1);
  return outcome::done;
}

void page_writes::run_within(const messages::page::execute& order, std::int64_t patience) {
  auto& writer = within(order.transaction);
  watchdog_.start(order.id, patience);
  if (answer_repeat(order.id, order.once))
    return;
  writer.begin_part();
  storage::once_result result;
  try {
    result = run_statements(order);
    if (!order.once.empty())
      writer.note_once(order.once, result, setup_.now_ms());
    if (!writer.is_in_transaction())
      throw lost();
    writer.end_part(true);
  } catch (...) {
    writer.end_part(false);
    if (!writer.is_in_transaction()) // Some errors, and OR ROLLBACK, end it as a whole.
      end_transaction();
    throw;
  }
  transaction_result_.changes += result.changes;
  transaction_result_.last_rowid = result.last_rowid;
  channel_.send(messages::page::done{order.id, result.changes, result.last_rowid, false});
}

storage::once_result page_writes::run_statements(const messages::page::execute& order) {
  storage::once_result result;
  std::optional<storage::page_statement> statement;
  const std::string* compiled = nullptr;
  for (const auto& call : order.statements) {
    if (compiled && *compiled == call.sql) // The same for many rows: compiled once.
      statement->reset();
    else
      statement.emplace(*connection_, call.sql);
    compiled = &call.sql;
    statement->bind(call.parameters);
    const auto before = connection_->total_changes();
    while (statement->step()) {
    }
    const auto one = connection_->result(before);
    result.changes += one.changes;
    result.last_rowid = one.last_rowid;
  }
  if (!connection_->is_in_transaction())
    throw lost();
  return result;
}

page_writes::outcome page_writes::begin(const messages::page::begin& order, std::int64_t now_us) {
  if (!connection().begin())
    return outcome::later;
  transaction_ = order.id;
  transaction_limit_us_ =
      now_us + patience_us(order.limit_ms, limits::page_transaction_ms_default, limits::page_transaction_ms_max);
  transaction_result_ = {};
  channel_.send(messages::page::done{order.id, 0, 0, false});
  return outcome::done;
}

void page_writes::finish(const messages::page::finish& order) {
  const bool is_open = order.transaction == transaction_ && transaction_ != 0 && connection().is_in_transaction();
  if (order.is_commit && answer_repeat(order.id, order.once)) {
    if (is_open)
      end_transaction();
    return;
  }
  if (!is_open)
    throw order.transaction != 0 && order.transaction == expired_ ? expired() : lost();
  reads_.end_transaction();
  transaction_ = 0;
  if (!order.is_commit) {
    connection_->rollback();
    channel_.send(messages::page::done{order.id, 0, 0, false});
    return;
  }
  try {
    note_once(order.once, transaction_result_);
    connection_->commit();
  } catch (...) {
    connection_->rollback();
    throw;
  }
  tell({order.id, transaction_result_, false});
  setup_.ring();
  prune_sometimes();
}

void page_writes::end_transaction() {
  transaction_ = 0;
  reads_.end_transaction();
  connection_->rollback();
}

void page_writes::stop() {
  if (connection_)
    connection_->rollback();
  transaction_ = 0;
}

} // namespace tandem::actors
