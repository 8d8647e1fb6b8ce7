#include "messages/site.hpp"

#include <algorithm>

#include "messages/failure.hpp"

namespace tandem::messages {

std::string site_id::to_hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string result;
  result.reserve(2 * bytes.size());
  for (const auto byte : bytes) {
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  return result;
}

site_id site_id::from_bytes(std::string_view raw) {
  site_id result;
  if (raw.size() != result.bytes.size())
    throw failure{failure_code::protocol, "a site id has " + std::to_string(raw.size()) + " bytes where 16 belong"};
  std::copy(raw.begin(), raw.end(), reinterpret_cast<char*>(result.bytes.data()));
  return result;
}

} // namespace tandem::messages
