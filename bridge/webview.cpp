#include "bridge/webview.hpp"

#include <chrono>
#include <utility>
#include <webkit2/webkit2.h>

#include "bridge/webview_gate.hpp"
#include "bridge/webview_sessions.hpp"
#include "messages/page_limits.hpp"

namespace tandem::bridge {
namespace {

constexpr const char* handler_name = "tandem";

void post_to_main_loop(std::function<void()> work) {
  auto held = std::make_unique<std::function<void()>>(std::move(work));
  const auto run = [](void* data) {
    (*static_cast<std::function<void()>*>(data))();
    return static_cast<gboolean>(G_SOURCE_REMOVE);
  };
  const auto forget = [](void* data) {
    const std::unique_ptr<std::function<void()>> owned{static_cast<std::function<void()>*>(data)};
  };
  g_idle_add_full(G_PRIORITY_DEFAULT, run, held.release(), forget);
}

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// Answers the page's promise once, from wherever it is called on the main loop.
webview_page::answer answer_for(WebKitScriptMessageReply* reply, JSCContext* context) {
  const std::shared_ptr<WebKitScriptMessageReply> held{webkit_script_message_reply_ref(reply),
                                                       webkit_script_message_reply_unref};
  const std::shared_ptr<JSCContext> world{static_cast<JSCContext*>(g_object_ref(context)), g_object_unref};
  return [held, world](const std::string& text, bool is_error) {
    if (is_error) {
      webkit_script_message_reply_return_error_message(held.get(), text.c_str());
      return;
    }
    JSCValue* value = jsc_value_new_string(world.get(), text.c_str());
    webkit_script_message_reply_return_value(held.get(), value);
    g_object_unref(value);
  };
}

} // namespace

struct webview::implementation {
  WebKitWebView* view = nullptr;
  webview_gate gate;
  std::shared_ptr<WebKitUserScript> gate_script;
  std::unique_ptr<webview_sessions> sessions;
  gulong on_message = 0;
  gulong on_load = 0;
  gulong on_crash = 0;
  guint heartbeat = 0;

  explicit implementation(std::string origin) : gate{std::move(origin), handler_name} {}
  WebKitUserContentManager* manager() const { return webkit_web_view_get_user_content_manager(view); }
  void set_up_gate();
  void take(const std::string& message, webview_page::answer answer);
  webview_loop loop() const;

  static gboolean message_came(WebKitUserContentManager*, JSCValue* value, WebKitScriptMessageReply* reply, void* self);
  static void load_changed(WebKitWebView*, WebKitLoadEvent event, void* self);
  static void process_ended(WebKitWebView*, WebKitWebProcessTerminationReason, void* self);
  static gboolean beat(void* self);
};

void webview::implementation::set_up_gate() {
  WebKitUserScript* script = webkit_user_script_new(gate.script().c_str(), WEBKIT_USER_CONTENT_INJECT_TOP_FRAME,
                                                    WEBKIT_USER_SCRIPT_INJECT_AT_DOCUMENT_START, nullptr, nullptr);
  webkit_user_content_manager_add_script(manager(), script);
  gate_script.reset(script, webkit_user_script_unref);
}

webview_loop webview::implementation::loop() const {
  webview_loop result;
  result.post = post_to_main_loop;
  result.ring = [held = std::shared_ptr<WebKitWebView>{static_cast<WebKitWebView*>(g_object_ref(view)),
                                                       g_object_unref}](const std::string& script) {
    webkit_web_view_evaluate_javascript(held.get(), script.c_str(), -1, nullptr, nullptr, nullptr, nullptr, nullptr);
  };
  return result;
}

void webview::implementation::take(const std::string& message, webview_page::answer answer) {
  if (const auto admitted = gate.admit(message)) {
    sessions->take(*admitted, std::move(answer));
  } else {
    answer("denied: frames, and pages of other origins, may not use this app's data", true);
  }
}

gboolean webview::implementation::message_came(WebKitUserContentManager*, JSCValue* value,
                                               WebKitScriptMessageReply* reply, void* self) {
  char* text = jsc_value_to_string(value);
  const std::string message{text ? text : ""};
  g_free(text);
  static_cast<implementation*>(self)->take(message, answer_for(reply, jsc_value_get_context(value)));
  return TRUE;
}

/// While the host loads another page, the view gives the address of that one and still shows the one before.
void webview::implementation::load_changed(WebKitWebView* view, WebKitLoadEvent event, void* self) {
  if (event != WEBKIT_LOAD_COMMITTED) {
    return;
  }
  auto& inner = *static_cast<implementation*>(self);
  const auto address = webkit_web_view_get_uri(view);
  inner.gate.show(address ? address : "");
  inner.sessions->end("the page was loaded anew");
}

void webview::implementation::process_ended(WebKitWebView*, WebKitWebProcessTerminationReason, void* self) {
  static_cast<implementation*>(self)->sessions->end("the page's process ended");
}

gboolean webview::implementation::beat(void* self) {
  static_cast<implementation*>(self)->sessions->beat(now_ms());
  return G_SOURCE_CONTINUE;
}

webview::webview(_WebKitWebView* view, std::string origin, page_handler on_accept)
    : implementation_{std::make_unique<implementation>(std::move(origin))} {
  auto& inner = *implementation_;
  inner.view = static_cast<WebKitWebView*>(g_object_ref(view));
  inner.sessions = std::make_unique<webview_sessions>(inner.loop(), std::move(on_accept));
  inner.on_message =
      g_signal_connect(inner.manager(), (std::string{"script-message-with-reply-received::"} + handler_name).c_str(),
                       G_CALLBACK(implementation::message_came), &inner);
  inner.on_load = g_signal_connect(view, "load-changed", G_CALLBACK(implementation::load_changed), &inner);
  inner.on_crash = g_signal_connect(view, "web-process-terminated", G_CALLBACK(implementation::process_ended), &inner);
  webkit_user_content_manager_register_script_message_handler_with_reply(inner.manager(), handler_name, nullptr);
  inner.set_up_gate();
  inner.heartbeat = g_timeout_add(limits::page_heartbeat_ms, implementation::beat, &inner);
}

webview::~webview() {
  auto& inner = *implementation_;
  inner.sessions->end("the view is gone");
  g_source_remove(inner.heartbeat);
  g_signal_handler_disconnect(inner.manager(), inner.on_message);
  g_signal_handler_disconnect(inner.view, inner.on_load);
  g_signal_handler_disconnect(inner.view, inner.on_crash);
  webkit_user_content_manager_remove_script(inner.manager(), inner.gate_script.get());
  webkit_user_content_manager_unregister_script_message_handler(inner.manager(), handler_name);
  g_object_unref(inner.view);
}

} // namespace tandem::bridge
