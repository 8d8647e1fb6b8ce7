// What a page may ask of sync, as JSON: where things stand, conflicts and what to do about them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "actors/page_setup.hpp"
#include "storage/conflict_reading.hpp"
#include "storage/replica.hpp"

namespace tandem::actors {

class page_answers {
public:
  page_answers(const page_setup& setup, bridge::page_right right) : setup_{setup}, right_{right} {}

  /// Throws failure. What was settled is told to the others by `out`.
  std::string answer(const messages::page::ask& question, outbox& out);

private:
  nlohmann::json status();
  nlohmann::json conflicts(const nlohmann::json& argument);
  nlohmann::json find_conflicts(const nlohmann::json& argument);
  nlohmann::json audit(const nlohmann::json& argument);
  nlohmann::json resolve(const nlohmann::json& argument, outbox& out);
  nlohmann::json pause(bool is_paused, outbox& out);
  nlohmann::json prioritize(const nlohmann::json& argument);
  nlohmann::json why(const nlohmann::json& argument);
  nlohmann::json tables();
  storage::replica& replica();
  storage::found_conflicts found(const nlohmann::json& argument, bool open_only, bool newest_first);

  const page_setup& setup_;
  const bridge::page_right right_;
  std::optional<storage::replica> replica_;
  std::optional<storage::conflict_reader> reader_;
};

} // namespace tandem::actors
