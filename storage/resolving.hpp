// People's choices: carried out as new writes that dominate both sides of a conflict.
#pragma once

#include "storage/admission.hpp"
#include "storage/conflict_store.hpp"

namespace tandem::storage {

/// Within the caller's write transaction; the caller settles `admitted`. Returns the conflict's id.
std::string carry_out(core& c, admission& admitted, conflict_store& conflicts, const resolution& choice);

} // namespace tandem::storage
