#include "monitor/peer_book.hpp"

#include <algorithm>

#include "messages/limits.hpp"

namespace tandem::monitor {

bool peer_book::is_taken(const std::string& label) const {
  return label.empty() || label == other_peers || label == unknown_peer ||
         std::ranges::any_of(sites_, [&label](const auto& each) { return each.second.label == label; });
}

std::string peer_book::label_for(const messages::site_id& site, const std::string& name) const {
  const auto plain = name.substr(0, limits::label_bytes_max);
  for (const auto& label : {plain, plain + " " + site.to_short(), plain + " " + site.to_hex()})
    if (!is_taken(label))
      return label;
  return other_peers; // Somebody calls himself what another one's site makes of his name.
}

std::string peer_book::free_longest_gone() {
  auto longest = sites_.end();
  for (auto each = sites_.begin(); each != sites_.end(); ++each)
    if (each->second.links == 0 && (longest == sites_.end() || each->second.since_us < longest->second.since_us))
      longest = each;
  if (longest == sites_.end())
    return {};
  auto label = longest->second.label;
  sites_.erase(longest);
  return label;
}

peer_book::arrival peer_book::linked(std::uint64_t link, const messages::site_id& site, const std::string& name,
                                     std::int64_t now_us) {
  arrival result;
  const bool is_new_link = links_.insert_or_assign(link, site).second;
  auto found = sites_.find(site);
  if (found != sites_.end() && found->second.name != name) {
    result.freed.push_back(found->second.label);
    found->second.label.clear();
    found->second.name = name;
    found->second.label = label_for(site, name);
  }
  if (found == sites_.end()) {
    if (sites_.size() >= limits::measured_peers_max)
      if (auto label = free_longest_gone(); !label.empty())
        result.freed.push_back(std::move(label));
    if (sites_.size() >= limits::measured_peers_max) {
      result.label = other_peers;
      return result;
    }
    found = sites_.emplace(site, entry{label_for(site, name), name, 0, now_us}).first;
  }
  found->second.links += is_new_link ? 1 : 0;
  result.label = found->second.label;
  return result;
}

std::optional<peer_book::parting> peer_book::closed(std::uint64_t link, std::int64_t now_us) {
  const auto which = links_.find(link);
  if (which == links_.end())
    return std::nullopt;
  const auto found = sites_.find(which->second);
  links_.erase(which);
  if (found == sites_.end())
    return parting{other_peers, false};
  auto& peer = found->second;
  peer.links -= std::min<std::size_t>(peer.links, 1);
  peer.since_us = now_us;
  return parting{peer.label, peer.links == 0};
}

std::optional<std::string> peer_book::label_of(std::uint64_t link) const {
  const auto which = links_.find(link);
  if (which == links_.end())
    return std::nullopt;
  const auto found = sites_.find(which->second);
  return found == sites_.end() ? std::string{other_peers} : found->second.label;
}

std::optional<std::string> peer_book::remember(const messages::site_id& site, const std::string& name,
                                               std::int64_t seen_us) {
  const auto is_linked = std::ranges::any_of(links_, [&site](const auto& each) { return each.second == site; });
  if (is_linked || sites_.contains(site) || sites_.size() >= limits::measured_peers_max)
    return std::nullopt;
  return sites_.emplace(site, entry{label_for(site, name), name, 0, seen_us}).first->second.label;
}

std::vector<std::string> peer_book::keep_only(const std::set<messages::site_id>& sites) {
  std::vector<std::string> result;
  std::erase_if(sites_, [&](const auto& each) {
    const bool is_gone = each.second.links == 0 && !sites.contains(each.first);
    if (is_gone)
      result.push_back(each.second.label);
    return is_gone;
  });
  return result;
}

} // namespace tandem::monitor
