// What a page's requests take with no transport between: this process runs a node, and is its page.
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "actors/node.hpp"
#include "bridge/transport.hpp"
#include "demos/node/demo/story.hpp"
#include "demos/node/validation/measures.hpp"
#include "messages/failure.hpp"
#include "messages/page.hpp"

namespace tandem::node {

namespace {

using messages::failure;
using messages::failure_code;
namespace page = messages::page;

constexpr std::chrono::seconds patience{10};
constexpr const char* way = "in_process";
/// Under way at once, where there are many.
constexpr int at_once = 64;

/// Frames that the node sends are kept until they are asked for.
class inbox final : public bridge::connection {
public:
  bool send(bridge::shared_bytes frame) override {
    change([&] { frames_.push_back(std::move(frame)); });
    return true;
  }
  [[nodiscard]] std::size_t unsent_bytes() const override { return 0; }
  void grant(std::size_t bytes) override {
    change([&] { credit_ += static_cast<std::int64_t>(bytes); });
  }
  void close() override {
    change([&] { is_closed_ = true; });
  }
  [[nodiscard]] std::string peer_name() const override { return "tandem validate"; }

  /// Waits until the node takes more.
  void spend(std::size_t bytes) {
    auto lock = wait([this] { return credit_ > 0; });
    credit_ -= static_cast<std::int64_t>(bytes);
  }
  bridge::shared_bytes next() {
    auto lock = wait([this] { return !frames_.empty(); });
    auto result = std::move(frames_.front());
    frames_.pop_front();
    return result;
  }

private:
  void change(const std::function<void()>& what) {
    const std::lock_guard lock{mutex_};
    what();
    changed_.notify_one();
  }
  std::unique_lock<std::mutex> wait(const std::function<bool()>& is_so) {
    std::unique_lock lock{mutex_};
    const bool has_come = changed_.wait_for(lock, patience, [&] { return is_closed_ || is_so(); });
    if (!has_come || is_closed_) {
      throw failure{failure_code::busy, "the node of this process does not answer"};
    }
    return lock;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<bridge::shared_bytes> frames_;
  std::int64_t credit_ = 0;
  bool is_closed_ = false;
};

class page_here {
public:
  explicit page_here(actors::node& node) : events_{node.page_entry()(received_, {})} {
    page::open hello;
    hello.session = std::string(limits::page_session_digits, 'a');
    hello.name = "tandem validate";
    say(hello);
    answer<page::opened>();
  }
  ~page_here() {
    if (events_.on_closed) {
      events_.on_closed(bridge::close_reason::peer, "the measurement is over");
    }
  }
  page_here(const page_here&) = delete;
  page_here& operator=(const page_here&) = delete;

  template <class T>
  void say(const T& message) {
    auto bytes = messages::encode(message);
    received_->spend(bytes->size());
    events_.on_frame(std::move(bytes));
  }
  /// Passes over what nobody has asked for, as beats are.
  template <class T>
  T answer() {
    for (;;) {
      const auto frame = received_->next();
      const auto tag = messages::tag_of(*frame);
      if (tag == static_cast<std::uint64_t>(T::tag)) {
        return messages::decode<T>(*frame);
      }
      if (tag == static_cast<std::uint64_t>(page::failed::tag)) {
        throw failure{failure_code::busy, messages::decode<page::failed>(*frame).text};
      }
    }
  }
  std::uint64_t next_id() { return ++last_id_; }

private:
  std::shared_ptr<inbox> received_ = std::make_shared<inbox>();
  bridge::connection_events events_;
  std::uint64_t last_id_ = 0;
};

void ask(page_here& from) {
  page::ask what;
  what.id = from.next_id();
  what.what = "ping";
  from.say(what);
}

void query(page_here& from) {
  page::query what;
  what.id = from.next_id();
  what.sql = "SELECT id, title FROM pages WHERE id = 1";
  from.say(what);
}

void write(page_here& from) {
  page::execute what;
  what.id = from.next_id();
  what.statements.push_back({"INSERT INTO pages(title) VALUES ('a title')", {}});
  from.say(what);
}

/// One after the other: what each takes, in milliseconds.
template <class Answer>
std::vector<double> each_takes(page_here& from, int count, void (*request)(page_here&)) {
  std::vector<double> result;
  for (int i = 0; i < count; ++i) {
    const stopwatch time;
    request(from);
    from.answer<Answer>();
    result.push_back(time.ms());
  }
  return result;
}

/// Many under way at once: how many a second.
template <class Answer>
double rate_of(page_here& from, int count, void (*request)(page_here&)) {
  const stopwatch time;
  for (int asked = 0, answered = 0; answered < count; ++answered) {
    for (; asked < count && asked - answered < at_once; ++asked) {
      request(from);
    }
    from.answer<Answer>();
  }
  return count / (time.ms() / 1'000);
}

} // namespace

namespace {

void add_rate(validation& into, const std::string& name, double rate) {
  into.figures.push_back({name, way, rate, {rate}});
}

} // namespace

void measure_in_process(field& on, effort much, validation& into) {
  actors::node_options options;
  options.path = on.tracked_file("own.db", "CREATE TABLE pages(id INTEGER PRIMARY KEY, title TEXT)").string();
  actors::node own{options};
  own.start();
  {
    page_here here{own};
    write(here);
    here.answer<page::done>();
    const auto pings = each_takes<page::told>(here, much.of(2'000), ask);
    into.figures.push_back({"page_round_trip_p50", way, monitor::median(pings), pings});
    into.figures.push_back({"page_round_trip_p99", way, monitor::quantile(pings, 0.99), {}});
    add_rate(into, "page_queries", rate_of<page::rows>(here, much.of(20'000), query));
    const auto writes = each_takes<page::done>(here, much.of(200), write);
    into.figures.push_back({"page_write_p50", way, monitor::median(writes), writes});
    add_rate(into, "page_writes", rate_of<page::done>(here, much.of(2'000), write));
  }
  own.stop();
}

} // namespace tandem::node
