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
/// The part of a target's query that is called so, as it stands there; empty: there is none.
std::string_view query_field(std::string_view target, std::string_view name);
/// What was percent-encoded there (RFC 3986, section 2.1). A plus stays one, as in tokens that are pasted into an
/// address; what is no encoding stays as it is.
std::string percent_decoded(std::string_view text);

} // namespace tandem::bridge
