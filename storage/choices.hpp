// People's choices about conflicts, those of the host's callback, and merged texts: each is a row of its own in
// tandem_conflicts, so that none writes over another, and precedes the write that carries it out, with the same stamp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/conflict_store.hpp"

namespace tandem::storage {

/// One choice with its values as they are.
struct choice_entry {
  std::string id, conflict, follows, table, key, column, rule, choice, who, detail;
  value stands;   ///< a whole row as pack_named_cells; NULL: no row
  value replaced; ///< what stood before
  stamp written, replaced_stamp;
};

inline constexpr std::string_view choice_undo = "undo";
inline constexpr std::string_view choice_reinserted = "reinserted";
inline constexpr std::string_view choice_callback = "callback"; ///< not of a person
inline constexpr std::string_view choice_text = "text";         ///< nor this one: a merged text
inline bool is_computed(std::string_view choice) {
  return choice == choice_callback || choice == choice_text;
}

/// Writes the choice down under the id that follows from the conflict and the stamp.
void record_choice(core& c, choice_entry entry, const local_stamp& given);
/// The choices about one conflict, the oldest first. Those that make no sense are passed over.
std::vector<choice_entry> choices_of(core& c, std::string_view conflict);
/// An answer of the host's callback, or a text that was merged.
struct computed_choice {
  std::string conflict;
  std::uint64_t round = 0; ///< 1: about writes, 2: about an answer, and so on
};
/// The one that the write of this cell carries out.
std::optional<computed_choice> computed_choice_at(core& c, const tracked_table& of, std::string_view key,
                                                  std::string_view column, const local_stamp& written);
/// True if the write of this row carries out a person's choice.
bool is_choice(core& c, const tracked_table& of, std::string_view key, const local_stamp& written);

/// State and choice of a conflict once `last` of its choices is in force; -1: none is.
std::pair<std::string, std::string> in_force(const std::vector<choice_entry>& choices, int last);
/// The index of a choice; -1: it is not there.
int index_of(const std::vector<choice_entry>& choices, std::string_view id);

/// When a conflict's cell, or its row, was written last; none: nothing is known of the row any more.
std::optional<local_stamp> last_write(core& c, tracked_table& of, std::string_view key, std::string_view column);

/// Adds to conflicts what came of them since: their settlements, and whether they were overtaken. `keys` are the packed
/// keys of their rows.
void add_aftermath(core& c, std::vector<conflict>& conflicts, const std::vector<std::string>& keys);

} // namespace tandem::storage
