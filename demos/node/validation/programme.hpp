// The whole of a validation, measurement by measurement.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "demos/node/validation/measures.hpp"

namespace tandem::node {

/// Enough for a spread; each starts three nodes anew.
constexpr int validation_rounds = 8;
constexpr int comparison_rounds = 8;

struct programme_options {
  std::filesystem::path original; ///< a database whose copy is used; empty: a fresh one
  effort much;
  std::function<void(const std::string&)> on_progress; ///< a line for people before each measurement
};

/// Never throws for what a measurement finds: what could not be made is among the report's omissions.
validation run_programme(const programme_options& options);

/// What two settings of the nodes have measured, in rounds side by side.
struct comparison {
  validation one;
  validation other;
};

/// `one`, `other`: further options of `tandem serve`. Throws messages::failure if something could not be measured.
comparison compare_settings(const programme_options& options, const std::vector<std::string>& one,
                            const std::vector<std::string>& other);

} // namespace tandem::node
