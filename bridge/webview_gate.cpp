#include "bridge/webview_gate.hpp"

#include <random>
#include <utility>

#include "bridge/address.hpp"

namespace tandem::bridge {
namespace {

constexpr std::size_t key_digits = 32; // 128 bits: nobody guesses them.

std::string random_key() {
  std::random_device entropy;
  std::string result(key_digits, '0');
  for (auto& each : result) {
    each = "0123456789abcdef"[entropy() % 16];
  }
  return result;
}

/// As a text of JavaScript: an origin and a handler's name need no more than this.
std::string quoted(std::string_view text) {
  std::string result = "'";
  for (const char letter : text) {
    if (letter == '\'' || letter == '\\') {
      result += '\\';
    }
    result += letter;
  }
  return result + "'";
}

/// The page calls the handler as it does everywhere. What is handed to other handlers stays as it is.
constexpr std::string_view script_body = R"(;
  if (location.origin !== origin) return;
  const host = window.webkit.messageHandlers[name];
  const prototype = Object.getPrototypeOf(host);
  const { postMessage } = prototype;
  prototype.postMessage = function (message) {
    return postMessage.call(this, this === host ? key + message : message);
  };
})();
)";

} // namespace

webview_gate::webview_gate(std::string origin, std::string handler)
    : origin_{std::move(origin)}, handler_{std::move(handler)}, key_{random_key()} {}

std::string webview_gate::script() const {
  return "(() => {\n  const origin = " + quoted(origin_) + ", name = " + quoted(handler_) +
         ", key = " + quoted(key_ + " ") + std::string{script_body};
}

void webview_gate::show(std::string_view address) {
  is_shown_ = address.starts_with(origin_) && (address.size() == origin_.size() || address[origin_.size()] == '/');
}

std::optional<std::string> webview_gate::admit(std::string_view message) const {
  const bool has_key = message.size() > key_digits && message[key_digits] == ' ' &&
                       equal_in_constant_time(key_, message.substr(0, key_digits));
  return is_shown_ && has_key ? std::optional{std::string{message.substr(key_digits + 1)}} : std::nullopt;
}

} // namespace tandem::bridge
