// The sessions of one WebView, one after the other: each page that it shows begins one with its first letter, and a
// page that goes ends it. Without the WebView, so that every platform's can be bound to it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bridge/webview_page.hpp"

namespace tandem::bridge {

/// All functions, and the destructor, belong to the main loop that `loop` posts to.
class webview_sessions {
public:
  webview_sessions(webview_loop loop, page_handler on_accept)
      : loop_{std::move(loop)}, on_accept_{std::move(on_accept)} {}

  /// What the page posted; see `webview_page::take`.
  void take(const std::string& message, webview_page::answer answer);
  /// The page is gone; `text`: why.
  void end(const std::string& text);
  /// Call every limits::page_heartbeat_ms.
  void beat(std::int64_t time_ms);

  /// The script that rings the page's doorbell.
  static std::string doorbell_script(std::uint64_t last);

private:
  const webview_loop loop_;
  const page_handler on_accept_;
  std::shared_ptr<webview_page> page_;
};

} // namespace tandem::bridge
