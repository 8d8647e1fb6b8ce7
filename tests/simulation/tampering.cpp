#include "tests/simulation/tampering.hpp"

#include <algorithm>
#include <utility>

#include "messages/catalogue.hpp"
#include "messages/row_block.hpp"
#include "storage/replica.hpp"

namespace tandem::simulation {
namespace {

using bridge::shared_bytes;
using messages::bundle_part;
using messages::wire;

bool is_bundle(const shared_bytes& frame) {
  return static_cast<wire>(messages::tag_of(*frame)) == wire::bundle_part;
}

/// The block with only those rows for which `keeps` (asked with the row's place) is true.
std::string filtered(std::string_view block,
                     const std::function<bool(std::size_t place, const messages::row_change&)>& keeps) {
  messages::row_block_writer writer;
  std::size_t place = 0;
  messages::read_row_block(block, [&](const messages::row_change& change) {
    if (keeps(place++, change))
      writer.add(change);
  });
  return writer.rows() ? writer.finish() : std::string{};
}

std::size_t rows_of(std::string_view block) {
  std::size_t count = 0;
  messages::read_row_block(block, [&count](const messages::row_change&) { ++count; });
  return count;
}

std::uint64_t last_pos(const messages::row_change& change) {
  std::uint64_t result = 0;
  for (const auto& group : change.groups)
    result = std::max(result, group.pos);
  return result;
}

shared_bytes with_block(bundle_part part, const std::string& block) {
  part.block = block;
  return messages::encode(part);
}

/// The first rows in a bundle of their own, which ends where they do, and then the rest.
std::vector<shared_bytes> split(const bundle_part& part, std::size_t rows) {
  const auto cut = rows / 2;
  std::uint64_t first_end = part.header.start;
  const auto first = filtered(part.block, [&](std::size_t place, const messages::row_change& change) {
    if (place < cut)
      first_end = std::max(first_end, last_pos(change));
    return place < cut;
  });
  const auto rest = filtered(part.block, [&](std::size_t place, const messages::row_change&) { return place >= cut; });
  auto one = part;
  one.header.to = first_end;
  auto two = part;
  two.header.start = first_end;
  return {with_block(one, first), with_block(two, rest)};
}

} // namespace

std::uint32_t storage_faults_of(plant planted) {
  switch (planted) {
  case plant::merge_unstamped:
    return storage::fault_merge_unstamped;
  case plant::skip_audit:
    return storage::fault_skip_audit;
  default:
    return 0;
  }
}

tampering::tampering(std::string name, chronicle& record, plant planted)
    : name_{std::move(name)}, record_{record}, planted_{planted} {}

std::vector<shared_bytes> tampering::sent(std::uint64_t link, const shared_bytes& frame) {
  record_.mix(name_);
  record_.mix(*frame);
  if (!is_bundle(frame))
    return {frame};
  auto part = messages::decode<bundle_part>(*frame);
  if (part.index != 0)
    return {frame};
  if (planted_ == plant::early_ack) {
    part.header.ack = std::max(part.header.ack, came_to_[link]);
    return {messages::encode(part)};
  }
  if (part.block.empty() || !part.is_last)
    return {frame};
  const auto rows = rows_of(part.block);
  switch (planted_) {
  case plant::drop_row:
    return {with_block(
        part, filtered(part.block, [&](std::size_t place, const messages::row_change&) { return place + 1 < rows; }))};
  case plant::no_forwarding:
    return {with_block(part, filtered(part.block, [](std::size_t, const messages::row_change& change) {
                         return std::ranges::any_of(change.groups, [](const messages::cell_group& group) {
                           return group.written.site.is_null();
                         });
                       }))};
  case plant::split_bundle:
    if (rows > 1 && !part.header.is_snapshot)
      return split(part, rows);
    break;
  default:
    break;
  }
  return {frame};
}

void tampering::received(std::uint64_t link, const shared_bytes& frame) {
  record_.mix(*frame);
  if (static_cast<messages::wire>(messages::tag_of(*frame)) == messages::wire::hello)
    came_to_[link] = std::max(came_to_[link], messages::decode<messages::hello>(*frame).head);
  if (!is_bundle(frame))
    return;
  const auto part = messages::decode<bundle_part>(*frame);
  if (part.index == 0)
    came_to_[link] = std::max(came_to_[link], part.header.to);
}

} // namespace tandem::simulation
