// Rules that look at the ledger, and say what is wrong, why, and what to do: once, until it is over.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/ledger.hpp"

namespace tandem::monitor {

/// What a rule looks at.
struct reading {
  double value = 0;
  std::string subject = {}; ///< what it is about: a peer, a table, an actor; may be empty
};

struct rule {
  std::string_view name;
  std::string_view severity; ///< "info", "warning", "critical"
  double raise_at = 0;       ///< raised when the value is at least this for `hold_ms`...
  double clear_at = 0;       ///< ... and over when it is below this
  std::int64_t hold_ms = 0;
  std::function<reading(const ledger&, std::int64_t now_us)> look;
  std::string_view evidence; ///< {value} and {subject} are put in
  std::string_view cause;
  std::string_view step;
};

std::span<const rule> all_rules();

struct alert {
  std::string rule, severity, subject;
  double value = 0;
  std::int64_t since_us = 0;
  std::string evidence, cause, step;
};

/// Not thread-safe.
class watchman {
public:
  /// Looks at all rules; what has come up since the last look goes to `raised`, what is over to `cleared`.
  struct news {
    std::vector<alert> raised;
    std::vector<std::string> cleared;
  };
  news look(const ledger& at, std::int64_t now_us);
  /// Those that hold, the gravest first.
  [[nodiscard]] std::vector<alert> alerts() const;

private:
  std::map<std::string_view, alert> raised_;
  std::map<std::string_view, std::int64_t> suspected_us_; ///< above the limit since then, not for long enough yet
};

} // namespace tandem::monitor
