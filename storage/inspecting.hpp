// Looking at a replica without changing it: digest, verify, why, status, comparison.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/core.hpp"

namespace tandem::storage {

std::vector<std::pair<std::string, std::string>> digests_of(core& c);
std::string digest_of(const std::vector<std::pair<std::string, std::string>>& tables);
findings verify_replica(core& c);
row_report explain_row(core& c, std::string_view table, std::string_view key_json);
replica_status status_of(core& c);
replica_figures figures_of(core& c);
std::vector<peer_status> peers_of(core& c);
std::vector<quarantined_row> quarantine_of(core& c);
findings compare_rows(core& left, core& right, std::size_t findings_max);

} // namespace tandem::storage
