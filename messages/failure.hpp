// What went wrong, where, and what to do about it: the one exception type of Tandem.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace tandem::messages {

enum class failure_code {
  usage,     ///< the caller asked for something that makes no sense
  storage,   ///< SQLite or the file system refused
  busy,      ///< somebody else holds the database's lock; trying again later helps
  full,      ///< the disk is full
  read_only, ///< the file can't be written
  corrupt,   ///< the file is no database, or its bookkeeping contradicts itself
  schema,    ///< tables of two sides, or of now and before, do not fit together
  protocol,  ///< a frame or peer broke the rules
  limit,     ///< a limit of messages/limits.hpp was passed
  clock,     ///< somebody's clock is off by more than is allowed
  denied,    ///< a token is missing or wrong
  not_found, ///< there is no such table, row, conflict
  network,   ///< the peer can't be reached or went away
  defect,    ///< a bug of ours: please report
};

std::string_view name_of(failure_code code);

/// Its text says what happened, where, and what to do. Actors and the public interface turn it
/// into a message; it never crosses them.
class failure : public std::runtime_error {
public:
  failure(failure_code code, const std::string& text) : std::runtime_error{text}, code_{code} {}
  [[nodiscard]] failure_code code() const { return code_; }

private:
  failure_code code_;
};

} // namespace tandem::messages
