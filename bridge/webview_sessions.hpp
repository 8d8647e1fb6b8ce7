// The sessions of one WebView: each provider of the page that it shows begins one with its first letter, and a page
// that goes ends them all. Without the WebView, so that every platform's can be bound to it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "bridge/webview_page.hpp"

namespace tandem::bridge {

/// All functions, and the destructor, belong to the main loop that `loop` posts to.
class webview_sessions {
public:
  webview_sessions(webview_loop loop, page_handler on_accept)
      : loop_{std::move(loop)}, on_accept_{std::move(on_accept)} {}

  /// What the page posted: "SESSION " and what `webview_page::take` wants, or "SESSION end".
  void take(const std::string& message, webview_page::answer answer);
  /// The page is gone; `text`: why.
  void end(const std::string& text);
  /// Call every limits::page_heartbeat_ms.
  void beat(std::int64_t time_ms);

private:
  /// Nothing if there is none and the letter begins none; then `answer` was called.
  std::shared_ptr<webview_page> find(const std::string& session, std::string_view letter,
                                     const webview_page::answer& answer);

  const webview_loop loop_;
  const page_handler on_accept_;
  std::map<std::string, std::shared_ptr<webview_page>> pages_;
};

} // namespace tandem::bridge
