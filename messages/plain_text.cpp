#include "messages/plain_text.hpp"

namespace tandem::messages {

std::string one_line(std::string_view text) {
  std::string result{text};
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto byte = static_cast<unsigned char>(result[i]);
    const auto next = i + 1 < result.size() ? static_cast<unsigned char>(result[i + 1]) : 0U;
    if (byte < 0x20 || byte == 0x7f)
      result[i] = '?';
    else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) // U+0080 to U+009F, which are control characters too.
      result.replace(i, 2, "?");
  }
  return result;
}

} // namespace tandem::messages
