#include "tests/simulation/wire.hpp"

#include <utility>

namespace tandem::simulation {
namespace {

class tapped_connection final : public bridge::connection {
public:
  tapped_connection(bridge::shared_connection under, wire_tap& tap, std::uint64_t link, std::shared_ptr<bool> is_pulled)
      : under_{std::move(under)}, tap_{tap}, link_{link}, is_pulled_{std::move(is_pulled)} {}

  bool send(bridge::shared_bytes frame) override {
    if (*is_pulled_)
      return true;
    bool went = true;
    for (auto& each : tap_.sent(link_, frame))
      went = under_->send(std::move(each)) && went;
    return went;
  }
  [[nodiscard]] std::size_t unsent_bytes() const override { return under_->unsent_bytes(); }
  void grant(std::size_t bytes) override { under_->grant(bytes); }
  void close() override { under_->close(); }
  [[nodiscard]] std::string peer_name() const override { return under_->peer_name(); }

private:
  const bridge::shared_connection under_;
  wire_tap& tap_;
  const std::uint64_t link_;
  const std::shared_ptr<bool> is_pulled_;
};

/// Gives `handler` the connection with the tap on it, and taps the events that it returns.
bridge::connection_events tapped(bridge::shared_connection opened, wire_tap& tap, std::uint64_t link,
                                 const std::shared_ptr<bool>& is_pulled,
                                 const std::function<bridge::connection_events(bridge::shared_connection)>& handler) {
  auto events = handler(std::make_shared<tapped_connection>(std::move(opened), tap, link, is_pulled));
  events.on_frame = [given = std::move(events.on_frame), &tap, link](bridge::shared_bytes frame) {
    tap.received(link, frame);
    given(std::move(frame));
  };
  return events;
}

} // namespace

wire::wire(std::unique_ptr<bridge::network> under, wire_tap& tap) : under_{std::move(under)}, tap_{tap} {}

std::unique_ptr<bridge::listener> wire::listen(const bridge::listen_options& options,
                                               bridge::accept_handler on_accept) {
  return under_->listen(options, [tap = &tap_, pulled = is_pulled_, links = links_,
                                  on_accept = std::move(on_accept)](bridge::shared_connection opened) {
    return tapped(std::move(opened), *tap, ++*links, pulled, on_accept);
  });
}

void wire::dial(const bridge::dial_options& options, bridge::dialed_handler on_dialed) {
  under_->dial(options, [tap = &tap_, pulled = is_pulled_, links = links_, on_dialed = std::move(on_dialed)](
                            bridge::shared_connection opened, const bridge::dial_trouble& trouble) {
    if (!opened)
      return on_dialed(nullptr, trouble);
    return tapped(std::move(opened), *tap, ++*links, pulled,
                  [&on_dialed](bridge::shared_connection with_tap) { return on_dialed(std::move(with_tap), {}); });
  });
}

void wire::stop() {
  under_->stop();
}

} // namespace tandem::simulation
