#include "bridge/webview_sessions.hpp"

#include <utility>

namespace tandem::bridge {

void webview_sessions::take(const std::string& message, webview_page::answer answer) {
  // The first letter begins a session: also one of a page that makes a new provider without being loaded anew.
  if (message.starts_with("send 1 ")) {
    end("the page has begun a new session");
    page_ = std::make_shared<webview_page>(loop_);
    page_->start(on_accept_);
  }
  if (!page_) {
    answer("network: there is no session; begin one", true);
    return;
  }
  page_->take(message, std::move(answer));
}

void webview_sessions::end(const std::string& text) {
  if (const auto gone = std::exchange(page_, nullptr)) {
    gone->end(text);
  }
}

void webview_sessions::beat(std::int64_t time_ms) {
  if (page_) {
    page_->beat(time_ms);
  }
}

std::string webview_sessions::doorbell_script(std::uint64_t last) {
  return "window.tandemDoorbell && tandemDoorbell(" + std::to_string(last) + ")";
}

} // namespace tandem::bridge
