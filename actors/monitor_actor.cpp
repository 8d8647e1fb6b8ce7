#include "actors/monitor_actor.hpp"

#include <utility>

#include "messages/internal.hpp"
#include "messages/limits.hpp"

namespace tandem::actors {

using messages::internal;

monitor_actor::monitor_actor(std::shared_ptr<const switchboard> board) : board_{std::move(board)} {}

void monitor_actor::start(outbox& out) {
  tick(out);
}

void monitor_actor::tick(outbox& out) {
  for (const auto& load : board_->loads()) {
    const std::string who{messages::name_of(load.where.who)};
    add("mailbox_" + who + "_items", load.items);
    add("mailbox_" + who + "_bytes", load.bytes);
  }
  out.wake_at(out.now_us() + limits::measure_interval_ms * us_per_ms);
}

void monitor_actor::receive(const frame& message, outbox& out) {
  switch (tag_as<internal>(message)) {
  case internal::measurement: {
    const auto measured = messages::decode<messages::measurement>(message.bytes());
    add(measured.name, measured.value);
    break;
  }
  case internal::report_request: {
    messages::report report;
    report.request = messages::decode<messages::report_request>(message.bytes()).request;
    for (const auto& [name, seen] : values_)
      report.entries.push_back({name, seen.count(), seen.quantile(0.5), seen.quantile(0.99), seen.largest()});
    out.send(message.from(), report);
    break;
  }
  default:
    break;
  }
}

void monitor_actor::add(const std::string& name, std::uint64_t value) {
  const auto found = values_.find(name);
  if (found != values_.end())
    found->second.add(value);
  else if (values_.size() < limits::measured_names_max)
    values_[name].add(value);
}

} // namespace tandem::actors
