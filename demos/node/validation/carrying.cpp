#include "demos/node/validation/carrying.hpp"

#include <optional>
#include <string_view>
#include <utility>

#include "messages/failure.hpp"
#include "messages/limits.hpp"

namespace tandem::node {

carried_bundle take_bundle(storage::replica& from, storage::replica& to) {
  const auto known = from.peer(to.self().site);
  auto reading = from.extract(to.self().site, known ? known->acked : 0);
  if (!reading) {
    throw messages::failure{messages::failure_code::storage, "this replica has nothing to send"};
  }
  carried_bundle result;
  while (auto block = reading->next_block(limits::block_bytes_target)) {
    result.blocks.push_back(std::move(*block));
  }
  result.header = reading->header();
  return result;
}

void merge_bundle(storage::replica& from, storage::replica& to, const carried_bundle& taken) {
  to.bind_peer(from.self().site, from.schema());
  std::size_t next = 0;
  const auto report = to.merge(from.self().site, taken.header, [&]() -> std::optional<std::string_view> {
    return next < taken.blocks.size() ? std::optional<std::string_view>{taken.blocks[next++]} : std::nullopt;
  });
  from.note_acked(to.self().site, from.self().epoch, report.cursor);
}

} // namespace tandem::node
