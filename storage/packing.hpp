// How the core's own blobs are packed: variable-length integers, keys and lists of values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/value.hpp"

namespace tandem::storage {

void append_varint(std::string& out, std::uint64_t number);
/// Throws failure (corrupt) if `in` ends early. Removes what it read.
std::uint64_t take_varint(std::string_view& in);
void append_fixed64(std::string& out, std::uint64_t number);
std::uint64_t take_fixed64(std::string_view& in);

/// Values one after the other, each with its storage class: equal bytes mean identical values, so a
/// packed primary key names its row at every replica.
void append_value(std::string& out, const messages::value_view& value);
std::string packed_values(std::span<const messages::value_view> values);
/// Texts and blobs point into `packed`.
std::vector<messages::value_view> unpacked_values(std::string_view packed);
void unpack_values(std::string_view packed, std::vector<messages::value_view>& into);

/// A packed key as JSON: a value, or an array where it has several columns. Blobs are {"blob":"hex"}.
std::string key_to_json(std::string_view packed);
/// Throws failure (usage) if `json` is no key.
std::string key_from_json(std::string_view json);
std::string value_to_json(const messages::value_view& value);
messages::value value_from_json(std::string_view json);

} // namespace tandem::storage
