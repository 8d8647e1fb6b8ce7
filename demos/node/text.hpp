// Numbers, times and tables as people read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::node {

/// 15607 as "15,607".
std::string with_commas(std::uint64_t number);
/// "1 row", "2 rows", "15,607 rows".
std::string counted(std::uint64_t number, std::string_view noun);
/// 1007616 as "1.0 MB"; powers of ten.
std::string as_bytes(std::uint64_t bytes);
/// 0.42 as "0.4 ms", 1530 as "1.5 s", 90000 as "1 min 30 s".
std::string as_duration(double milliseconds);
/// Unix milliseconds as "2026-05-04 13:02:11.250" of the local time zone; "never" for 0.
std::string as_time(std::int64_t unix_ms);
/// How long ago, in one unit: "just now", "3 s ago", "5 min ago", "2 days ago"; "never" for 0.
std::string as_age(std::int64_t then_ms, std::int64_t now_ms);
/// At most `characters_max` characters (not bytes), the last one "…" if some were cut off; line breaks as spaces.
std::string shortened(std::string_view text, std::size_t characters_max);
/// How many columns of a terminal the text takes: its UTF-8 characters.
std::size_t width_of(std::string_view text);

/// Columns as wide as their widest cell, two spaces apart, the first row being the headings.
std::string as_table(const std::vector<std::vector<std::string>>& rows, std::string_view indent = "  ");

/// True if standard output is a terminal that shows colours (and NO_COLOR is not set).
bool shows_colours();

} // namespace tandem::node
