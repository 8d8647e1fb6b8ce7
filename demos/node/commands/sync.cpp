// clone, sync: level with one peer, then end.
#include "demos/node/command.hpp"

namespace tandem::node {

void add_clone(CLI::App& /*program*/, chosen_command& /*chosen*/) {}
void add_sync(CLI::App& /*program*/, chosen_command& /*chosen*/) {}

} // namespace tandem::node
