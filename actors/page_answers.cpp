#include "actors/page_answers.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "actors/runtime_json.hpp"
#include "messages/internal.hpp"

namespace tandem::actors {

using messages::failure;
using messages::failure_code;
using nlohmann::json;

namespace {

constexpr auto columns_sql = "SELECT m.name, p.name, p.pk FROM sqlite_schema AS m, pragma_table_xinfo(m.name) AS p "
                             "WHERE m.type = 'table' ORDER BY m.name, p.cid";

json parsed(const std::string& argument) {
  auto result = argument.empty() ? json::object() : json::parse(argument, nullptr, false);
  if (!result.is_object())
    throw failure{failure_code::usage, "the argument of a question is a JSON object"};
  return result;
}

template <class T>
T field(const json& argument, const char* name, T otherwise) {
  const auto found = argument.find(name);
  if (found == argument.end() || found->is_null())
    return otherwise;
  try {
    return found->template get<T>();
  } catch (const json::exception&) {
    throw failure{failure_code::usage, std::string{"the argument's field "} + name + " is not of the right type"};
  }
}

json as_document(const storage::shown_conflict& shown) {
  auto result = as_json(shown.what);
  result["waits_for"] = shown.waits_for;
  return result;
}

json as_documents(const std::vector<storage::shown_conflict>& all) {
  auto result = json::array();
  for (const auto& each : all)
    result.push_back(as_document(each));
  return result;
}

storage::resolution::kind kind_of(const std::string& take) {
  using kind = storage::resolution::kind;
  constexpr std::pair<std::string_view, kind> kinds[] = {
      {"current", kind::take_current}, {"other", kind::take_other}, {"value", kind::take_value},
      {"fields", kind::take_fields},   {"undo", kind::undo},        {"reinsert", kind::reinsert}};
  for (const auto& [name, value] : kinds)
    if (name == take)
      return value;
  throw failure{failure_code::usage,
                "'" + take + "' is no way to settle a conflict; take current, other, value, fields, undo or reinsert"};
}

json as_json(const storage::row_report& report) {
  auto cells = json::array();
  for (const auto& each : report.cells)
    cells.push_back({{"column", each.column}, {"pos", each.pos}, {"via", each.via}});
  auto peers = json::array();
  for (const auto& each : report.peers)
    peers.push_back({{"site", each.site.to_hex()}, {"name", each.name}, {"state", each.state}});
  return {{"table", report.table}, {"key", report.key_json}, {"state", report.state},
          {"cells", cells},        {"peers", peers},         {"sentences", report.sentences}};
}

} // namespace

storage::replica& page_answers::replica() {
  if (!replica_)
    replica_ = setup_.open();
  return *replica_;
}

std::string page_answers::answer(const messages::page::ask& question, outbox& out) {
  const auto argument = parsed(question.argument);
  json result;
  if (question.what == "ping")
    result = json::object();
  else if (question.what == "echo")
    result = {{"data", std::string(std::min<std::size_t>(field<std::size_t>(argument, "bytes", 0),
                                                         limits::page_answer_bytes_max - 16),
                                   'x')}};
  else if (question.what == "status")
    result = status();
  else if (question.what == "monitor")
    result = json::parse(setup_.monitor_json ? setup_.monitor_json() : "{}");
  else if (question.what == "conflicts")
    result = conflicts(argument);
  else if (question.what == "find_conflicts")
    result = find_conflicts(argument);
  else if (question.what == "conflict")
    result = actors::as_json(replica().find_conflict(field<std::string>(argument, "id", {})));
  else if (question.what == "resolve")
    result = resolve(argument, out);
  else if (question.what == "audit")
    result = audit(argument);
  else if (question.what == "why")
    result = why(argument);
  else if (question.what == "pause" || question.what == "resume")
    result = pause(question.what == "pause", out);
  else if (question.what == "priorities")
    result = actors::as_json(replica().priorities());
  else if (question.what == "prioritize")
    result = prioritize(argument);
  else if (question.what == "tables")
    result = tables();
  else
    throw failure{failure_code::usage, "this node knows no question '" + question.what.substr(0, 50) + "'"};
  auto text = text_of(result);
  if (text.size() > limits::page_answer_bytes_max)
    throw failure{failure_code::limit, "the answer is larger than a message may be; ask for less with a limit"};
  return text;
}

json page_answers::status() {
  auto result = actors::as_json(replica().status());
  if (setup_.links_json)
    result.update(json::parse(setup_.links_json()));
  return result;
}

storage::found_conflicts page_answers::found(const json& argument, bool open_only, bool newest_first) {
  if (!reader_)
    reader_.emplace(setup_.path);
  storage::conflict_wish wanted;
  wanted.open_only = open_only;
  wanted.newest_first = newest_first;
  wanted.text = field<std::string>(argument, "text", {});
  if (argument.contains("set_aside"))
    wanted.is_set_aside = field<bool>(argument, "set_aside", false);
  wanted.shown_max = std::min(wanted.shown_max, field<std::uint64_t>(argument, "limit", wanted.shown_max));
  if (wanted.text.size() > limits::label_bytes_max)
    throw failure{failure_code::limit, "the text to look for is too long"};
  return reader_->find(wanted);
}

json page_answers::conflicts(const json& argument) {
  return as_documents(found(argument, field<bool>(argument, "open", false), false).shown);
}

json page_answers::audit(const json& argument) {
  return as_documents(found(argument, false, true).shown);
}

/// With how many there are; shows fewer than the limit allows where more would not go into one answer.
json page_answers::find_conflicts(const json& argument) {
  const auto all = found(argument, field<bool>(argument, "open", false), field<bool>(argument, "newest", false));
  constexpr std::size_t around_bytes = 64;
  auto room = limits::page_answer_bytes_max - around_bytes;
  auto entries = json::array();
  for (const auto& each : all.shown) {
    auto entry = as_document(each);
    const auto bytes = text_of(entry).size() + 1;
    if (bytes > room)
      break;
    room -= bytes;
    entries.push_back(std::move(entry));
  }
  return {{"total", all.total}, {"entries", std::move(entries)}};
}

json page_answers::resolve(const json& argument, outbox& out) {
  if (right_ != bridge::page_right::full)
    throw failure{failure_code::denied, "this page may only read; open it with a token that allows more"};
  storage::resolution what;
  what.id = field<std::string>(argument, "id", {});
  what.take = kind_of(field<std::string>(argument, "take", {}));
  if (const auto given = argument.find("value"); given != argument.end())
    what.value_json = given->dump();
  what.who = field<std::string>(argument, "user", {});
  if (what.who.empty())
    what.who = setup_.user;
  what.is_forced = field<bool>(argument, "force", false);
  if (what.id.size() > limits::label_bytes_max || what.who.size() > limits::label_bytes_max ||
      what.value_json.size() > limits::value_bytes_max)
    throw failure{failure_code::limit,
                  "the conflict's id, the user's name or the value is too long; nothing was changed"};
  const auto settled = replica().resolve(what);
  const auto head = replica().head();
  out.send({role::batcher}, messages::grown{head, 1, 0});
  out.send({role::host}, messages::data_changed{false, 1, head, 0, {settled.table, "tandem_conflicts"}});
  return {{"ok", true}, {"id", settled.id}};
}

json page_answers::pause(bool is_paused, outbox& out) {
  if (right_ != bridge::page_right::full)
    throw failure{failure_code::denied, "this page may only read; open it with a token that allows more"};
  out.send({role::supervisor}, messages::pause_links{is_paused});
  return {{"ok", true}};
}

json page_answers::prioritize(const json& argument) {
  if (right_ != bridge::page_right::full)
    throw failure{failure_code::denied, "this page may only read; open it with a token that allows more"};
  replica().set_priority(field<std::string>(argument, "table", {}),
                         checked_priority(field<std::string>(argument, "priority", {})));
  return {{"ok", true}};
}

json page_answers::why(const json& argument) {
  const auto key = argument.find("key");
  if (key == argument.end())
    throw failure{failure_code::usage, "name the row by its table and key"};
  auto report = replica().why(field<std::string>(argument, "table", {}), key->dump());
  if (setup_.links_json && json::parse(setup_.links_json()).value("paused", false))
    report.sentences.emplace_back("Sync is paused at this node: nothing leaves and nothing comes until it is resumed.");
  return as_json(report);
}

json page_answers::tables() {
  storage::page_connection reader{setup_.path, storage::page_connection::use::reading, setup_.is_durable};
  const auto tracked = reader.tracked_tables();
  storage::page_statement query{reader, columns_sql};
  auto result = json::array();
  std::string name;
  std::map<std::int64_t, std::string> key;
  const auto end_table = [&] {
    if (!result.empty())
      for (const auto& [position, column] : key)
        result.back()["key"].push_back(column);
    key.clear();
  };
  while (query.step()) {
    const std::string table{query.value(0).bytes};
    if (table.starts_with("tandem_") || table.starts_with("sqlite_"))
      continue;
    if (table != name) {
      end_table();
      name = table;
      result.push_back(
          {{"name", name}, {"key", json::array()}, {"columns", json::array()}, {"is_tracked", tracked.contains(name)}});
    }
    const std::string column{query.value(1).bytes};
    result.back()["columns"].push_back(column);
    if (const auto position = query.value(2).integer; position > 0)
      key[position] = column;
  }
  end_table();
  return result;
}

} // namespace tandem::actors
