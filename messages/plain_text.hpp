// Texts of strangers, made fit for people.
#pragma once

#include <string>
#include <string_view>

namespace tandem::messages {

/// With control characters replaced: then nobody can begin a line of a log, or steer a terminal, by what he calls
/// himself. Other letters stay, whatever alphabet they are of.
std::string one_line(std::string_view text);

} // namespace tandem::messages
