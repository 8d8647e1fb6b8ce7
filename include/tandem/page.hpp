// The pages of a WebView on a running runtime: what a host binds WKWebView, Android's WebView or any other to.
//
//   tandem::page page{sync, [view](const std::string& script) { on_main_thread([=] { view.evaluate(script); }); }};
//   // when the page's handler `tandem` is called:
//   page.take(message, [reply](const std::string& text, bool is_error) { on_main_thread([=] { reply(text, is_error);
//   }); });
//
// In the page, `WebViewProvider` of @tandem/web does the rest. docs/webview.md has the glue for Swift and Kotlin.
// C++17.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <tandem/export.h>

namespace tandem {

class runtime;

/// Serves one WebView, whatever pages it shows one after the other. Functions may be called from any thread; callbacks
/// come one at a time, on a thread of the runtime or of the caller, and must neither throw nor destroy this object. The
/// host must see to it that only its own pages reach `take`: they may do all that a page may.
class TANDEM_EXPORT page {
public:
  /// `evaluate` runs a short script in the page; scripts may come late or get lost, but in order. The runtime must have
  /// been started, and this object be gone before it is stopped. Throws tandem::error.
  page(runtime& sync, std::function<void(const std::string& script)> evaluate);
  /// Ends the session. No callback comes afterwards.
  ~page();
  page(const page&) = delete;
  page& operator=(const page&) = delete;

  /// The page has posted a message: `reply` is called once, perhaps later, with what its promise resolves to, or is
  /// rejected with.
  void take(const std::string& message, std::function<void(const std::string& text, bool is_error)> reply);
  /// The view was led to another page, or its process ended.
  void reset();

private:
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

} // namespace tandem
