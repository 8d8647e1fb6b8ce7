// What the public interface tells as JSON.
#pragma once

#include <string>
#include <string_view>
#include <tandem/runtime.hpp>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "actors/link_board.hpp"
#include "messages/internal.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

/// "connecting", "linked", "closed", "refused", "paused".
std::string name_of(messages::link_phase::phase phase);
/// Of tables. Throws messages::failure (usage) if there is no such priority.
messages::priority checked_priority(std::string_view name);

/// As the host and pages see it.
link as_link(const link_info& info);

nlohmann::json as_json(const question& question);
nlohmann::json as_json(const change& change);
nlohmann::json as_json(const alert& alert);
/// The same for the board of a running node.
std::string links_as_json(const link_board& board);
/// {"links": [...], "paused": false, "trouble": "..."}
nlohmann::json as_json(const state& state);
nlohmann::json as_json(const storage::replica_status& status);
nlohmann::json as_json(const storage::conflict& conflict);
/// {"notes": "critical", ...}
nlohmann::json as_json(const std::vector<storage::table_priority>& priorities);
/// Bytes that are no UTF-8 are replaced, so that the result is always JSON.
std::string text_of(const nlohmann::json& document);

} // namespace tandem::actors
