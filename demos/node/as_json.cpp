#include "demos/node/as_json.hpp"

#include <iostream>

#include <nlohmann/json.hpp>

namespace tandem::node {

using nlohmann::json;

namespace {

/// Storage writes values as JSON already; text that is none stays text.
json embedded(const std::string& text) {
  if (text.empty()) {
    return nullptr;
  }
  auto parsed = json::parse(text, nullptr, false);
  return parsed.is_discarded() ? json(text) : parsed;
}

json as_json(const storage::peer_status& peer, std::uint64_t head) {
  return {{"site", peer.site.to_hex()},
          {"name", peer.name},
          {"applied", peer.applied},
          {"acknowledged", peer.acked},
          {"to_send", head - std::min(head, peer.acked)},
          {"seen_ms", peer.seen_ms},
          {"trouble", peer.trouble.empty() ? json() : json(peer.trouble)}};
}

} // namespace

std::string name_of(storage::conflict_kind kind) {
  switch (kind) {
  case storage::conflict_kind::cell:
    return "cell";
  case storage::conflict_kind::insert:
    return "insert";
  case storage::conflict_kind::deletion:
    return "deletion";
  case storage::conflict_kind::row:
    return "row";
  case storage::conflict_kind::constraint:
    return "constraint";
  case storage::conflict_kind::refused:
    return "refused";
  }
  return "unknown";
}

json as_json(const messages::stamp& stamp) {
  return {{"time_ms", messages::ms_of_hlc(stamp.hlc)}, {"hlc", stamp.hlc}, {"site", stamp.site.to_hex()}};
}

json as_json(const storage::replica_status& status, const std::string& path) {
  json result{{"path", path},
              {"site", status.self.site.to_hex()},
              {"epoch", status.self.epoch},
              {"head", status.head},
              {"log_entries", status.log_entries},
              {"log_held_by", status.log_holder ? json(status.log_holder->to_hex()) : json()},
              {"log_held_until_ms", status.log_holder_until_ms},
              {"pending", status.pending},
              {"conflicts_open", status.conflicts_open},
              {"conflicts_total", status.conflicts_total},
              {"quarantined", status.quarantined},
              {"refused", status.refused},
              {"file_bytes", status.file_bytes},
              {"adopting", status.adopting},
              {"compared", status.compared_text.empty() ? json() : json(status.compared_text)},
              {"compared_ms", status.compared_ms},
              {"renewed_why", status.renewed_why.empty() ? json() : json(status.renewed_why)},
              {"renewed_ms", status.renewed_ms},
              {"tables", json::array()},
              {"policies", json::array()},
              {"priorities", json::object()},
              {"peers", json::array()}};
  for (const auto& table : status.tables) {
    result["tables"].push_back({{"name", table.name}, {"rows", table.rows}});
  }
  result["kept_tables"] = json::array();
  for (const auto& table : status.kept_tables) {
    result["kept_tables"].push_back({{"name", table.name}, {"rows", table.rows}});
  }
  for (const auto& each : status.priorities) {
    result["priorities"][each.table] = messages::name_of(each.level);
  }
  for (const auto& each : status.policies) {
    result["policies"].push_back({{"table", each.table},
                                  {"column", each.column},
                                  {"policy", each.name},
                                  {"options", each.options},
                                  {"trouble", each.trouble}});
  }
  for (const auto& peer : status.peers) {
    result["peers"].push_back(as_json(peer, status.head));
  }
  return result;
}

json as_json(const storage::settlement& settlement) {
  return {{"id", settlement.id},
          {"conflict", settlement.conflict},
          {"follows", settlement.follows.empty() ? json() : json(settlement.follows)},
          {"stamp", as_json(settlement.written)},
          {"choice", settlement.choice},
          {"user", settlement.who.empty() ? json() : json(settlement.who)},
          {"settled_ms", settlement.ms},
          {"value", embedded(settlement.value_json)},
          {"replaced", embedded(settlement.replaced_json)},
          {"replaced_stamp", as_json(settlement.replaced)},
          {"detail", embedded(settlement.detail)}};
}

json as_json(const storage::conflict& conflict) {
  auto settlements = json::array();
  for (const auto& each : conflict.settlements) {
    settlements.push_back(as_json(each));
  }
  return {{"id", conflict.id},
          {"kind", name_of(conflict.kind)},
          {"table", conflict.table},
          {"key", embedded(conflict.key_json)},
          {"column", conflict.column.empty() ? json() : json(conflict.column)},
          {"current", embedded(conflict.current_json)},
          {"other", embedded(conflict.other_json)},
          {"base", embedded(conflict.base_json.empty() ? "null" : conflict.base_json)},
          {"current_stamp", as_json(conflict.current)},
          {"other_stamp", as_json(conflict.other)},
          {"rule", conflict.rule},
          {"state", conflict.state},
          {"overtaken", conflict.is_overtaken},
          {"contested", conflict.is_contested},
          {"trouble", conflict.trouble.empty() ? json() : json(conflict.trouble)},
          {"settlements", settlements},
          {"settled_by", conflict.settled_by},
          {"settled_who", conflict.settled_who.empty() ? json() : json(conflict.settled_who)},
          {"settled_ms", conflict.settled_ms},
          {"choice", conflict.choice.empty() ? json() : json(conflict.choice)}};
}

json as_json(const storage::quarantined_row& row) {
  return {{"table", row.table},
          {"key", embedded(row.key_json)},
          {"values", embedded(row.values_json)},
          {"reason", row.reason}};
}

json as_json(const storage::row_report& report) {
  json result{{"table", report.table},  {"key", embedded(report.key_json)}, {"state", report.state},
              {"cells", json::array()}, {"peers", json::array()},           {"sentences", report.sentences}};
  for (const auto& cell : report.cells) {
    result["cells"].push_back(
        {{"column", cell.column}, {"written", as_json(cell.written)}, {"pos", cell.pos}, {"via", cell.via}});
  }
  for (const auto& peer : report.peers) {
    result["peers"].push_back({{"site", peer.site.to_hex()}, {"name", peer.name}, {"state", peer.state}});
  }
  return result;
}

void print(const json& document) {
  std::cout << document.dump(2, ' ', false, json::error_handler_t::replace) << "\n";
}

} // namespace tandem::node
