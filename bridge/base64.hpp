// Base64 with padding, for transports that carry text only. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandem::bridge {

std::string to_base64(std::string_view bytes);
/// Nothing if `text` is no base64.
std::optional<std::string> from_base64(std::string_view text);

} // namespace tandem::bridge
