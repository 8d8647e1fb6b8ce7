#include "demos/node/demo/scene.hpp"

#include <csignal>

#include "demos/node/text.hpp"
#include "messages/failure.hpp"

namespace tandem::node {

[[noreturn]] void give_up(device& culprit, const std::string& what) {
  throw messages::failure{messages::failure_code::defect,
                          culprit.name() + ": " + what + "; its node said:\n" + culprit.node().last_words()};
}

std::string start(device& node, const std::vector<std::string>& arguments) {
  auto ready = node.serve(arguments);
  if (!ready) {
    give_up(node, "the node did not get ready");
  }
  return *ready;
}

bool shows(device& where, const std::string& sql, const std::string& expected) {
  return where.read(sql) == expected;
}

bool shown_everywhere(demo_world& world, const std::string& sql, const std::string& expected) {
  return shows(world.hub, sql, expected) && shows(world.laptop, sql, expected) && shows(world.phone, sql, expected);
}

bool are_level(demo_world& world) {
  try {
    const auto digest = world.hub.digest();
    return digest == world.laptop.digest() && digest == world.phone.digest();
  } catch (const messages::failure&) {
    return false;
  }
}

std::optional<storage::conflict> find_conflict(device& where, const std::string& table, storage::conflict_kind kind) {
  for (auto& conflict : where.look().conflicts()) {
    if (conflict.table == table && conflict.kind == kind) {
      return conflict;
    }
  }
  return std::nullopt;
}

void go_offline(demo_world& world, device& who) {
  world.told.fact(who.node().end(SIGTERM) == 0, "the " + who.name() + " goes offline: its node stops cleanly");
}

} // namespace tandem::node
