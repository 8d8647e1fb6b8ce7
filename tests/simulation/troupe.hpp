// The nodes of one history with their apps and people, and the model that knows what all of them did.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/property/random_source.hpp"
#include "tests/property/statements.hpp"
#include "tests/property/table_spec.hpp"
#include "tests/simulation/history.hpp"
#include "tests/simulation/model.hpp"
#include "tests/simulation/stage.hpp"

namespace tandem::simulation {

using property::random_source;

/// What a history knows of one node beyond the stage.
struct actor_of_history {
  std::string parent;
  std::uint64_t lives = 1;  ///< after each crash its app writes under a name of its own
  std::int64_t certain = 0; ///< commits of this life that SQLite has confirmed
  bool must_reckon = false; ///< it has crashed, and nobody has looked yet what is left
  bool app_syncs = true;
  bool lost_power = false; ///< its last crash was a power cut
  bool is_full = false;
  bool is_armed = false; ///< its disk will die
  std::int64_t last_fault_ms = -1'000'000;
  std::optional<disk_image> backup;
};

class troupe {
public:
  troupe(const history_options& options, chronicle& record);

  void take(const step& each);
  /// Everything that was broken is mended; then all must come to rest and be as the model says.
  void heal_and_check();

  /// What is special about this history, for people.
  [[nodiscard]] std::string kind() const {
    return std::string{is_constrained_ ? " [constraints]" : ""} + (has_copies_ ? " [copies]" : "") +
           (has_odd_clocks_ ? " [clocks]" : "");
  }
  [[nodiscard]] std::size_t commits() const { return truth_.commits(); }
  [[nodiscard]] std::uint64_t frames() { return stage_->links().frames_delivered(); }
  [[nodiscard]] std::int64_t now_ms() const { return stage_->now_ms(); }

private:
  // setting up
  void invent_schema();
  void raise_nodes();

  // acts.cpp: what steps do
  void write(std::size_t node, random_source& random);
  bool commit(std::size_t node, random_source& random, const std::string& told);
  void settle(std::size_t node, random_source& random);
  void change_weather(random_source& random);
  void change_disk(std::size_t node, random_source& random);
  void change_clock(std::size_t node, random_source& random);
  void crash(std::size_t node, random_source& random);
  void fail_actor(std::size_t node, random_source& random);
  void restore(std::size_t node, random_source& random);
  void clone(std::size_t node, random_source& random);
  bool start(std::size_t node);
  void take_crashes(random_source& random);
  void reckon_losses(std::size_t node);
  disk_image copy_of(std::size_t node);
  void note_fault(std::size_t node) { nodes_[node].last_fault_ms = stage_->now_ms(); }
  std::string writer_of(std::size_t node) const;
  bool can_write(std::size_t node);

  // checks.cpp
  standing standing_of(std::size_t node);
  void check_reading(std::size_t node);
  void check_model(std::size_t node);
  void check_aside(std::size_t node, const std::vector<storage::quarantined_row>& aside);
  void check_rest();
  void tell_of_row(const std::string& table, const std::string& key_json);
  void tell_of_different(const std::vector<storage::quarantined_row>& left,
                         const std::vector<storage::quarantined_row>& right);
  void check_mailboxes(bool must_be_empty);
  void come_to_rest();
  bool all_linked();

  const history_options options_;
  chronicle& record_;
  random_source random_;
  bool is_constrained_ = false;
  property::schema_spec schema_;   ///< what random statements know
  property::schema_spec modelled_; ///< and the rows that are only ever written together
  property::value_source values_;
  model truth_;
  std::vector<actor_of_history> nodes_;
  knowledge copied_; ///< commits that stand in some copy of a file: they may come back after a crash or a restore
  std::int64_t token_ = 0;
  std::int64_t steps_ = 0;
  std::int64_t ahead_ms_ = 0;   ///< the farthest that a clock was ahead
  bool has_odd_clocks_ = false; ///< then writes look concurrent that were not
  bool has_copies_ = false;     ///< files that went back or in two: the same, and what was deleted may come back
  std::unique_ptr<stage> stage_;
};

void must(bool holds, const std::string& what);

} // namespace tandem::simulation
