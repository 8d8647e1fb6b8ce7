#include "messages/catalogue.hpp"

namespace tandem::messages {
namespace {

constexpr std::uint64_t first_internal_tag = 64;

// Fields of part 0 and of the others; both may grow at the end.
constexpr std::size_t fields_of_later_part = 4;
constexpr std::size_t fields_of_first_part = fields_of_later_part + 5;

std::vector<std::uint64_t> read_trail(decoder& in) {
  const auto count = in.array();
  if (count > limits::trail_items_max)
    throw failure{failure_code::limit, "a bundle has passed more stations than there can be; it was ignored"};
  std::vector<std::uint64_t> result(count);
  for (auto& us : result)
    us = in.unsigned_integer();
  return result;
}

} // namespace

std::uint64_t tag_of(std::string_view bytes) {
  try {
    decoder in{bytes};
    in.array_of_at_least(2);
    return in.unsigned_integer();
  } catch (const failure&) {
    return 0;
  }
}

bool is_wire_message(std::string_view bytes) {
  const auto tag = tag_of(bytes);
  return tag > 0 && tag < first_internal_tag;
}

std::size_t read_message_head(decoder& in, std::uint64_t tag) {
  const auto fields = in.array_of_at_least(2);
  const auto found = in.unsigned_integer();
  in.unsigned_integer(); // The version: later ones only add fields.
  if (found != tag)
    throw failure{failure_code::protocol,
                  "message " + std::to_string(tag) + " was expected and " + std::to_string(found) + " came"};
  return fields;
}

shared_bytes encode(const bundle_part& part) {
  encoder out;
  const bool has_trace = !part.trail.empty() && !part.trace.empty();
  out.array(2 + (part.index == 0 ? fields_of_first_part : fields_of_later_part) + (part.trail.empty() ? 0 : 1) +
            (has_trace ? 1 : 0));
  out.unsigned_integer(static_cast<std::uint64_t>(bundle_part::tag));
  out.unsigned_integer(bundle_part::version);
  out.unsigned_integer(part.number);
  out.unsigned_integer(part.index);
  out.boolean(part.is_last);
  out.blob(part.block);
  if (part.index == 0) {
    out.unsigned_integer(part.header.start);
    out.unsigned_integer(part.header.to - part.header.start);
    out.unsigned_integer(part.header.ack);
    out.unsigned_integer(part.header.schema_version);
    out.boolean(part.header.is_snapshot);
  }
  if (!part.trail.empty()) {
    out.array(part.trail.size());
    for (const auto us : part.trail)
      out.unsigned_integer(us);
  }
  if (has_trace)
    out.blob(part.trace);
  return std::make_shared<const std::string>(out.take());
}

template <>
bundle_part decode<bundle_part>(std::string_view bytes) {
  decoder in{bytes};
  bundle_part part;
  const auto found = read_message_head(in, static_cast<std::uint64_t>(bundle_part::tag));
  if (found < fields_of_later_part)
    throw failure{failure_code::protocol, "a bundle part has too few fields; it was ignored"};
  part.number = in.unsigned_integer();
  part.index = in.unsigned_integer();
  part.is_last = in.boolean();
  part.block = in.blob();
  auto known = fields_of_later_part;
  if (part.index == 0) {
    known = fields_of_first_part;
    if (found < known)
      throw failure{failure_code::protocol, "a bundle begins without its header; it was ignored"};
    part.header.start = in.unsigned_integer();
    const auto covered = in.unsigned_integer();
    if (covered > UINT64_MAX - part.header.start)
      throw failure{failure_code::protocol, "a bundle ends before it begins; it was ignored"};
    part.header.to = part.header.start + covered;
    part.header.ack = in.unsigned_integer();
    part.header.schema_version = in.unsigned_integer();
    part.header.is_snapshot = in.boolean();
  }
  if (found > known) {
    part.trail = read_trail(in);
    ++known;
  }
  if (found > known) {
    part.trace = in.blob();
    if (part.trace.size() != limits::trace_id_bytes)
      throw failure{failure_code::protocol, "a bundle's trace id is none; it was ignored"};
    ++known;
  }
  in.skip(found - known);
  in.end();
  return part;
}

} // namespace tandem::messages
