// Stands between a node and the loopback network: sees every frame, and can be pulled out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "bridge/transport.hpp"

namespace tandem::simulation {

/// What becomes of a frame on its way.
class wire_tap {
public:
  virtual ~wire_tap() = default;
  /// A frame that the node sends: what really goes out in its place. `link` counts the node's connections.
  virtual std::vector<bridge::shared_bytes> sent(std::uint64_t link, const bridge::shared_bytes& frame) = 0;
  /// A frame that is handed to the node.
  virtual void received(std::uint64_t link, const bridge::shared_bytes& frame) = 0;
};

class wire final : public bridge::network {
public:
  /// `tap` has to outlive the wire and everything that came by it.
  wire(std::unique_ptr<bridge::network> under, wire_tap& tap);

  std::unique_ptr<bridge::listener> listen(const bridge::listen_options& options,
                                           bridge::accept_handler on_accept) override;
  void dial(const bridge::dial_options& options, bridge::dialed_handler on_dialed) override;
  void stop() override;

  /// From now on nothing goes out any more, as when the machine has stopped.
  void pull() { *is_pulled_ = true; }

private:
  std::unique_ptr<bridge::network> under_;
  wire_tap& tap_;
  std::shared_ptr<bool> is_pulled_ = std::make_shared<bool>(false);
  std::shared_ptr<std::uint64_t> links_ = std::make_shared<std::uint64_t>(0);
};

} // namespace tandem::simulation
