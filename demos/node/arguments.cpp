#include "demos/node/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

namespace tandem::node {

storage::replica open_for_reading(const std::string& path) {
  storage::replica_options options;
  options.mode = storage::open_mode::read_only;
  return storage::replica::open(path, std::move(options));
}

storage::policy parse_policy(std::string_view argument, std::span<const std::string> tables) {
  const auto equals = argument.rfind('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == argument.size()) {
    throw wrong_usage{"--policy " + std::string{argument} +
                      " is not of the form TABLE[.COLUMN]=POLICY, for example tasks.title=lww"};
  }
  const auto target = argument.substr(0, equals);
  const auto dot = target.find('.');
  const auto name = argument.substr(equals + 1);
  const auto comma = std::min(name.find(','), name.size());
  storage::policy result{std::string{target.substr(0, dot)},
                         {},
                         std::string{name.substr(0, comma)},
                         std::string{name.substr(std::min(comma + 1, name.size()))}};
  if (dot != std::string_view::npos) {
    result.column = target.substr(dot + 1);
  }
  for (const auto& table : tables) {
    if (table == target) {
      result.table = table;
      result.column.clear();
      return result;
    }
    const auto is_prefix = target.size() > table.size() && target.starts_with(table) && target[table.size()] == '.';
    if (is_prefix && table.size() > result.table.size()) {
      result.table = table;
      result.column = target.substr(table.size() + 1);
    }
  }
  return result;
}

storage::table_priority parse_priority(std::string_view argument) {
  const auto equals = argument.rfind('=');
  const auto level =
      equals == std::string_view::npos ? std::nullopt : messages::priority_named(argument.substr(equals + 1));
  if (!level || equals == 0) {
    throw wrong_usage{"--priority " + std::string{argument} +
                      " is not of the form TABLE=PRIORITY with critical, normal or background, for example "
                      "messages=critical"};
  }
  return {std::string{argument.substr(0, equals)}, *level};
}

std::vector<storage::alias> parse_aliases(std::span<const std::string> arguments) {
  std::vector<storage::alias> result;
  for (const auto& argument : arguments) {
    const auto equals = argument.rfind('=');
    const auto dot = argument.substr(0, equals).rfind('.');
    const bool has_both_names = equals != std::string::npos && equals != 0 && equals + 1 != argument.size();
    if (!has_both_names || dot == 0 || dot + 1 == equals) {
      throw wrong_usage{"--alias " + argument +
                        " is not of the form TABLE.OLD=NEW or OLD_TABLE=NEW_TABLE, for example tasks.title=name"};
    }
    const auto now = argument.substr(equals + 1);
    if (dot == std::string::npos) {
      result.push_back({now, {}, argument.substr(0, equals)});
    } else {
      result.push_back({argument.substr(0, dot), now, argument.substr(dot + 1, equals - dot - 1)});
    }
  }
  return result;
}

std::string as_json_value(std::string_view argument) {
  const auto parsed = nlohmann::json::parse(argument, nullptr, false);
  const auto is_value =
      parsed.is_number() || parsed.is_string() || parsed.is_array() || parsed.is_null() || parsed.contains("blob");
  if (is_value) {
    return std::string{argument};
  }
  return nlohmann::json(argument).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::pair<std::string, std::uint16_t> parse_listen_address(std::string_view argument) {
  const auto colon = argument.rfind(':');
  auto host = colon == std::string_view::npos ? std::string_view{"127.0.0.1"} : argument.substr(0, colon);
  const auto digits = colon == std::string_view::npos ? argument : argument.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  std::uint16_t port = 0;
  const auto [end, trouble] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (trouble != std::errc{} || end != digits.data() + digits.size() || host.empty()) {
    throw wrong_usage{"--listen " + std::string{argument} +
                      " is not of the form HOST:PORT, for example 127.0.0.1:7420; port 0 takes a free one"};
  }
  return {std::string{host}, port};
}

std::string read_token(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) {
    throw wrong_usage{"--token-file " + path + " is not a file that can be read"};
  }
  std::string token;
  std::ifstream file{path};
  std::getline(file, token);
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) {
    token.pop_back();
  }
  if (token.empty()) {
    throw wrong_usage{"--token-file " + path + " has no token in its first line: write one, 32 random characters, say"};
  }
  return token;
}

} // namespace tandem::node
