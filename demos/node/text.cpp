#include "demos/node/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <unistd.h>

namespace tandem::node {

namespace {

std::string formatted(const char* format, double number, std::string_view unit) {
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, number);
  return std::string{buffer.data()} + " " + std::string{unit};
}

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

} // namespace

std::string with_commas(std::uint64_t number) {
  const auto digits = std::to_string(number);
  std::string result;
  for (std::size_t place = 0; place < digits.size(); ++place) {
    if (place > 0 && (digits.size() - place) % 3 == 0) {
      result += ',';
    }
    result += digits[place];
  }
  return result;
}

std::string counted(std::uint64_t number, std::string_view noun) {
  auto result = with_commas(number) + " " + std::string{noun};
  return number == 1 ? result : result + "s";
}

std::string as_bytes(std::uint64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (bytes < 1'000) {
    return counted(bytes, "byte");
  }
  if (bytes < 1'000'000) {
    return formatted("%.1f", number / 1e3, "kB");
  }
  return bytes < 1'000'000'000 ? formatted("%.1f", number / 1e6, "MB") : formatted("%.2f", number / 1e9, "GB");
}

std::string as_duration(double milliseconds) {
  if (milliseconds < 10) {
    return formatted("%.1f", milliseconds, "ms");
  }
  if (milliseconds < 1'000) {
    return formatted("%.0f", milliseconds, "ms");
  }
  if (milliseconds < 60'000) {
    return formatted("%.1f", milliseconds / 1e3, "s");
  }
  const auto seconds = static_cast<std::uint64_t>(milliseconds / 1e3);
  return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
}

std::string as_time(std::int64_t unix_ms) {
  if (unix_ms == 0) {
    return "never";
  }
  const auto seconds = static_cast<std::time_t>(unix_ms / 1'000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  std::array<char, 32> buffer{};
  std::strftime(buffer.data(), buffer.size(), "%Y-%m-%d %H:%M:%S", &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03d", static_cast<int>(unix_ms % 1'000));
  return std::string{buffer.data()} + fraction.data();
}

std::string as_age(std::int64_t then_ms, std::int64_t now_ms) {
  if (then_ms == 0) {
    return "never";
  }
  const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_ms - then_ms) / 1'000);
  if (seconds < 2) {
    return "just now";
  }
  if (seconds < 120) {
    return std::to_string(seconds) + " s ago";
  }
  if (seconds < 2 * 3'600) {
    return std::to_string(seconds / 60) + " min ago";
  }
  return seconds < 2 * 86'400 ? std::to_string(seconds / 3'600) + " h ago" : counted(seconds / 86'400, "day") + " ago";
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !is_continuation(byte); }));
}

std::string shortened(std::string_view text, std::size_t characters_max) {
  std::string result;
  std::size_t characters = 0;
  const auto is_cut = width_of(text) > characters_max;
  for (const char byte : text) {
    if (!is_continuation(byte) && ++characters > characters_max - (is_cut ? 1 : 0)) {
      return result + "…";
    }
    result += static_cast<unsigned char>(byte) < 0x20U ? ' ' : byte;
  }
  return result;
}

std::string as_table(const std::vector<std::vector<std::string>>& rows, std::string_view indent) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], width_of(row[column]));
    }
  }
  std::string result;
  for (const auto& row : rows) {
    std::string line{indent};
    for (std::size_t column = 0; column < row.size(); ++column) {
      line += row[column];
      line.append(widths[column] - width_of(row[column]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  }
  return result;
}

bool shows_colours() {
  static const bool result = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return result;
}

} // namespace tandem::node
