#include "actors/lone_crew.hpp"

#include <algorithm>
#include <deque>
#include <exception>
#include <map>
#include <utility>

#include <spdlog/spdlog.h>

#include "messages/internal.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {
namespace {

struct worker;

/// What waits to be done, in order.
struct task {
  enum class kind { start, frame, end };
  std::shared_ptr<worker> whose;
  kind what = kind::frame;
  messages::frame message = {};
};

struct worker final : outbox {
  worker(address address_, switchboard& switchboard_, const std::function<std::int64_t()>& now)
      : where{address_}, board{switchboard_}, clock_us{now} {}

  const address where;
  switchboard& board;
  const std::function<std::int64_t()>& clock_us;
  const std::shared_ptr<mailbox_load> load = std::make_shared<mailbox_load>();
  std::unique_ptr<actor_core> core;
  std::optional<std::int64_t> due_us; // when the core wants its tick
  bool is_over = false;

  [[nodiscard]] address self() const override { return where; }
  [[nodiscard]] std::int64_t now_us() const override { return clock_us(); }
  [[nodiscard]] bool has_more() const override { return load->items > 0; }
  void send(address to, shared_bytes bytes) override { board.send(to, {where, std::move(bytes)}); }
  void send_urgent(address to, shared_bytes bytes) override { board.send(to, {where, std::move(bytes)}, true); }
  void wake_at(std::int64_t us) override { due_us = us; }
};

using task_line = std::deque<task>;

class line_mailbox final : public mailbox {
public:
  line_mailbox(task_line& line, const std::shared_ptr<worker>& owner) : line_{line}, owner_{owner} {}
  void put(const messages::frame& message, bool is_urgent) override {
    const auto owner = owner_.lock();
    if (!owner)
      return;
    if (is_urgent)
      line_.push_front({owner, task::kind::frame, message});
    else
      line_.push_back({owner, task::kind::frame, message});
  }

private:
  task_line& line_;
  std::weak_ptr<worker> owner_;
};

} // namespace

struct lone_crew::implementation final : staff {
  implementation(bridge::network& network, cast_options options, std::function<std::int64_t()> now)
      : clock_us{std::move(now)}, cast{network, std::move(options)} {}

  const std::function<std::int64_t()> clock_us;
  task_line line;
  casting cast;
  std::map<address, std::shared_ptr<worker>> workers;
  bool is_over = false;

  void spawn(address who) override;
  void end(address who) override;
  void close_connection(std::uint64_t link) override { cast.connections->close(link); }
  void forget_connection(std::uint64_t link) override { cast.connections->forget(link); }
  void finish() override { end({role::supervisor}); }

  bool run_one();
  void carry_out(const task& next);
  void tick(const std::shared_ptr<worker>& whose);
  template <class Call>
  void guard(const std::shared_ptr<worker>& whose, Call call);
  void bury(const std::shared_ptr<worker>& gone, bool was_ordered, const std::string& why);
  [[nodiscard]] std::shared_ptr<worker> next_due() const;
};

void lone_crew::implementation::spawn(address who) {
  const auto fresh = std::make_shared<worker>(who, *cast.board, clock_us);
  workers[who] = fresh;
  cast.board->connect(who, std::make_shared<line_mailbox>(line, fresh), fresh->load);
  line.push_back({fresh, task::kind::start});
}

/// As an exit message of CAF, an order to end jumps the queue.
void lone_crew::implementation::end(address who) {
  if (const auto found = workers.find(who); found != workers.end())
    line.push_front({found->second, task::kind::end});
}

template <class Call>
void lone_crew::implementation::guard(const std::shared_ptr<worker>& whose, Call call) {
  try {
    call();
  } catch (const std::exception& problem) {
    spdlog::error("the {} failed: {}", whose->where.text(), problem.what());
    bury(whose, false, problem.what());
  }
}

void lone_crew::implementation::carry_out(const task& next) {
  auto& whose = *next.whose;
  if (next.what == task::kind::frame)
    whose.load->remove(next.message.size());
  if (whose.is_over)
    return;
  guard(next.whose, [&] {
    switch (next.what) {
    case task::kind::start:
      whose.core = cast.make(whose.where, *this);
      whose.core->start(whose);
      break;
    case task::kind::frame:
      // An urgent frame may have overtaken the start, but not an actor's being there.
      if (whose.core)
        whose.core->receive(next.message, whose);
      break;
    case task::kind::end:
      if (whose.core)
        whose.core->stop(whose);
      bury(next.whose, true, "ordered");
      break;
    }
  });
}

void lone_crew::implementation::tick(const std::shared_ptr<worker>& whose) {
  whose->due_us.reset();
  guard(whose, [&] { whose->core->tick(*whose); });
}

void lone_crew::implementation::bury(const std::shared_ptr<worker>& gone, bool was_ordered, const std::string& why) {
  gone->is_over = true;
  gone->due_us.reset();
  gone->core.reset();
  cast.board->disconnect(gone->where);
  workers.erase(gone->where);
  if (gone->where.who == role::supervisor) {
    cast.connections->clear();
    is_over = true;
    return;
  }
  messages::actor_ended news;
  news.who = gone->where.who;
  news.number = gone->where.number;
  news.was_ordered = was_ordered;
  news.text = why.substr(0, limits::reason_bytes_max);
  cast.board->send({role::supervisor}, {gone->where, messages::encode(news)});
}

std::shared_ptr<worker> lone_crew::implementation::next_due() const {
  std::shared_ptr<worker> result;
  for (const auto& [where, each] : workers)
    if (each->due_us && each->core && (!result || *each->due_us < *result->due_us))
      result = each;
  return result;
}

/// Ticks take turns with frames, so that neither waits for the other for ever.
bool lone_crew::implementation::run_one() {
  bool has_done = false;
  if (const auto due = next_due(); due && *due->due_us <= clock_us()) {
    tick(due);
    has_done = true;
  }
  if (line.empty())
    return has_done;
  const auto next = std::move(line.front());
  line.pop_front();
  carry_out(next);
  return true;
}

lone_crew::lone_crew(bridge::network& network, cast_options options, std::function<std::int64_t()> now_us)
    : implementation_{std::make_unique<implementation>(network, std::move(options), std::move(now_us))} {
  implementation_->spawn({role::supervisor});
}

lone_crew::~lone_crew() = default;

bridge::page_handler lone_crew::on_page() {
  return implementation_->cast.on_page();
}

bridge::accept_handler lone_crew::on_accept() {
  return implementation_->cast.on_accept();
}

void lone_crew::ring() {
  implementation_->cast.ring();
}

std::optional<std::int64_t> lone_crew::run(std::size_t count) {
  auto& own = *implementation_;
  for (std::size_t i = 0; i < count; ++i)
    if (!own.run_one()) {
      const auto due = own.next_due();
      return due ? due->due_us : std::nullopt;
    }
  return own.clock_us();
}

void lone_crew::stop() {
  implementation_->cast.board->send({role::supervisor}, {{role::host}, messages::encode(messages::stop_node{})});
}

bool lone_crew::has_ended() const {
  return implementation_->is_over;
}

const link_board& lone_crew::links() const {
  return *implementation_->cast.links;
}

storage::replica lone_crew::open_replica() const {
  return implementation_->cast.open();
}

} // namespace tandem::actors
