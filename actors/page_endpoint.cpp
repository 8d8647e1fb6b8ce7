#include "actors/page_endpoint.hpp"

#include <algorithm>
#include <utility>

#include "messages/internal.hpp"

namespace tandem::actors {

using messages::failure;
using messages::failure_code;
using messages::internal;
namespace page = messages::page;

namespace {

/// The id in a message whose other fields can't be read; 0: there is none.
std::uint64_t id_of(std::string_view bytes) {
  try {
    messages::decoder in{bytes};
    in.array_of_at_least(3);
    in.skip(2);
    return in.unsigned_integer();
  } catch (const failure&) {
    return 0;
  }
}

bool is_session(std::string_view text) {
  return text.size() == limits::page_session_digits && std::all_of(text.begin(), text.end(), [](char digit) {
           return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
         });
}

} // namespace

page_endpoint::page_endpoint(page_setup setup, bridge::shared_connection connection,
                             std::shared_ptr<page_signals> signals, std::string token)
    : setup_{std::move(setup)}, signals_{std::move(signals)}, token_{std::move(token)},
      channel_{std::move(connection), signals_}, watchdog_{signals_}, reads_{setup_, channel_, watchdog_},
      writes_{setup_, channel_, watchdog_, reads_}, watches_{setup_, channel_, watchdog_, *signals_} {}

void page_endpoint::start(outbox& out) {
  channel_.grant(limits::page_greeting_bytes_max);
  open_deadline_us_ = out.now_us() + limits::page_open_ms_max * us_per_ms;
  out.wake_at(open_deadline_us_);
}

void page_endpoint::receive(const frame& message, outbox& out) {
  if (channel_.is_lost())
    return;
  try {
    if (message.from() == out.self() && page::is_of_page(message.bytes()))
      from_page(message, out);
    else
      from_inside(message, out);
    go_on(out);
  } catch (const std::exception& problem) { // A page must not be able to end more than its own connection.
    end("defect", std::string{"this node failed: "} + problem.what());
  }
}

void page_endpoint::tick(outbox& out) {
  if (channel_.is_lost())
    return;
  gathers_writes_ = false;
  if (!is_open_ && out.now_us() >= open_deadline_us_) {
    end("protocol", "the page did not say open within " + std::to_string(limits::page_open_ms_max / 1'000) + " s");
    return;
  }
  try {
    go_on(out);
  } catch (const std::exception& problem) {
    end("defect", std::string{"this node failed: "} + problem.what());
  }
}

void page_endpoint::stop(outbox& /*out*/) {
  writes_.stop();
  if (!channel_.is_lost())
    end("network", "this node stops; connect again when it runs");
}

void page_endpoint::from_page(const frame& message, outbox& out) {
  try {
    serve(message, out);
  } catch (const failure& problem) {
    refuse_message(message, problem);
  }
  give_back(message.size());
}

/// What is wrong with one request is told there; a page that does not keep to the protocol has to connect anew.
void page_endpoint::refuse_message(const frame& message, const failure& problem) {
  const auto id = id_of(message.bytes());
  const auto is_of_page = dynamic_cast<const page::page_failure*>(&problem) != nullptr;
  if (!is_open_ || id == 0 || (problem.code() == failure_code::protocol && !is_of_page)) {
    channel_.fail(0, problem);
    channel_.close();
  } else {
    channel_.fail(id, problem);
  }
}

void page_endpoint::serve(const frame& message, outbox& out) {
  const auto bytes = message.bytes();
  const auto kind = tag_as<page::kind>(message);
  if (is_open_ == (kind == page::kind::open))
    throw failure{failure_code::protocol, is_open_ ? "this page said open twice" : "a page has to say open first"};
  if (kind != page::kind::execute && std::exchange(gathers_writes_, false))
    writes_.go_on(out.now_us()); // A query sees what was said before it, unless the lock is taken or rests.
  switch (kind) {
  case page::kind::open:
    return greet(messages::decode<page::open>(bytes), out);
  case page::kind::query:
    return add_query(messages::decode<page::query>(bytes), out);
  case page::kind::more: {
    const auto credit = messages::decode<page::more>(bytes);
    return reads_.add_credit(credit.id, credit.pages);
  }
  case page::kind::execute:
  case page::kind::begin:
  case page::kind::finish:
    return add_write(message, kind, out);
  case page::kind::watch:
    check_id(id_of(bytes));
    return watches_.add(messages::decode<page::watch>(bytes));
  case page::kind::observe:
    check_id(id_of(bytes));
    return watches_.add(messages::decode<page::observe>(bytes));
  case page::kind::cancel:
    return cancel(messages::decode<page::cancel>(bytes).id);
  case page::kind::ask:
    check_id(id_of(bytes));
    return answer(messages::decode<page::ask>(bytes), out);
  case page::kind::taken:
    return watches_.take(messages::decode<page::taken>(bytes), out);
  default: // Of a later version: a request that nobody answers would keep the page waiting.
    throw failure{failure_code::usage, "this node does not know such a request; it is older than the page"};
  }
}

void page_endpoint::greet(const page::open& who, outbox& out) {
  if (who.lowest > page::protocol_max || who.highest < page::protocol_min)
    throw failure{failure_code::protocol, "this node speaks version " + std::to_string(page::protocol_max) +
                                              " of the page protocol and the page does not; load it anew"};
  if (!is_session(who.session))
    throw failure{failure_code::protocol, "a session is named by 32 lower-case hex digits"};
  right_ = setup_.rights_of(who.token.empty() ? token_ : who.token);
  if (right_ == bridge::page_right::none)
    throw failure{failure_code::denied, "the token is missing or wrong: give one that this node was started with"};
  // What was told before this actor could be reached woke nobody, and would keep all later news from waking it.
  signals_->take_news();
  is_open_ = true;
  answers_.emplace(setup_, right_);
  page::opened hello;
  hello.site = setup_.open().self().site.to_hex();
  hello.name = setup_.name.substr(0, limits::label_bytes_max);
  hello.program = TANDEM_VERSION;
  hello.is_read_only = right_ == bridge::page_right::read_only;
  hello.time_ms = setup_.now_ms();
  hello.rows_max = limits::page_result_rows_max;
  hello.bytes_max = limits::frame_bytes_max;
  hello.statement_ms_max = static_cast<std::uint32_t>(limits::page_deadline_ms_max);
  hello.heartbeat_ms = limits::page_heartbeat_ms;
  channel_.send(hello);
  channel_.grant(limits::page_window_bytes);
  out.wake_at(out.now_us());
}

void page_endpoint::check_id(std::uint64_t id) const {
  if (id == 0 || reads_.has(id) || writes_.has(id) || watches_.has(id))
    throw failure{failure_code::protocol, "the id " + std::to_string(id) + " is not new; ids count up from 1"};
}

void page_endpoint::check_may_write() const {
  if (right_ != bridge::page_right::full)
    throw failure{failure_code::denied, "this page may only read; open it with a token that allows more"};
}

void page_endpoint::add_query(page::query query, outbox& out) {
  check_id(query.id);
  const auto within = query.transaction == 0 ? nullptr : &writes_.within(query.transaction);
  reads_.add(std::move(query), within, out.now_us());
}

void page_endpoint::answer(const page::ask& question, outbox& out) {
  channel_.send(page::told{question.id, answers_->answer(question, out)});
}

void page_endpoint::add_write(const frame& message, page::kind kind, outbox& out) {
  gathers_writes_ = kind == page::kind::execute && out.has_more();
  check_may_write();
  check_id(id_of(message.bytes()));
  page_writes::job order = messages::page::begin{};
  if (kind == page::kind::execute)
    order = messages::decode<page::execute>(message.bytes());
  else if (kind == page::kind::begin)
    order = messages::decode<page::begin>(message.bytes());
  else
    order = messages::decode<page::finish>(message.bytes());
  if (writes_.is_full())
    writes_.go_on(out.now_us());
  writes_.add(std::move(order), out.now_us());
}

/// What was answered already can't be cancelled any more, and needs no answer.
void page_endpoint::cancel(std::uint64_t id) {
  signals_->forget(id);
  if (!reads_.cancel(id) && !writes_.cancel(id))
    watches_.cancel(id);
}

void page_endpoint::from_inside(const frame& message, outbox& out) {
  gathers_writes_ = false;
  switch (tag_as<internal>(message)) {
  case internal::wake:
    if (const auto news = signals_->take_news(); is_open_)
      watches_.note(news, out.now_us());
    break;
  case internal::drained:
    give_back(0);
    break;
  case internal::end_link: {
    const auto order = messages::decode<messages::end_link>(message.bytes());
    end(messages::name_of(order.code), order.text);
    break;
  }
  default:
    break;
  }
}

/// A page that does not read its answers may not ask for more.
void page_endpoint::give_back(std::size_t bytes) {
  bytes_to_grant_ += bytes;
  if (is_open_ && bytes_to_grant_ > 0 && !channel_.is_lost() && channel_.has_room())
    channel_.grant(std::exchange(bytes_to_grant_, 0));
}

void page_endpoint::go_on(outbox& out) {
  if (!is_open_ || channel_.is_lost())
    return;
  if (!gathers_writes_)
    writes_.go_on(out.now_us());
  reads_.go_on(out.now_us());
  watches_.go_on(out);
  std::optional<std::int64_t> next;
  const auto of_writes =
      gathers_writes_ ? std::optional{out.now_us() + limits::page_writes_gather_ms * us_per_ms} : writes_.next_us();
  for (const auto& each : {reads_.next_deadline_us(), of_writes, watches_.next_us()})
    if (each)
      next = std::min(next.value_or(*each), *each);
  if (next)
    out.wake_at(*next);
}

void page_endpoint::end(std::string_view code, std::string_view text) {
  if (channel_.is_lost())
    return;
  channel_.fail(0, code, text);
  channel_.close();
}

} // namespace tandem::actors
