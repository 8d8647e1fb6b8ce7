// Which scripts in a WebView may use the app's data: those of the app's own page at the top, and nothing that it frames
// or that the view was led to. Without the WebView, for those whose message handlers do not say who calls.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandem::bridge {

/// The host's handler is there in every frame of every page. So a script, which runs in the app's top frame before all
/// others, puts a key before each message: a page of another origin can't read it, for it is kept within that frame.
class webview_gate {
public:
  /// `origin`: of the app's page, as in http://127.0.0.1:7420. `handler`: the name of the host's message handler.
  webview_gate(std::string origin, std::string handler);

  /// To be run at the start of the document, in the top frame only, of every page: it looks at the origin itself.
  [[nodiscard]] std::string script() const;
  /// That page is what the view now shows; not one that is only asked for.
  void show(std::string_view address);
  /// What the page said, without the key; nothing if it may not say anything.
  [[nodiscard]] std::optional<std::string> admit(std::string_view message) const;

private:
  const std::string origin_;
  const std::string handler_;
  const std::string key_;
  bool is_shown_ = false;
};

} // namespace tandem::bridge
