// Texts in requests of pages, and in answers to them. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace tandem::bridge {

/// Whether a page may call its session so.
bool is_session(std::string_view text);
/// Whether nothing but a host and a port can be in it: it goes into headers of answers.
bool is_authority(std::string_view text);
/// {"code": ..., "text": ...}, whatever is in the text.
std::string trouble_as_json(std::string_view code, std::string_view text);
/// The part of a target's query that is called so; empty: there is none.
std::string_view query_field(std::string_view target, std::string_view name);

} // namespace tandem::bridge
