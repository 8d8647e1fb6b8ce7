// What people type, as storage wants it.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/replica.hpp"

namespace tandem::node {

/// What was typed makes no sense, whatever is on disk.
class wrong_usage : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A replica to look at: the file must be one, and nothing is written.
storage::replica open_for_reading(const std::string& path);

/// TABLE[.COLUMN]=POLICY. Names may contain dots: the longest of `tables` that fits is the table, else what comes
/// before the first dot. Throws wrong_usage.
storage::policy parse_policy(std::string_view argument, std::span<const std::string> tables);

/// TABLE.OLD=NEW for a column, OLD_TABLE=NEW_TABLE for a table. Throws wrong_usage.
std::vector<storage::alias> parse_aliases(std::span<const std::string> arguments);

/// TABLE=PRIORITY. Throws wrong_usage.
storage::table_priority parse_priority(std::string_view argument);

/// A number, a quoted string, null, an array or {"blob": HEX} is taken as the JSON that it is, anything else as plain
/// text.
std::string as_json_value(std::string_view argument);

/// HOST:PORT, [IPv6]:PORT or just PORT (on 127.0.0.1). Throws wrong_usage.
std::pair<std::string, std::uint16_t> parse_listen_address(std::string_view argument);

/// The first line of the file. Throws wrong_usage if it can't be read or is empty.
std::string read_token(const std::string& path);

} // namespace tandem::node
