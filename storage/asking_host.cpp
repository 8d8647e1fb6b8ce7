// Where a column's policy is `callback`, the host decides. Part of `merger`. Both ends of a link ask their hosts. Where
// these answer differently, the later answer stands, and nobody is asked about answers again and again.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "messages/limits.hpp"
#include "storage/choices.hpp"
#include "storage/merging.hpp"

namespace tandem::storage {
namespace {

bool is_number(value_type type) {
  return type == value_type::integer || type == value_type::real;
}

/// Why an answer can't stand in the place of these two; empty: it can.
std::string misfit(const value& answer, const value& one, const value& other) {
  const auto fits = [&](const value& side) {
    return answer.type == side.type || (is_number(answer.type) && is_number(side.type));
  };
  if (!fits(one) && !fits(other))
    return "answered with another type";
  if (answer.bytes.size() > limits::value_bytes_max)
    return "answered with more than a cell can hold";
  return {};
}

callback_answer asked(const replica_options& options, const callback_question& question) {
  if (!options.decide)
    return {{}, "there is none at " + question.asked_by};
  try {
    auto answer = options.decide(question);
    if (!answer.given && answer.trouble.empty())
      answer.trouble = "gave no answer";
    else if (answer.given)
      answer.trouble = misfit(*answer.given, question.earlier, question.later);
    return answer;
  } catch (const std::exception& problem) {
    return {{}, "threw: " + std::string{problem.what()}.substr(0, limits::label_bytes_max)};
  } catch (...) {
    return {{}, "threw"};
  }
}

} // namespace

// Which round of answers this would be. 0, with the reason in `trouble`: one too many.
std::uint64_t merger::next_round(std::string_view key, std::uint32_t column, const both_sides& sides,
                                 std::string& trouble) {
  const auto& name = table_->info.column_with_id(column)->name;
  const auto here = computed_choice_at(c_, *table_, key, name, sides.here_written);
  const auto given = computed_choice_at(c_, *table_, key, name, sides.given_written);
  const auto round = 1 + std::max(here ? here->round : 0, given ? given->round : 0);
  if (here && given && here->conflict == given->conflict)
    trouble = "disagrees with itself";
  else if (round > limits::callback_rounds_max)
    trouble = "its answers never agree";
  return trouble.empty() ? round : 0;
}

// What the host wants, and the rule as the audit trail tells it.
merger::answer merger::ask_host(std::string_view key, std::uint32_t column, const both_sides& sides) {
  std::string trouble;
  const auto round = next_round(key, column, sides, trouble);
  if (!trouble.empty())
    return {{}, "callback: " + trouble + "; lww", 0, false};
  const bool given_is_later = c_.is_later(sides.given_written, sides.here_written);
  callback_question question;
  question.table = table_->info.name;
  question.column = table_->info.column_with_id(column)->name;
  question.key_json = key_to_json(key);
  question.asked_by = c_.self.site.to_short();
  question.earlier = given_is_later ? sides.here : sides.given;
  question.later = given_is_later ? sides.given : sides.here;
  auto answer = asked(c_.options, question);
  if (!answer.trouble.empty())
    return {{}, "callback: " + answer.trouble + "; lww", 0, false};
  return {std::move(answer.given), "callback", round, false};
}

void merger::settle_by_host(std::string_view key, incoming_cell& cell, both_sides sides) {
  const auto found = ask_host(key, cell.column, sides);
  settle_by_answer(key, cell, std::move(sides), found, choice_callback);
}

void merger::settle_by_answer(std::string_view key, incoming_cell& cell, both_sides sides, const answer& found,
                              std::string_view choice) {
  bool is_new_value = false;
  if (found.stands) {
    const bool is_given = *found.stands == sides.given;
    is_new_value = !is_given && !(*found.stands == sides.here);
    if (!is_new_value)
      sides.given_stands = is_given;
  }
  const bool is_restated = is_new_value || sides.given_stands != cell.wins;
  if (is_restated)
    restate(cell, found.stands->view());
  const auto id = record_conflict(conflict_kind::cell, key, cell.column, sides, found.rule, found.is_open);
  if (is_restated)
    record_answer(id, key, cell.column, cell, sides, found.round, choice);
}

/// The answer is a settlement like those of people: by it others know that it was one.
void merger::record_answer(const std::string& conflict, std::string_view key, std::uint32_t column,
                           const incoming_cell& cell, const both_sides& sides, std::uint64_t round,
                           std::string_view choice) {
  const bool given_is_later = c_.is_later(sides.given_written, sides.here_written);
  choice_entry entry;
  entry.conflict = conflict;
  entry.table = table_->info.name;
  entry.key = key;
  entry.column = table_->info.column_with_id(column)->name;
  entry.rule = choice;
  entry.choice = choice;
  entry.detail = nlohmann::json{{"round", round}}.dump();
  entry.stands = value{cell.given};
  entry.replaced = given_is_later ? sides.given : sides.here;
  entry.replaced_stamp = c_.stamp_of(given_is_later ? sides.given_written : sides.here_written);
  record_choice(c_, std::move(entry), *settled_);
}

} // namespace tandem::storage
