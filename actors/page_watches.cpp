#include "actors/page_watches.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "actors/measuring.hpp"

namespace tandem::actors {

using messages::failure;
using messages::failure_code;

namespace {

bool share_one(const std::set<std::string>& left, const std::set<std::string>& right) {
  return std::any_of(left.begin(), left.end(), [&right](const std::string& each) { return right.contains(each); });
}

std::vector<std::size_t> indexes_of(const std::vector<std::string>& wanted, const std::vector<std::string>& columns) {
  std::vector<std::size_t> result;
  for (const auto& each : wanted) {
    const auto found = std::find(columns.begin(), columns.end(), each);
    if (found == columns.end())
      throw failure{failure_code::usage, "the result of this live query has no column " + each +
                                             " that could name its rows; it is not among those that are selected"};
    result.push_back(static_cast<std::size_t>(found - columns.begin()));
  }
  return result;
}

} // namespace

storage::page_connection& page_watches::connection() {
  if (!connection_) {
    connection_ = std::make_unique<storage::page_connection>(setup_.path, storage::page_connection::use::reading,
                                                             setup_.is_durable);
    connection_->set_stop([this] { return watchdog_.look(); });
    data_version_ = connection_->data_version();
  }
  return *connection_;
}

void page_watches::add(messages::page::watch order) {
  if (watches_.size() + observers_.size() >= limits::page_watches_max)
    throw failure{failure_code::limit, "this page watches as much as it may already; cancel something first"};
  watching one;
  auto& reader = connection();
  watchdog_.start(order.id, patience_us(order.deadline_ms));
  one.statement.emplace(reader, order.sql);
  if (!one.statement->is_reading())
    throw failure{failure_code::usage, "a live query may not write"};
  one.order = std::move(order);
  const auto id = one.order.id;
  auto& kept = watches_[id] = std::move(one);
  try {
    kept.statement->bind(kept.order.parameters); // Where they are to stay.
  } catch (...) {
    watches_.erase(id);
    throw;
  }
  note_tracked_tables();
}

void page_watches::add(messages::page::observe order) {
  if (watches_.size() + observers_.size() >= limits::page_watches_max)
    throw failure{failure_code::limit, "this page watches as much as it may already; cancel something first"};
  connection();
  const auto id = order.id;
  observers_[id].order = std::move(order);
  note_tracked_tables();
}

bool page_watches::cancel(std::uint64_t id) {
  if (watches_.erase(id) + observers_.erase(id) == 0)
    return false;
  channel_.fail(id, "cancelled", "the page does not watch this any more");
  return true;
}

void page_watches::take(const messages::page::taken& news, outbox& out) {
  if (const auto found = watches_.find(news.id); found != watches_.end() && found->second.sequence == news.sequence) {
    found->second.is_untaken = false;
    if (const auto since_us = std::exchange(found->second.told_news_us, 0); since_us != 0)
      tell_monitor(out, {{metric::station_shown, 0, span_us(out.now_us() - since_us)}});
  }
  if (const auto found = observers_.find(news.id); found != observers_.end() && found->second.sequence == news.sequence)
    found->second.is_untaken = false;
}

/// The observer tells of tables that sync; for all others every commit has to be looked at.
void page_watches::note_tracked_tables() {
  tracked_ = connection().tracked_tables();
  const auto syncs = [this](const std::string& table) {
    return tracked_.contains(table);
  };
  bool wants_commits = false;
  for (const auto& [id, each] : watches_) {
    const auto& tables = each.statement->tables_read();
    wants_commits = wants_commits || !std::all_of(tables.begin(), tables.end(), syncs);
  }
  for (const auto& [id, each] : observers_)
    wants_commits = wants_commits || each.order.tables.empty() ||
                    !std::all_of(each.order.tables.begin(), each.order.tables.end(), syncs);
  signals_.wants_commits = wants_commits;
}

void page_watches::note(const page_news& news, std::int64_t now_us) {
  if (news.has_commit) {
    echo_ = 0;
    look_at_commits(now_us);
  }
  if (!news.is_any && news.tables.empty())
    return;
  for (auto& [id, each] : watches_)
    if (news.is_any || share_one(each.statement->tables_read(), news.tables)) {
      each.is_stale = true;
      each.news_us = each.news_us == 0 ? now_us : each.news_us;
    }
  for (auto& [id, each] : observers_) {
    const std::set<std::string> wanted{each.order.tables.begin(), each.order.tables.end()};
    if (!news.is_any && !wanted.empty() && !share_one(wanted, news.tables))
      continue;
    for (const auto& table : news.tables)
      if (wanted.empty() || wanted.contains(table))
        each.news.tables.insert(table);
    each.news.is_any = each.news.is_any || news.is_any;
    each.news.is_remote = each.news.is_remote || news.is_remote;
    each.is_stale = true;
  }
}

/// A file changes a little before the commit that changes it counts: so it is looked at again, as the observer does.
void page_watches::look_at_commits(std::int64_t now_us) {
  look_again_us_.reset();
  if (echo_ < std::size(limits::echo_waits_us))
    look_again_us_ = now_us + limits::echo_waits_us[echo_++];
  const auto version = connection().data_version();
  if (std::exchange(data_version_, version) == version)
    return;
  const auto may_have_changed = [this](const std::string& table) {
    return !tracked_.contains(table);
  };
  for (auto& [id, each] : watches_) {
    const auto& tables = each.statement->tables_read();
    each.is_stale = each.is_stale || std::any_of(tables.begin(), tables.end(), may_have_changed);
  }
  for (auto& [id, each] : observers_) {
    if (each.order.tables.empty()) // Of which table it was nobody can tell.
      each.news.is_any = each.is_stale = true;
    for (const auto& table : each.order.tables)
      if (may_have_changed(table)) {
        each.news.tables.insert(table);
        each.is_stale = true;
      }
  }
}

/// While there is no room for what changed, the transport's `drained` is waited for and no time.
std::optional<std::int64_t> page_watches::next_us() const {
  std::optional<std::int64_t> next;
  for (const auto& [id, each] : watches_)
    if (each.is_stale && !each.is_untaken)
      next = std::min(next.value_or(each.not_before_us), each.not_before_us);
  if (next && !channel_.has_room())
    next.reset();
  if (look_again_us_)
    next = std::min(next.value_or(*look_again_us_), *look_again_us_);
  return next;
}

void page_watches::go_on(outbox& out) {
  if (look_again_us_ && out.now_us() >= *look_again_us_)
    look_at_commits(out.now_us());
  for (auto each = watches_.begin(); each != watches_.end();) {
    auto& one = each->second;
    bool is_over = false;
    if (one.is_stale && !one.is_untaken && out.now_us() >= one.not_before_us && channel_.has_room())
      try {
        run(one, out);
      } catch (const failure& problem) {
        channel_.fail(each->first, problem);
        is_over = true;
      }
    each = is_over ? watches_.erase(each) : std::next(each);
  }
  for (auto& [id, each] : observers_)
    if (each.is_stale && !each.is_untaken && channel_.has_room())
      tell(each);
}

void page_watches::run(watching& one, outbox& out) {
  const auto began_us = out.now_us();
  one.is_stale = false;
  one.told_news_us = std::exchange(one.news_us, 0);
  watchdog_.start(one.order.id, patience_us(one.order.deadline_ms));
  const auto fresh = read(one);
  auto difference = one.list.become(fresh, limits::page_live_bytes_target);
  one.is_stale = !difference.is_all;
  const auto now_us = out.now_us();
  one.not_before_us = now_us + (now_us - began_us);
  tell(one, std::move(difference));
}

live_rows page_watches::read(watching& one) {
  auto& statement = *one.statement;
  struct rewind {
    storage::page_statement& statement;
    ~rewind() { statement.reset(); } // Else it would keep its snapshot.
  } const guard{statement};
  std::optional<live_rows> result;
  std::vector<messages::value_view> values;
  const auto begin = [&] { // After the first step, which compiles it anew where the schema has changed.
    std::vector<std::string> columns;
    for (int column = 0; column < statement.columns(); ++column)
      columns.emplace_back(statement.column_name(column));
    if (columns != one.columns) {
      one.columns = std::move(columns);
      one.list.clear();
      one.is_whole = true;
    }
    result.emplace(indexes_of(one.order.key_columns, one.columns));
    values.resize(one.columns.size());
  };
  bool has_row = statement.step();
  begin();
  for (; has_row; has_row = statement.step()) {
    for (std::size_t column = 0; column < values.size(); ++column)
      values[column] = statement.value(static_cast<int>(column));
    result->add(values);
    if (result->size() > limits::page_watch_rows_max || result->bytes() > limits::page_watch_bytes_max)
      throw failure{failure_code::limit, "the result of this live query is larger than one may be; use LIMIT"};
  }
  return std::move(*result);
}

void page_watches::tell(watching& one, live_difference difference) {
  if (difference.is_empty() && !one.is_whole && !one.is_in_parts)
    return;
  messages::page::live news;
  news.id = one.order.id;
  news.sequence = ++one.sequence;
  news.is_whole = std::exchange(one.is_whole, false);
  if (news.is_whole)
    news.columns = one.columns;
  news.removed = std::move(difference.removed);
  news.inserted = std::move(difference.inserted);
  news.changed = std::move(difference.changed);
  news.total = difference.total;
  news.more_follows = one.is_in_parts = !difference.is_all;
  auto bytes = messages::page::encode_live(news, difference.inserted_values, difference.changed_values);
  if (bytes->size() > limits::frame_bytes_max)
    throw failure{failure_code::limit, "a row of this live query is larger than a message may be (" +
                                           std::to_string(limits::frame_bytes_max) + " bytes)"};
  one.is_untaken = true;
  channel_.send(std::move(bytes));
}

void page_watches::tell(observing& one) {
  one.is_stale = false;
  one.is_untaken = true;
  const auto news = std::exchange(one.news, {});
  messages::page::changed told;
  told.id = one.order.id;
  told.sequence = ++one.sequence;
  told.is_remote = news.is_remote;
  if (!news.is_any)
    told.tables.assign(news.tables.begin(), news.tables.end());
  channel_.send(told);
}

} // namespace tandem::actors
