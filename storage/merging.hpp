// Merging: a peer's bundle, cell by cell, in one transaction.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "messages/row_block.hpp"
#include "storage/admission.hpp"
#include "storage/bases.hpp"
#include "storage/core.hpp"
#include "storage/counting.hpp"
#include "storage/policies.hpp"
#include "storage/refusing.hpp"

namespace tandem::storage {

/// What a peer's table and column ids mean here.
struct peer_binding {
  struct bound_table {
    std::uint32_t id = 0;
    std::unordered_map<std::uint32_t, std::uint32_t> columns; ///< theirs to ours
  };
  std::uint64_t schema_version = 0; ///< the peer's
  std::int64_t own_version = 0;     ///< ours, at the time
  std::unordered_map<std::uint32_t, bound_table> tables;
};

/// Columns that have no counterpart here get ids of their own, to be kept for others, if `may_keep` (within a write
/// transaction); else there is no binding as long as such columns exist. Throws failure (schema) that names what
/// does not fit.
std::optional<peer_binding> bind_schema(core& c, const messages::schema& theirs, bool may_keep);
/// What a peer's table or column is here, by its name now or before; null: nothing.
tracked_table* counterpart_of(core& c, const messages::table_schema& theirs);
const table_column* counterpart_of(const table& ours, const messages::column_schema& theirs);

/// Merges the rows of one bundle within the caller's write transaction.
/// The rule where people settled one conflict at once.
inline constexpr std::string_view later_choice = "later choice";

class merger {
public:
  merger(core& c, admission& admitted, conflict_store& conflicts, const peer_binding& binding, const site_id& peer,
         const messages::bundle_header& header, std::uint64_t cursor);

  /// Reads the records of rows that will be taken next, given their table and the values of their keys.
  void look_ahead(std::uint32_t table, std::span<const value_view> keys, std::size_t columns);
  void take(const messages::row_change& change);
  /// The bundle is a snapshot: call ahead of its rows, if this replica may have rows already.
  void begin_snapshot();
  /// Call after the rows: what the sender had and does not name any more was deleted there, and is here.
  void remove_absent();
  /// Call last: counters show what was counted.
  void add_up();

  /// Brings a row to what the peer has of it, by stamps alone. `yields`: where one write has two values, the peer's
  /// stands.
  void mend(const messages::row_change& change, bool yields);

  [[nodiscard]] const std::set<std::uint32_t>& touched() const { return touched_; }

  merge_report report;

private:
  /// One cell of the incoming row that its sender thinks is news.
  struct incoming_cell {
    std::uint32_t column = 0; ///< ours
    local_stamp written;
    value_view given;
    bool wins = false;
    bool is_restated = false; ///< `given` is what the policy settled on, by a write of ours
    value_view sent = {};     ///< what the peer gave, if restated
  };
  /// The row as it is here.
  struct local_row {
    std::optional<row_record> record; ///< empty: never heard of it
    bool is_alive = false;
    std::optional<row_values> values; ///< loaded when needed
  };

  void read_incoming(const messages::row_change& change, const peer_binding::bound_table& bound, bool take_all);
  [[nodiscard]] bool has_life() const;
  local_row find_local(std::string_view key);
  const row_values& values_of(local_row& row, std::string_view key);
  /// The cell's value here, also where the app's table has no such column.
  value value_here(local_row& row, std::string_view key, std::uint32_t column);
  /// Puts the incoming cells that the app's table has a column for over a row's values.
  void overlay_given(row_values& values, std::span<const incoming_cell> cells) const;
  void take_new(std::string_view key);
  void take_known(std::string_view key, local_row& local);
  void judge_cells(std::string_view key, local_row& local);
  [[nodiscard]] bool is_known(const cell_origin& have) const;
  [[nodiscard]] bool has_unknown_column(const row_record& record) const;
  void count_conflict(conflict_kind kind, bool is_new);
  // settling.cpp: what stands where two writes met
  void settle_cell(std::string_view key, local_row& local, incoming_cell& cell, bool is_recorded);
  void settle_insert(std::string_view key, local_row& local, incoming_cell& life);
  [[nodiscard]] row_values standing(row_values here) const;
  bool settle_row(std::string_view key, local_row& local);
  [[nodiscard]] local_stamp latest_of(const row_record& record) const;
  bool are_choices(std::string_view key, const local_stamp& left, const local_stamp& right);
  [[nodiscard]] local_stamp first_of(std::string_view key, std::uint32_t column, const local_stamp& written);
  void restate(incoming_cell& cell, const value_view& stands);
  /// Both sides of a conflict, and which of them stands.
  struct both_sides {
    value here, given;
    local_stamp here_written, given_written;
    bool given_stands = false;
    std::optional<value> base = {}; ///< what both were made of, where it is known
  };
  std::string record_conflict(conflict_kind kind, std::string_view key, std::uint32_t column, both_sides sides,
                              std::string_view rule, bool is_open);
  // asking_host.cpp
  /// What a computation came to, of the host or ours.
  struct answer {
    std::optional<value> stands; ///< none: the larger stamp stands
    std::string rule;
    std::uint64_t round = 0;
    bool is_open = false;
  };
  void settle_by_host(std::string_view key, incoming_cell& cell, both_sides sides);
  answer ask_host(std::string_view key, std::uint32_t column, const both_sides& sides);
  std::uint64_t next_round(std::string_view key, std::uint32_t column, const both_sides& sides, std::string& trouble);
  void settle_by_answer(std::string_view key, incoming_cell& cell, both_sides sides, const answer& found,
                        std::string_view choice);
  void record_answer(const std::string& conflict, std::string_view key, std::uint32_t column, const incoming_cell& cell,
                     const both_sides& sides, std::uint64_t round, std::string_view choice);
  // merging_texts.cpp
  void settle_texts(std::string_view key, local_row& local, incoming_cell& cell, both_sides sides, bool asks);
  answer merge_sides(std::string_view key, std::uint32_t column, const both_sides& sides, bool asks);
  void note_texts(std::string_view key, local_row& local);
  void keep_bases(std::string_view key, const row_record& before, std::uint64_t pos, std::uint64_t own_pos);
  void record_deletion_conflict(std::string_view key, local_row& local, const local_stamp& update,
                                const local_stamp& deletion, bool deletion_was_here, bool lives,
                                bool is_chosen = false);
  void write_winners(std::string_view key, local_row& local, bool becomes_alive);
  void change_visible(std::string_view key, local_row& local, bool becomes_alive);
  void revive(std::string_view key, local_row& local);
  /// Finds the table of a change; returns how the peer's columns are bound, and the packed key.
  std::pair<const peer_binding::bound_table*, std::string> locate(const messages::row_change& change);
  void keep_unrecorded(std::string_view key);
  void record_mended_cell(std::string_view key, local_row& local, const incoming_cell& cell);
  void note_named(std::string_view key);
  void note_counters(std::string_view key, const local_row& local, bool is_refused);
  void take_absent(std::string_view key, local_row& local);
  [[nodiscard]] bool is_back_from_absence(const local_row& local) const;
  void take_back(std::string_view key, local_row& local);
  [[nodiscard]] local_stamp latest_unknown(const row_record& record) const;
  void check_clock(const local_stamp& written);
  bool refuse(std::string_view key, local_row& local);
  void record_refusal(std::string_view key, local_row& local, const incoming_cell& latest, const value& refused,
                      const std::string& why);
  void put_back(std::string_view key, local_row& local, const row_values& refused);
  void bury(std::string_view key, const cell_origin& origin, const row_values& values);
  table_rules& rules_of_table();

  core& c_;
  admission& admitted_;
  conflict_store& conflicts_;
  const peer_binding& binding_;
  std::uint64_t cursor_;
  std::uint32_t link_;
  std::uint64_t ack_; ///< how far the sender had applied our log; 0 if it speaks of another epoch
  std::uint64_t hlc_max_;
  bool is_snapshot_ = false;  ///< and there are rows here that it may not name
  std::uint64_t head_before_; ///< the last pos that is not of this merge
  counter_book counters_;
  base_book bases_;
  std::vector<std::pair<std::uint32_t, value>> stood_; ///< texts of the row at hand that give way
  std::set<std::uint32_t> touched_;                    ///< ids of tables that rows came for
  bool has_new_policies_ = false;
  bool has_rules_;
  std::map<std::uint32_t, table_rules> rules_; ///< by table id, when first needed
  tracked_table* table_ = nullptr;             ///< of the row at hand
  policy_book policies_;
  const table_policy* policy_ = nullptr; ///< of that table; null: the larger stamp stands
  std::vector<incoming_cell> cells_;
  std::vector<incoming_cell> passed_over_; ///< no news, but part of the sender's row; where rows merge as a whole
  std::deque<value> kept_;                 ///< what restated cells point to
  std::optional<local_stamp> settled_;     ///< of restated cells of the row at hand
  std::vector<value_view> new_values_;
};

} // namespace tandem::storage
