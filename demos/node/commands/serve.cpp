// serve: keeps a replica in step with its peers for as long as it runs.
#include "demos/node/command.hpp"

namespace tandem::node {

void add_serve(CLI::App& /*program*/, chosen_command& /*chosen*/) {}

} // namespace tandem::node
