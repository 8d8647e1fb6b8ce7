// What lost against another write, and what people make of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "messages/site.hpp"

namespace tandem::storage {

using messages::stamp;

enum class conflict_kind {
  cell,       ///< two writes of one cell
  insert,     ///< two inserts of one key
  deletion,   ///< an update against a delete
  row,        ///< two rows that were changed at once, where rows merge as a whole
  constraint, ///< a row that a constraint of the merged state does not admit
  refused,    ///< a row change that a rule of some replica did not take; it was rolled back
};
constexpr std::size_t conflict_kinds = 6;

/// One choice of a person (or of the host's callback, or a text merged by policy) about a conflict. Kept for good,
/// whatever comes after it.
struct settlement {
  std::string id;
  std::string conflict; ///< its id
  std::string follows;  ///< the settlement that was in force before, as far as its maker knew; empty: none
  stamp written;        ///< of the write that carries it out, and of whose site it is
  std::string choice;   ///< "current", "other", "value", "fields", "reinserted", "undo", "callback",
                        ///< "text"
  std::string who;      ///< the label that the user was given; may be empty
  std::int64_t ms = 0;
  std::string value_json;    ///< what stands by it
  std::string replaced_json; ///< what stood before
  stamp replaced;            ///< of the write that did
  std::string detail;        ///< of "fields" and "reinserted", JSON
};

struct conflict {
  std::string id; ///< derived from the cell and both stamps: the same at every replica
  conflict_kind kind = conflict_kind::cell;
  std::string table;
  std::string key_json;     ///< primary key, a JSON value, or a JSON array where it has several columns
  std::string column;       ///< empty: the whole row
  std::string current_json; ///< the value that stands; a JSON object for a row
  std::string other_json;   ///< the value that lost; a JSON object for a row
  std::string base_json;    ///< the value that both were made of, where it is known; else empty
  stamp current;
  stamp other;
  std::string rule;        ///< the policy or constraint that settled it
  std::string state;       ///< "open", "overtaken" (open, but written anew since), "settled", "resolved", "undone"
  std::string settled_by;  ///< "lww", or the site (short) that chose
  std::string settled_who; ///< the label of the user who did
  std::int64_t settled_ms = 0;
  std::string choice;        ///< what a person took, as in `settlement`
  bool is_overtaken = false; ///< the cell (or row) was written anew since
  bool is_contested = false; ///< people settled it at once, not knowing of each other; the later choice stands
  std::string trouble;       ///< why nothing can be done about it here; empty: something can
  std::vector<settlement> settlements; ///< by people, the oldest first
};

/// A choice of a person.
struct resolution {
  enum class kind { take_current, take_other, take_value, undo, take_fields, reinsert };
  std::string id; ///< the conflict's, or a unique prefix
  kind take = kind::take_current;
  /// For take_value: the value. For take_fields: an object of columns, each with "current", "other" or
  /// {"value": V}. For reinsert: the key under which the row that lost is inserted again.
  std::string value_json = {};
  std::string who = {};   ///< what the user is called in the audit trail; at most limits::label_bytes_max
  bool is_forced = false; ///< also if it is settled already, or if what an undo reverts was written anew since
};

struct quarantined_row {
  std::string table;
  std::string key_json;
  std::string values_json;
  std::string reason; ///< the constraint, and what stands in the way
};

/// How long settled conflicts stay in the audit trail. Open ones always do.
struct audit_limits {
  std::int64_t keep_ms = 0;     ///< since they were settled; 0: for ever
  std::uint64_t keep_count = 0; ///< the newest so many; 0: all
};

struct prune_report {
  std::uint64_t removed = 0; ///< conflicts, with all choices about them
  std::uint64_t head = 0;    ///< the log's last pos now
  bool is_done = true;       ///< nothing more has to go now
};

} // namespace tandem::storage
