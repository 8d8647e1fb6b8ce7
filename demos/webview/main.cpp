// A desktop window whose page works on an app's database through the WebView's message handler.
#include <filesystem>
#include <glib-unix.h>
#include <iostream>
#include <string>
#include <vector>
#include <webkit2/webkit2.h>

#include <CLI/CLI.hpp>

#include "actors/node.hpp"
#include "bridge/webview.hpp"
#include "messages/failure.hpp"

namespace {

struct arguments {
  std::string database;
  std::string www;
  std::string first_page;
  std::string page;
  std::vector<std::string> peers;
};

constexpr int width = 1'100;
constexpr int height = 760;
/// A page that ends its process at once must not keep this program busy.
constexpr guint reload_pause_ms = 500;

gboolean quit(void*) {
  gtk_main_quit();
  return G_SOURCE_REMOVE;
}

gboolean load_anew(void* view) {
  webkit_web_view_reload(WEBKIT_WEB_VIEW(view));
  return G_SOURCE_REMOVE;
}

void process_ended(WebKitWebView* view, WebKitWebProcessTerminationReason, void*) {
  std::cerr << "tandem_webview: the page's process ended; the page is loaded anew" << std::endl;
  g_timeout_add_full(G_PRIORITY_DEFAULT, reload_pause_ms, load_anew, g_object_ref(view), g_object_unref);
}

/// "ws://127.0.0.1:7420/" as the origin of its files.
std::string origin_of(const std::string& url) {
  auto result = "http" + url.substr(2);
  result.pop_back();
  return result;
}

/// What comes before the path.
std::string origin_of_page(const std::string& url) {
  const auto host = url.find("://");
  if (host == std::string::npos) {
    throw tandem::messages::failure{tandem::messages::failure_code::usage,
                                    "--page wants an address, as in http://127.0.0.1:5173/"};
  }
  return url.substr(0, url.find('/', host + 3));
}

int show(const arguments& given) {
  tandem::actors::node_options options;
  options.path = given.database;
  options.may_create = true;
  options.name = std::filesystem::path{given.database}.stem().string();
  options.peers = given.peers;
  options.listen.emplace();
  options.pages.www = given.www;
  tandem::actors::node node{std::move(options)};
  node.start();
  const auto own = origin_of(node.url());
  const auto first = given.page.empty() ? own + "/" + given.first_page : given.page;

  GtkWidget* window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
  gtk_window_set_default_size(GTK_WINDOW(window), width, height);
  gtk_window_set_title(GTK_WINDOW(window), "Tandem");
  GtkWidget* view = webkit_web_view_new();
  gtk_container_add(GTK_CONTAINER(window), view);
  g_signal_connect(window, "destroy", G_CALLBACK(gtk_main_quit), nullptr);
  g_unix_signal_add(SIGINT, quit, nullptr);
  g_unix_signal_add(SIGTERM, quit, nullptr);
  g_signal_connect(view, "web-process-terminated", G_CALLBACK(process_ended), nullptr);
  {
    const tandem::bridge::webview served{WEBKIT_WEB_VIEW(view), origin_of_page(first), node.page_entry()};
    webkit_web_view_load_uri(WEBKIT_WEB_VIEW(view), first.c_str());
    gtk_widget_show_all(window);
    std::cout << "ready " << node.url() << std::endl;
    gtk_main();
  }
  node.stop();
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  arguments given;
  CLI::App program{"A page in a desktop window over an app's database", "tandem_webview"};
  program.add_option("DB", given.database, "The app's SQLite file")->required();
  auto* const www = program.add_option("--www", given.www, "The folder of the page")->check(CLI::ExistingDirectory);
  program.add_option("--open", given.first_page, "What to open of it, with its query; index.html if nothing is said");
  program
      .add_option("--page", given.page, "http://HOST:PORT/... of a page to show instead, say of a development server")
      ->excludes(www);
  program.add_option("--peer", given.peers, "ws://HOST:PORT/ of a replica to keep a link with")->take_all();
  CLI11_PARSE(program, argc, argv);
  if (given.www.empty() && given.page.empty()) {
    std::cerr << "tandem_webview: give the page, as --www FOLDER or --page URL\n";
    return 2;
  }
  if (!gtk_init_check(&argc, &argv)) {
    std::cerr << "tandem_webview: there is no display; start it in a desktop session, or under xvfb-run\n";
    return 1;
  }
  try {
    return show(given);
  } catch (const tandem::messages::failure& trouble) {
    std::cerr << "tandem_webview: " << trouble.what() << "\n";
    return 1;
  }
}
