#include "wasm/browser_network.hpp"

#include <utility>

#include "messages/failure.hpp"
#include "messages/limits.hpp"

// What the page's script does for the module. Bytes are valid during the call.
extern "C" {
void tandem_host_dial(std::uint32_t number, const char* url, const char* token);
void tandem_host_send(std::uint32_t number, const char* bytes, std::size_t size);
std::size_t tandem_host_unsent(std::uint32_t number);
void tandem_host_close(std::uint32_t number);
}

namespace tandem::wasm {

class browser_network::script_connection final : public bridge::connection {
public:
  script_connection(browser_network& owner, std::uint32_t number, std::string peer)
      : owner_{owner}, number_{number}, peer_{std::move(peer)} {}
  ~script_connection() override { close(); }
  script_connection(const script_connection&) = delete;
  script_connection& operator=(const script_connection&) = delete;

  bool send(bridge::shared_bytes frame) override {
    if (is_over || unsent_bytes() + frame->size() > limits::socket_unsent_bytes_max)
      return false;
    tandem_host_send(number_, frame->data(), frame->size());
    return true;
  }
  [[nodiscard]] std::size_t unsent_bytes() const override { return is_over ? 0 : tandem_host_unsent(number_); }
  /// A browser reads its sockets as it likes; the demand of the link protocol bounds what comes.
  void grant(std::size_t /*bytes*/) override {}
  void close() override {
    if (std::exchange(is_over, true))
      return;
    tandem_host_close(number_);
    owner_.ended_here(number_);
  }
  [[nodiscard]] std::string peer_name() const override { return peer_; }

  bool is_over = false;

private:
  browser_network& owner_;
  const std::uint32_t number_;
  const std::string peer_;
};

browser_network::browser_network() = default;
browser_network::~browser_network() = default;

std::unique_ptr<bridge::listener> browser_network::listen(const bridge::listen_options& /*options*/,
                                                          bridge::accept_handler /*on_accept*/) {
  throw messages::failure{messages::failure_code::network, "a page can't be listened to: let it call the hub"};
}

void browser_network::dial(const bridge::dial_options& options, bridge::dialed_handler on_dialed) {
  const auto number = last_dialed_ += 2;
  auto& fresh = lines_[number];
  fresh.on_dialed = std::move(on_dialed);
  fresh.url = options.url;
  tandem_host_dial(number, options.url.c_str(), options.token.c_str());
}

void browser_network::open_page(std::uint32_t number, const bridge::page_handler& on_page) {
  const auto connection = std::make_shared<script_connection>(*this, number, "page");
  lines_[number].open = connection;
  auto events = on_page(connection, {});
  if (const auto found = lines_.find(number); found != lines_.end())
    found->second.events = std::move(events);
}

void browser_network::opened(std::uint32_t number) {
  const auto found = lines_.find(number);
  if (found == lines_.end() || !found->second.on_dialed)
    return;
  const auto connection = std::make_shared<script_connection>(*this, number, found->second.url);
  found->second.open = connection;
  const auto take_over = std::exchange(found->second.on_dialed, nullptr);
  auto events = take_over(connection, {});
  if (const auto still = lines_.find(number); still != lines_.end())
    still->second.events = std::move(events);
}

void browser_network::came(std::uint32_t number, std::string bytes) {
  const auto found = lines_.find(number);
  if (found == lines_.end() || !found->second.events.on_frame)
    return;
  const auto handle = found->second.events.on_frame; // The call may end the line.
  handle(std::make_shared<const std::string>(std::move(bytes)));
}

void browser_network::closed(std::uint32_t number, const std::string& text) {
  const auto found = lines_.find(number);
  if (found == lines_.end())
    return;
  auto gone = std::move(found->second);
  lines_.erase(found);
  if (const auto open = gone.open.lock())
    open->is_over = true;
  if (gone.on_dialed)
    gone.on_dialed(nullptr, {text});
  else if (gone.events.on_closed)
    gone.events.on_closed(bridge::close_reason::network, text);
}

void browser_network::ended_here(std::uint32_t number) {
  const auto found = lines_.find(number);
  if (found == lines_.end())
    return;
  const auto told = std::move(found->second.events.on_closed);
  lines_.erase(found);
  if (told)
    told(bridge::close_reason::local, "closed by this node");
}

} // namespace tandem::wasm
