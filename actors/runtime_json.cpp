#include "actors/runtime_json.hpp"

#include <nlohmann/json.hpp>

#include "messages/failure.hpp"
#include "messages/priority.hpp"
#include "storage/conflict_reading.hpp"

namespace tandem::actors {

using nlohmann::json;

std::string name_of(messages::link_phase::phase phase) {
  using phases = messages::link_phase::phase;
  switch (phase) {
  case phases::connecting:
    return "connecting";
  case phases::linked:
    return "linked";
  case phases::refused:
    return "refused";
  case phases::paused:
    return "paused";
  case phases::closed:
    break;
  }
  return "closed";
}

messages::priority checked_priority(std::string_view name) {
  if (const auto found = messages::priority_named(name))
    return *found;
  throw messages::failure{messages::failure_code::usage, "'" + std::string{name.substr(0, 50)} +
                                                             "' is no priority; take critical, normal or background"};
}

link as_link(const link_info& info) {
  return {info.peer_name, info.site.is_null() ? std::string{} : info.site.to_hex(), name_of(info.now), info.text,
          info.link != 0 && info.acked >= info.sent};
}

std::string links_as_json(const link_board& board) {
  state result;
  result.trouble = board.failure();
  result.is_paused = board.is_paused();
  for (const auto& each : board.links())
    result.links.push_back(as_link(each));
  return text_of(as_json(result));
}

json as_json(const change& change) {
  return {
      {"remote", change.is_remote}, {"rows", change.rows}, {"conflicts", change.conflicts}, {"tables", change.tables}};
}

json as_json(const alert& alert) {
  return {{"over", alert.is_over}, {"rule", alert.rule},         {"severity", alert.severity},
          {"value", alert.value},  {"evidence", alert.evidence}, {"subject", alert.subject},
          {"cause", alert.cause},  {"step", alert.step}};
}

json as_json(const state& state) {
  auto links = json::array();
  for (const auto& each : state.links)
    links.push_back({{"peer", each.peer},
                     {"site", each.site},
                     {"state", each.state},
                     {"text", each.text},
                     {"level", each.is_level}});
  return {{"links", links}, {"paused", state.is_paused}, {"trouble", state.trouble}};
}

json as_json(const question& question) {
  const auto parsed = [](const std::string& text) {
    return json::parse(text, nullptr, false);
  };
  return {{"table", question.table},
          {"column", question.column},
          {"key", parsed(question.key)},
          {"earlier", parsed(question.earlier)},
          {"later", parsed(question.later)}};
}

json as_json(const storage::replica_status& status) {
  auto tables = json::array();
  for (const auto& each : status.tables)
    tables.push_back({{"name", each.name}, {"rows", each.rows}});
  auto peers = json::array();
  for (const auto& each : status.peers)
    peers.push_back({{"site", each.site.to_hex()},
                     {"name", each.name},
                     {"applied", each.applied},
                     {"acknowledged", each.acked},
                     {"seen_ms", each.seen_ms},
                     {"trouble", each.trouble}});
  return {{"site", status.self.site.to_hex()},
          {"head", status.head},
          {"log_entries", status.log_entries},
          {"pending", status.pending},
          {"conflicts_open", status.conflicts_open},
          {"conflicts_total", status.conflicts_total},
          {"quarantined", status.quarantined},
          {"file_bytes", status.file_bytes},
          {"tables", tables},
          {"priorities", as_json(status.priorities)},
          {"peers", peers}};
}

json as_json(const std::vector<storage::table_priority>& priorities) {
  auto result = json::object();
  for (const auto& each : priorities)
    result[each.table] = messages::name_of(each.level);
  return result;
}

json as_json(const storage::conflict& conflict) {
  auto settlements = json::array();
  for (const auto& each : conflict.settlements)
    settlements.push_back({{"id", each.id},
                           {"follows", each.follows},
                           {"site", each.written.site.to_hex()},
                           {"user", each.who},
                           {"time_ms", each.ms},
                           {"choice", each.choice},
                           {"value", each.value_json},
                           {"replaced", each.replaced_json},
                           {"detail", each.detail}});
  return {{"id", conflict.id},
          {"kind", storage::name_of(conflict.kind)},
          {"table", conflict.table},
          {"key", conflict.key_json},
          {"column", conflict.column},
          {"current", conflict.current_json},
          {"other", conflict.other_json},
          {"rule", conflict.rule},
          {"state", conflict.state},
          {"overtaken", conflict.is_overtaken},
          {"contested", conflict.is_contested},
          {"settled_by", conflict.settled_by},
          {"settled_who", conflict.settled_who},
          {"settled_ms", conflict.settled_ms},
          {"choice", conflict.choice},
          {"trouble", conflict.trouble},
          {"settlements", settlements}};
}

std::string text_of(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace tandem::actors
