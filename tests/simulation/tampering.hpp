// What a node's wire does to frames: it counts them into the history, and makes the planted mistakes that can be made
// there.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/simulation/chronicle.hpp"
#include "tests/simulation/plants.hpp"
#include "tests/simulation/wire.hpp"

namespace tandem::simulation {

/// The bits of storage::replica_options::faults that a planted mistake needs.
std::uint32_t storage_faults_of(plant planted);

class tampering final : public wire_tap {
public:
  tampering(std::string name, chronicle& record, plant planted);

  std::vector<bridge::shared_bytes> sent(std::uint64_t link, const bridge::shared_bytes& frame) override;
  void received(std::uint64_t link, const bridge::shared_bytes& frame) override;

private:
  const std::string name_;
  chronicle& record_;
  const plant planted_;
  std::map<std::uint64_t, std::uint64_t> came_to_; ///< by link: how far the peer has said that its log goes
};

} // namespace tandem::simulation
