// Blocks of a stranger, merged into a replica in memory-backed storage. Whatever they are: a clear
// failure with nothing applied, or a merge after which the replica still passes its own checks.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz_replicas.hpp"
#include "messages/failure.hpp"

namespace {

using namespace tandem;

/// Of so many merges, one is followed by a full check: it costs much more than the merge.
constexpr unsigned verify_every = 64;
/// A replica that has taken in much garbage gets slow; a new one is cheap.
constexpr unsigned merges_max = 2'000;

struct target {
  target() : receiver{"fuzz-receiver"}, sender{"fuzz-sender"} {
    receiver.core.bind_peer(sender.core.self().site, sender.core.schema());
  }

  fuzz::fuzz_replica receiver;
  fuzz::fuzz_replica sender;
  unsigned merges = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<target> world;
  if (!world || world->merges >= merges_max) {
    world.reset();
    world = std::make_unique<target>();
  }
  auto& receiver = world->receiver.core;
  const auto peer = world->sender.core.self();
  const auto before = receiver.digest();
  messages::bundle_header header;
  header.epoch = peer.epoch;
  const auto known = receiver.peer(peer.site);
  header.start = known ? known->applied : 0;
  header.to = header.start + 10'000;
  header.schema_version = world->sender.core.schema_version();
  bool is_first = true;
  try {
    receiver.merge(peer.site, header, [&]() -> std::optional<std::string_view> {
      if (!is_first)
        return std::nullopt;
      is_first = false;
      return std::string_view{reinterpret_cast<const char*>(data), size};
    });
  } catch (const messages::failure&) {
    if (receiver.digest() != before) {
      std::fputs("a merge that failed has changed the replica\n", stderr);
      std::abort();
    }
  }
  if (++world->merges % verify_every == 0) {
    for (const auto& finding : receiver.verify()) {
      std::fprintf(stderr, "%s\n", finding.c_str());
      std::abort();
    }
  }
  return 0;
}
