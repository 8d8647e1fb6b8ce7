// The whole of a validation, measurement by measurement.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "demos/node/validation/measures.hpp"

namespace tandem::node {

struct programme_options {
  std::filesystem::path original; ///< a database whose copy is used; empty: a fresh one
  effort much;
  std::function<void(const std::string&)> on_progress; ///< a line for people before each measurement
};

/// Never throws for what a measurement finds: what could not be made is among the report's omissions.
validation run_programme(const programme_options& options);

} // namespace tandem::node
