// What several chapters do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "demos/node/demo/chapters.hpp"

namespace tandem::node {

/// One way the story ends early: what comes next would make no sense.
[[noreturn]] void give_up(device& culprit, const std::string& what);
/// Starts the device's node; returns what it said that it is ready for.
std::string start(device& node, const std::vector<std::string>& arguments);
void go_offline(demo_world& world, device& who);
bool shows(device& where, const std::string& sql, const std::string& expected);
bool shown_everywhere(demo_world& world, const std::string& sql, const std::string& expected);
bool are_level(demo_world& world);
std::optional<storage::conflict> find_conflict(device& where, const std::string& table, storage::conflict_kind kind);

} // namespace tandem::node
