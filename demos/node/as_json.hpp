// What storage reports, as JSON documents for --json.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "storage/replica.hpp"

namespace tandem::node {

nlohmann::json as_json(const messages::stamp& stamp);
nlohmann::json as_json(const storage::replica_status& status, const std::string& path);
nlohmann::json as_json(const storage::settlement& settlement);
nlohmann::json as_json(const storage::conflict& conflict);
nlohmann::json as_json(const storage::quarantined_row& row);
nlohmann::json as_json(const storage::row_report& report);

/// "cell", "insert", "deletion", "constraint".
std::string name_of(storage::conflict_kind kind);

/// One document on standard output.
void print(const nlohmann::json& document);

} // namespace tandem::node
