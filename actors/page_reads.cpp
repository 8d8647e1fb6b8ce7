#include "actors/page_reads.hpp"

#include <algorithm>
#include <utility>

namespace tandem::actors {

using messages::failure;
using messages::failure_code;

void page_reads::add(messages::page::query query, storage::page_connection* within, std::int64_t now_us) {
  if (readings_.size() >= limits::page_queries_max)
    throw failure{failure_code::busy, "this page has " + std::to_string(readings_.size()) +
                                          " queries under way; wait for some of them, or cancel them"};
  auto& one = readings_.emplace_back();
  one.query = std::move(query);
  one.deadline_us = now_us + patience_us(one.query.deadline_ms);
  one.pages_left = one.query.pages == 0 ? limits::page_pages_default : one.query.pages;
  one.within = within;
  auto& rows = one.query.page_rows;
  rows = rows == 0 ? limits::page_rows_default : std::min(rows, limits::page_rows_max);
}

void page_reads::add_credit(std::uint64_t id, std::uint32_t pages) {
  for (auto& each : readings_)
    if (each.query.id == id)
      each.pages_left += std::min(pages, UINT32_MAX - each.pages_left);
}

bool page_reads::has(std::uint64_t id) const {
  return std::any_of(readings_.begin(), readings_.end(), [id](const reading& each) { return each.query.id == id; });
}

bool page_reads::cancel(std::uint64_t id) {
  const auto found =
      std::find_if(readings_.begin(), readings_.end(), [id](const reading& each) { return each.query.id == id; });
  if (found == readings_.end())
    return false;
  put_back(*found);
  readings_.erase(found);
  channel_.fail(id, "cancelled", "the page cancelled this query");
  return true;
}

void page_reads::end_transaction() {
  for (auto each = readings_.begin(); each != readings_.end();)
    if (each->within) {
      channel_.fail(each->query.id, "transaction_lost",
                    "the transaction ended before all rows of this query were read");
      each = readings_.erase(each);
    } else {
      ++each;
    }
}

std::optional<std::int64_t> page_reads::next_deadline_us() const {
  std::optional<std::int64_t> result;
  for (const auto& each : readings_)
    result = std::min(result.value_or(each.deadline_us), each.deadline_us);
  return result;
}

void page_reads::go_on(std::int64_t now_us) {
  for (auto each = readings_.begin(); each != readings_.end();) {
    bool is_over = false;
    try {
      if (now_us >= each->deadline_us)
        throw messages::page::page_failure{
            "deadline", "the page did not take all rows of this query in time; give it a later deadline"};
      while (!is_over && each->pages_left > 0 && channel_.has_room() && start(*each))
        is_over = read_part(*each, now_us);
    } catch (const failure& problem) {
      channel_.fail(each->query.id, problem);
      is_over = true;
    }
    if (!is_over) {
      ++each;
      continue;
    }
    put_back(*each);
    each = readings_.erase(each);
  }
}

/// False if all connections are taken: then it waits for one.
bool page_reads::start(reading& one) {
  if (one.statement)
    return true;
  if (!one.within && idle_.empty()) {
    if (connections_ == limits::page_readers_max)
      return false;
    idle_.push_back(std::make_unique<storage::page_connection>(setup_.path, storage::page_connection::use::reading,
                                                               setup_.is_durable));
    idle_.back()->set_stop([this] { return watchdog_.look(); });
    ++connections_;
  }
  if (!one.within) {
    one.connection = std::move(idle_.back());
    idle_.pop_back();
  }
  auto& connection = one.within ? *one.within : *one.connection;
  one.statement.emplace(connection, one.query.sql);
  if (!one.within && !one.statement->is_reading())
    throw failure{failure_code::usage, "a query may not write; use execute, or a transaction"};
  one.statement->bind(one.query.parameters);
  return true;
}

bool page_reads::read_part(reading& one, std::int64_t now_us) {
  messages::page::rows part;
  part.id = one.query.id;
  part.number = one.number++;
  auto& statement = *one.statement;
  const auto columns = statement.columns();
  if (part.number == 0)
    for (int column = 0; column < columns; ++column)
      part.columns.emplace_back(statement.column_name(column));
  watchdog_.start(one.query.id, one.deadline_us - now_us);
  messages::page::encoded_values values;
  while (part.count < one.query.page_rows && values.bytes.size() < limits::page_message_bytes_target) {
    if (!statement.step()) {
      part.is_last = true;
      break;
    }
    for (int column = 0; column < columns; ++column)
      values.add(statement.value(column));
    ++part.count;
  }
  one.rows += part.count;
  one.bytes += values.bytes.size();
  if (one.rows > limits::page_result_rows_max || one.bytes > limits::page_result_bytes_max)
    throw failure{failure_code::limit, "the result of this query is larger than a page may ask for; ask for parts of "
                                       "it, by key and LIMIT"};
  auto bytes = messages::page::encode_rows(part, values);
  if (bytes->size() > limits::frame_bytes_max)
    throw failure{failure_code::limit, "a row of this query is larger than a message may be (" +
                                           std::to_string(limits::frame_bytes_max) + " bytes)"};
  channel_.send(std::move(bytes));
  --one.pages_left;
  return part.is_last;
}

void page_reads::put_back(reading& one) {
  one.statement.reset();
  if (one.connection)
    idle_.push_back(std::move(one.connection));
}

} // namespace tandem::actors
