// What the public interface tells as JSON.
#pragma once

#include <string>
#include <tandem/runtime.hpp>

#include <nlohmann/json_fwd.hpp>

#include "actors/link_board.hpp"
#include "messages/internal.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

/// "connecting", "linked", "closed", "refused".
std::string name_of(messages::link_phase::phase phase);

/// As the host and pages see it.
link as_link(const link_info& info);

nlohmann::json as_json(const question& question);
nlohmann::json as_json(const change& change);
/// The same for the board of a running node.
std::string links_as_json(const link_board& board);
/// {"links": [...], "trouble": "..."}
nlohmann::json as_json(const state& state);
nlohmann::json as_json(const storage::replica_status& status);
nlohmann::json as_json(const storage::conflict& conflict);
/// Bytes that are no UTF-8 are replaced, so that the result is always JSON.
std::string text_of(const nlohmann::json& document);

} // namespace tandem::actors
