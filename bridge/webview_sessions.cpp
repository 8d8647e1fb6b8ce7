#include "bridge/webview_sessions.hpp"

#include <algorithm>
#include <utility>

#include "messages/page_limits.hpp"

namespace tandem::bridge {
namespace {

/// Its name stands in scripts: nothing but hexadecimal digits may be in it.
bool is_session(std::string_view name) {
  return name.size() == limits::page_session_digits && std::ranges::all_of(name, [](char each) {
           return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'f');
         });
}

} // namespace

void webview_sessions::take(const std::string& message, webview_page::answer answer) {
  const auto name = message.substr(0, std::min(message.find(' '), limits::page_session_digits + 1));
  if (!is_session(name)) {
    answer("protocol: a page says its session, of 32 hexadecimal digits, first", true);
    return;
  }
  const auto letter = std::string_view{message}.substr(std::min(name.size() + 1, message.size()));
  if (letter == "end") {
    if (const auto gone = pages_.extract(name); !gone.empty()) {
      gone.mapped()->end("the page has closed it");
    }
    answer({}, false);
    return;
  }
  if (const auto page = find(name, letter, answer)) {
    page->take(letter, std::move(answer));
  }
}

std::shared_ptr<webview_page> webview_sessions::find(const std::string& session, std::string_view letter,
                                                     const webview_page::answer& answer) {
  if (const auto found = pages_.find(session); found != pages_.end()) {
    return found->second;
  }
  if (!letter.starts_with("send 1 ") && !letter.starts_with("turn 1 ")) {
    answer("network: there is no such session; begin one", true);
    return nullptr;
  }
  if (pages_.size() >= limits::page_sessions_max) {
    answer("limit: a WebView has " + std::to_string(limits::page_sessions_max) + " sessions at most; close one", true);
    return nullptr;
  }
  const auto page = std::make_shared<webview_page>(loop_, session);
  pages_.emplace(session, page);
  page->start(on_accept_);
  return page;
}

void webview_sessions::end(const std::string& text) {
  for (const auto& [session, gone] : std::exchange(pages_, {})) {
    gone->end(text);
  }
}

void webview_sessions::beat(std::int64_t time_ms) {
  std::erase_if(pages_, [](const auto& each) { return each.second->is_over(); });
  for (const auto& [session, page] : pages_) {
    page->beat(time_ms);
  }
}

} // namespace tandem::bridge
