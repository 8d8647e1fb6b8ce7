// The monitor collects measurements and tells, when asked, what they come to.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "actors/core.hpp"
#include "actors/switchboard.hpp"
#include "monitor/histogram.hpp"

namespace tandem::actors {

/// Gets `measurement` from everyone and `report_request` from the host; answers with `report`. Looks at the
/// depths of all mailboxes once a second.
class monitor_actor : public actor_core {
public:
  explicit monitor_actor(std::shared_ptr<const switchboard> board);

  void start(outbox& out) override;
  void receive(const frame& message, outbox& out) override;
  void tick(outbox& out) override;

private:
  void add(const std::string& name, std::uint64_t value);

  std::shared_ptr<const switchboard> board_;
  std::map<std::string, monitor::histogram> values_;
};

} // namespace tandem::actors
