#include "demos/node/validation/page_report.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "messages/failure.hpp"

namespace tandem::node {

namespace {

using nlohmann::json;

bool is_number(const json& value) {
  return value.is_number();
}

void add_way(const json& report, validation& into) {
  const auto way = report.at("way").get<std::string>();
  const auto omit = [&](const std::string& what, const std::string& why) {
    into.omissions.push_back({"a page by " + way + ": " + what, why});
  };
  for (const auto& each : report.at("figures")) {
    const auto name = each.at("name").get<std::string>();
    const auto samples = each.value("samples", json::array());
    // A page's NaN and Infinity are null in JSON.
    if (!is_number(each.at("value")) || !std::ranges::all_of(samples, is_number)) {
      omit(name, "the page reached no number");
      continue;
    }
    into.figures.push_back({"page_" + name, way, each.at("value"), samples});
  }
  for (const auto& each : report.at("omissions")) {
    omit(each.at("what"), each.at("why"));
  }
}

} // namespace

void add_page_report(std::string_view text, validation& into) {
  try {
    const auto report = json::parse(text);
    for (const auto& way : report.at("ways")) {
      add_way(way, into);
    }
  } catch (const json::exception& problem) {
    throw messages::failure{messages::failure_code::protocol,
                            std::string{"the page's report can't be read: "} + problem.what()};
  }
}

} // namespace tandem::node
