#include <atomic>
#include <pthread.h>
#include <thread>

#include "bridge/websocket_dialer.hpp"
#include "bridge/websocket_listener.hpp"

namespace tandem::bridge {
namespace {

class listener_handle final : public listener {
public:
  explicit listener_handle(std::shared_ptr<websocket_listener> body) : body_{std::move(body)} {}
  listener_handle(const listener_handle&) = delete;
  listener_handle& operator=(const listener_handle&) = delete;
  ~listener_handle() override { body_->stop(); }

  [[nodiscard]] std::uint16_t port() const override { return body_->address().port; }
  [[nodiscard]] std::string url() const override { return to_url(body_->address()); }
  void stop() override { body_->stop(); }

private:
  const std::shared_ptr<websocket_listener> body_;
};

class websocket_network final : public network {
public:
  explicit websocket_network(const websocket_options& options)
      : core_{std::make_shared<websocket_core>(options)}, guard_{core_->io().get_executor()}, thread_{[core = core_] {
          run(*core);
        }} {}
  websocket_network(const websocket_network&) = delete;
  websocket_network& operator=(const websocket_network&) = delete;
  ~websocket_network() override { stop_quietly(); }

  std::unique_ptr<listener> listen(const listen_options& options, accept_handler on_accept) override {
    auto body = std::make_shared<websocket_listener>(core_, options, std::move(on_accept));
    body->start();
    return std::make_unique<listener_handle>(std::move(body));
  }

  void dial(const dial_options& options, dialed_handler on_dialed) override {
    auto dialer = std::make_shared<websocket_dialer>(core_, options, std::move(on_dialed));
    core_->post([dialer = std::move(dialer)] { dialer->start(); });
  }

  [[nodiscard]] network_troubles troubles() const override { return core_->troubles(); }

  void stop() override { stop_quietly(); }

private:
  static void run(websocket_core& core) {
    pthread_setname_np(pthread_self(), "tandem.io");
    core.io().run();
    core.run_out();
  }

  void stop_quietly() {
    if (is_stopped_.exchange(true)) {
      return;
    }
    core_->post([core = core_.get()] { core->stop_all(); });
    thread_.join();
  }

  const std::shared_ptr<websocket_core> core_;
  net::executor_work_guard<io_executor> guard_;
  std::atomic<bool> is_stopped_{false};
  std::thread thread_;
};

} // namespace

std::unique_ptr<network> make_websocket_network(const websocket_options& options) {
  return std::make_unique<websocket_network>(options);
}

std::unique_ptr<network> make_websocket_network() {
  return make_websocket_network(websocket_options{});
}

} // namespace tandem::bridge
