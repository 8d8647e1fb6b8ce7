// Which peer is called what: each site has a label of its own, as long as there is room for it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "messages/site.hpp"

namespace tandem::monitor {

/// What peers without a label of their own are counted under.
inline constexpr const char* other_peers = "others";
/// What is counted of somebody who never said who he is.
inline constexpr const char* unknown_peer = "unknown";

/// Peers name themselves, and several may choose one name: later ones get their site id behind it. Not thread-safe;
/// times are of the clock that the ledger has.
class peer_book {
public:
  struct arrival {
    std::string label;
    std::vector<std::string> freed; ///< labels that stand for nobody now
  };
  /// A link works. Where all labels are taken, the one of the peer that is longest gone is freed.
  arrival linked(std::uint64_t link, const messages::site_id& site, const std::string& name, std::int64_t now_us);

  struct parting {
    std::string label;
    bool was_last = false; ///< no other link with this peer works
  };
  /// Nothing: it never worked.
  std::optional<parting> closed(std::uint64_t link, std::int64_t now_us);

  /// Nothing: the link is gone, or does not work yet.
  [[nodiscard]] std::optional<std::string> label_of(std::uint64_t link) const;

  /// The file knows of a peer that has not been here since this node started. Its label, if it gets one by this.
  std::optional<std::string> remember(const messages::site_id& site, const std::string& name, std::int64_t seen_us);
  /// Lets go of all that are neither linked nor among `sites`. Their labels.
  std::vector<std::string> keep_only(const std::set<messages::site_id>& sites);

private:
  struct entry {
    std::string label;
    std::string name;
    std::size_t links = 0;     ///< that work
    std::int64_t since_us = 0; ///< that there are none
  };
  [[nodiscard]] std::string label_for(const messages::site_id& site, const std::string& name) const;
  [[nodiscard]] bool is_taken(const std::string& label) const;
  /// Empty: all are linked.
  std::string free_longest_gone();

  std::map<messages::site_id, entry> sites_;
  std::map<std::uint64_t, messages::site_id> links_; ///< that work
};

} // namespace tandem::monitor
