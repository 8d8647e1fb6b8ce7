// Rules that look at the ledger, and say what is wrong, why, and what to do: once, until it is over.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "monitor/ledger.hpp"

namespace tandem::monitor {

/// What a rule looks at.
struct reading {
  double value = 0;
  std::string subject = {}; ///< what it is about: a peer, a table, an actor; may be empty
  std::string key = {};     ///< what tells apart those of one rule that hold by themselves, such as a peer; else empty
  std::string detail = {};  ///< {detail} of the texts
  std::string cause = {};   ///< where this one has another cause, and another step, than the rule says
  std::string step = {};
};
using readings = std::vector<reading>;

struct rule {
  std::string_view name;
  std::string_view severity; ///< "info", "warning", "critical"
  double raise_at = 0;       ///< raised when the value is at least this for `hold_ms`...
  double clear_at = 0;       ///< ... and over when it is below this
  std::int64_t hold_ms = 0;
  std::function<readings(const ledger&, std::int64_t now_us)> look;
  /// {value}, {subject} and {detail} are put in; {value|row is|rows are} is the value and the words that fit its
  /// number.
  std::string_view evidence;
  std::string_view cause;
  std::string_view step;
};

std::span<const rule> all_rules();

struct alert {
  std::string rule, severity, subject, key;
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
    std::vector<alert> cleared; ///< as they were last
  };
  news look(const ledger& at, std::int64_t now_us);
  /// Those that hold, the gravest first.
  [[nodiscard]] std::vector<alert> alerts() const;

private:
  using identity = std::pair<std::string_view, std::string>; ///< a rule's name, and a reading's key
  void look_at(const rule& of, const reading& seen, std::int64_t now_us, news& out);
  /// Whatever of a rule's was raised or suspected, and has no reading any more, is over.
  void clear_unseen(const rule& of, const readings& all, news& out);

  std::map<identity, alert> raised_;
  std::map<identity, std::int64_t> suspected_us_; ///< above the limit since then, not for long enough yet
};

} // namespace tandem::monitor
