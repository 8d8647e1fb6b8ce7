// Steps of a history: drawn, made fewer, and written down.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <string_view>

#include "tests/property/random_source.hpp"
#include "tests/simulation/history.hpp"

namespace tandem::simulation {

std::vector<step> random_steps(std::uint64_t seed, std::size_t count) {
  property::random_source random{seed ^ 0x7369'6d75'6c61'7465ULL};
  std::vector<step> result(count);
  for (auto& each : result)
    each = {static_cast<std::uint8_t>(random.below(100)), static_cast<std::uint8_t>(random.below(240)),
            static_cast<std::uint32_t>(random.bits())};
  return result;
}

namespace {

/// What kind of trouble it is: its words, without names and numbers. A shorter history is to fail in the same way.
std::string kind_of(const std::string& trouble) {
  for (const std::string_view known :
       {"none of the latest writes", "is lost without a trace", "it is gone", "it stands", "at once",
        "nobody has written", "a false conflict", "quarantine at", "differ", "verify", "do not come to rest",
        "has lost", "in its mailbox", "is stuck", "given up", "part of a transaction", "one transaction",
        "before it was durable"})
    if (trouble.find(known) != std::string::npos)
      return std::string{known};
  return {};
}

} // namespace

std::vector<step> smaller(const history_options& options, std::vector<step> steps, unsigned seconds) {
  const auto kind = kind_of(run_history(options, steps).trouble);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{seconds};
  const auto has_time = [end] {
    return std::chrono::steady_clock::now() < end;
  };
  for (auto chunk = std::max<std::size_t>(steps.size() / 2, 1); chunk > 0 && has_time();) {
    bool was_cut = false;
    for (std::size_t at = 0; at < steps.size() && has_time();) {
      auto fewer = steps;
      const auto from = fewer.begin() + static_cast<std::ptrdiff_t>(at);
      fewer.erase(from, from + static_cast<std::ptrdiff_t>(std::min(chunk, fewer.size() - at)));
      const auto shorter = run_history(options, fewer);
      if (shorter.is_sound || kind_of(shorter.trouble) != kind) {
        at += chunk;
      } else {
        steps = std::move(fewer);
        was_cut = true;
      }
    }
    if (chunk == 1 && !was_cut)
      break;
    chunk = std::max<std::size_t>(chunk / 2, 1);
  }
  return steps;
}

std::string text_of(const std::vector<step>& steps) {
  std::string result;
  for (const auto& each : steps)
    result += (result.empty() ? "" : ",") + std::to_string(each.kind) + "." + std::to_string(each.where) + "." +
              std::to_string(each.salt);
  return result;
}

std::vector<step> steps_of(const std::string& text) {
  std::vector<step> result;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](auto& into, char behind) {
    const auto [next, trouble] = std::from_chars(at, end, into);
    if (trouble != std::errc{} || (behind && (next == end || *next != behind)))
      throw std::invalid_argument{"no list of steps: " + text};
    at = next + (behind ? 1 : 0);
  };
  while (at != end) {
    step each;
    number(each.kind, '.');
    number(each.where, '.');
    number(each.salt, 0);
    result.push_back(each);
    if (at != end && (*at++ != ',' || at == end))
      throw std::invalid_argument{"no list of steps: " + text};
  }
  return result;
}

} // namespace tandem::simulation
