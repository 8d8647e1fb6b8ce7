// The WebView body of the transport, for WebKitGTK: the page posts messages to the handler `tandem` and is
// answered when something comes; an evaluated script is a doorbell only. Built where WebKitGTK is there.
#pragma once

#include <memory>
#include <string>

#include "bridge/transport.hpp"

struct _WebKitWebView;

namespace tandem::bridge {

/// Serves the page that a WebView shows. All functions, and the destructor, belong to the thread of GTK's main loop;
/// the connections that it makes are as those of other transports. A page that is loaded anew begins a new session.
class webview {
public:
  /// `origin`: pages of another one are not served, whatever the view is led to, nor are frames; as in
  /// http://127.0.0.1:7420. Before the first page is loaded: a page that is there already is not served either.
  webview(_WebKitWebView* view, std::string origin, page_handler on_accept);
  ~webview();
  webview(const webview&) = delete;
  webview& operator=(const webview&) = delete;

private:
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

} // namespace tandem::bridge
