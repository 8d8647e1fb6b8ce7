// What the actors use of spdlog, over the page's console: the library itself would be a third of the module.
#pragma once

#include <string>
#include <string_view>

namespace spdlog {

inline void add_text(std::string& out, std::string_view text) { out += text; }
inline void add_text(std::string& out, bool flag) { out += flag ? "true" : "false"; }
template <class Number>
auto add_text(std::string& out, Number number) -> decltype(void(std::to_string(number))) {
  out += std::to_string(number);
}

inline std::string filled(std::string_view text) { return std::string{text}; }
template <class First, class... Others>
std::string filled(std::string_view text, const First& first, const Others&... others) {
  const auto gap = text.find("{}");
  std::string result{text.substr(0, gap)};
  if (gap == std::string_view::npos)
    return result;
  add_text(result, first);
  return result + filled(text.substr(gap + 2), others...);
}

/// 0 debug, 1 info, 2 warning, 3 error. Defined by the module.
void say(int how_bad, const std::string& line);

template <class... Parts>
void debug(std::string_view text, const Parts&... parts) {
  say(0, filled(text, parts...));
}
template <class... Parts>
void info(std::string_view text, const Parts&... parts) {
  say(1, filled(text, parts...));
}
template <class... Parts>
void warn(std::string_view text, const Parts&... parts) {
  say(2, filled(text, parts...));
}
template <class... Parts>
void error(std::string_view text, const Parts&... parts) {
  say(3, filled(text, parts...));
}

} // namespace spdlog
