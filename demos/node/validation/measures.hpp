// The measurements of a validation. Each takes seconds, adds its figures to the report, and throws messages::failure if
// it could not be made.
#pragma once

#include "demos/node/validation/field.hpp"
#include "monitor/figures.hpp"

namespace tandem::node {

/// How much is done of each: 1 for a whole validation, less for a quick look.
struct effort {
  double share = 1;
  [[nodiscard]] int of(int whole) const { return whole * share < 1 ? 1 : static_cast<int>(whole * share); }
};

using validation = monitor::validation_report;

/// The app's own writes with capture and a node beside, against the same writes to a plain file, in turns.
void measure_writes(field& on, effort much, validation& into);
/// From a commit on one device to its row being readable on the other.
void measure_latency(field& on, effort much, validation& into);
/// The same while the device writes without a pause worth the name: bundles are always under way.
void measure_busy_latency(field& on, effort much, validation& into);
/// A burst of rows on one device until all of them are readable on the other.
void measure_throughput(field& on, effort much, validation& into);
void measure_large_values(field& on, effort much, validation& into);
/// Stamping, extracting and merging, each against plain UPSERTs of the same rows.
void measure_core(field& on, effort much, validation& into);
/// What a device sends for updates of one column, alone and in bulk.
void measure_wire(field& on, effort much, validation& into);
/// Four programs that write to one file at once.
void measure_concurrency(field& on, effort much, validation& into);
/// What the node of a device holds that only it needs.
void measure_memory(field& on, effort much, validation& into);
/// A hub that is killed and comes back.
void measure_recovery(field& on, effort much, validation& into);
/// Four programs on two devices that update the same rows, insert and delete, while their hub is killed and frozen
/// again and again; then: what became of every write, and are all rows equal?
void measure_stress(field& on, effort much, validation& into);

/// The same requests from this very process, with no transport at all: what the others' ways add.
void measure_in_process(field& on, effort much, validation& into);
/// A page's requests by each way that it has to its node.
void measure_ways(field& on, effort much, validation& into);

} // namespace tandem::node
