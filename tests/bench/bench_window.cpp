// A WebView over a node, and beside Tandem's handler a bare one: what it is sent comes back as an evaluated script.
#include <iostream>
#include <string>
#include <webkit2/webkit2.h>

#include "actors/node.hpp"
#include "bridge/webview.hpp"
#include "messages/failure.hpp"

namespace {

constexpr const char* bare_handler = "bare";

/// All that a bridge of one's own could begin with. The text comes from our own page, and has no quotes.
void echo(WebKitUserContentManager*, WebKitJavascriptResult* result, void* view) {
  char* text = jsc_value_to_string(webkit_javascript_result_get_js_value(result));
  const std::string script = "bareAnswer('" + std::string{text} + "')";
  g_free(text);
  webkit_web_view_evaluate_javascript(WEBKIT_WEB_VIEW(view), script.c_str(), -1, nullptr, nullptr, nullptr, nullptr,
                                      nullptr);
}

std::string origin_of(const std::string& url) {
  auto result = "http" + url.substr(2);
  result.pop_back();
  return result;
}

void show(const std::string& database, const std::string& www, const std::string& query) {
  tandem::actors::node_options options;
  options.path = database;
  options.name = "bench";
  options.listen.emplace();
  options.pages.www = www;
  tandem::actors::node node{std::move(options)};
  node.start();
  const auto origin = origin_of(node.url());
  GtkWidget* window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
  GtkWidget* view = webkit_web_view_new();
  gtk_container_add(GTK_CONTAINER(window), view);
  auto* manager = webkit_web_view_get_user_content_manager(WEBKIT_WEB_VIEW(view));
  g_signal_connect(manager, (std::string{"script-message-received::"} + bare_handler).c_str(), G_CALLBACK(echo), view);
  webkit_user_content_manager_register_script_message_handler(manager, bare_handler);
  g_signal_connect(window, "destroy", G_CALLBACK(gtk_main_quit), nullptr);
  {
    const tandem::bridge::webview served{WEBKIT_WEB_VIEW(view), origin, node.page_entry()};
    webkit_web_view_load_uri(WEBKIT_WEB_VIEW(view), (origin + "/?" + query).c_str());
    gtk_widget_show_all(window);
    std::cout << "ready " << node.url() << std::endl;
    gtk_main();
  }
  node.stop();
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4 || !gtk_init_check(nullptr, nullptr)) {
    std::cerr << "usage: bench_window DB WWW QUERY, with a display\n";
    return 2;
  }
  try {
    show(argv[1], argv[2], argv[3]);
  } catch (const tandem::messages::failure& trouble) {
    std::cerr << "bench_window: " << trouble.what() << "\n";
    return 1;
  }
}
