// Which rows of the merged state may be visible. A row that a UNIQUE, CHECK, NOT NULL or FOREIGN KEY
// constraint does not admit is set aside in quarantine with all its values, and comes back by itself as
// soon as it fits.
//
// Rows are admitted in the order of their claims: the stamp at which a row took the keys that it holds. The
// earlier claim keeps a contested key, so that no row vanishes because someone else came later. Parents
// come before children. What is visible follows from the merged state, not from the order of arrival.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/conflict_store.hpp"
#include "storage/core.hpp"

namespace tandem::storage {

/// What people call the constraint that SQLite's extended result code stands for.
std::string constraint_name(int code);

/// The value of a column, whether it is part of the key or a cell.
value_view value_in_row(const table& of, std::string_view column, std::string_view key, const row_values& values);

class admission {
public:
  admission(core& owner, conflict_store& conflicts) : c_{owner}, conflicts_{conflicts} {}

  /// A row was written: its parents have to exist in the end, and rows in quarantine may wait for it.
  void note_written(tracked_table& table, std::string_view key);
  /// A row was removed, or some of its cells changed: children may have lost their parent.
  void note_vacated(tracked_table& table, std::string_view key);
  /// A row that its table does not take as it is goes straight to quarantine; `settle` tries it again. Its
  /// record must exist already; `values` are all its cells.
  void set_aside_new(tracked_table& table, std::string_view key, const row_values& values);
  /// Moves a visible row to quarantine.
  void set_aside(tracked_table& table, std::string_view key, const std::string& reason, std::uint32_t waits);

  // --- rows that are in quarantine -------------------------------------------------------------
  row_values quarantined_values(tracked_table& table, std::string_view key);
  void put_quarantined_values(tracked_table& table, std::string_view key, const row_values& values);
  /// The row is dead or replaced; its conflict is closed with `state`.
  void drop_quarantined(tracked_table& table, std::string_view key, std::string_view state);

  /// The tables have changed, and their constraints with them: `settle` tries all that is in quarantine.
  void reconsider_all();

  /// Looks at everything noted until nothing changes any more. Call once at the end of a transaction.
  void settle();

  [[nodiscard]] std::uint64_t set_aside_count() const { return set_aside_count_; }
  [[nodiscard]] std::uint64_t readmitted_count() const { return readmitted_count_; }

private:
  using row_name = std::pair<std::uint32_t, std::string>; ///< table id, packed key

  /// A foreign key of a tracked table, with what it takes to check it.
  struct link_check {
    tracked_table* child = nullptr;
    const foreign_key* key = nullptr;
    tracked_table* parent = nullptr; ///< null: not tracked
    bool refers_to_key = false;      ///< of the parent's primary key, in its order
    statement parent_exists;
    statement children_of; ///< keys of the children that refer to given values
    statement orphans;     ///< keys of all children without a parent
  };
  /// Rows of one table to look at again; beyond a limit the whole table.
  struct row_queue {
    std::set<std::string> keys;
    bool all = false;
    void add(std::string_view key);
  };

  void prepare_checks();
  void stir(const tracked_table& table);
  /// The constraint that the row's values break; empty: none.
  std::string missing_parent(tracked_table& table, std::string_view key, const row_values& values,
                             std::uint32_t& waits);
  void check_written();
  void check_vacated();
  void readmit_waiting();

  // --- tables whose rows may be each other's parents (admission_circles.cpp, admission_order.cpp) ----
  /// One of the rows that are asked in the order of their claims.
  struct claimant {
    tracked_table* table = nullptr;
    std::string key;
    row_values values;
    local_stamp claim;
    bool was_visible = false;
    bool is_rejected = false;
    bool is_in = false;
  };
  using claimants = std::vector<claimant>;
  struct parentage;
  [[nodiscard]] std::set<const tracked_table*> tables_in_circles() const;
  void find_circles();
  [[nodiscard]] bool has_stirred_circles() const;
  std::vector<row_name> rows_aside(const std::set<const tracked_table*>& of);
  claimants call_together(const std::vector<row_name>& aside);
  bool call(claimants& all, tracked_table& table, std::string_view key, row_values values, bool is_visible);
  static std::optional<std::string> rival_in_place(tracked_table& table, std::string_view key,
                                                   const row_values& values);
  std::vector<std::string> children_of(link_check& check, std::string_view parent_key);
  void reject_orphans(claimants& all);
  static void let_in(claimants& all, std::size_t from);
  bool lacks_parent(const claimant& each);
  void choose(claimants& all);
  void ask_again(claimants& all);
  void carry_out(const claimant& decided);
  std::string why_not_in(const claimant& decided, std::uint32_t& waits);
  void decide_circles();
  void welcome(tracked_table& table, std::string_view key);
  bool try_to_admit(tracked_table& table, std::string_view key);
  bool admit_over(tracked_table& table, std::string_view key, const row_values& values, std::string& reason,
                  std::uint32_t& waits);
  std::string why_not_over(tracked_table& table, std::string_view key, const row_values& values, int constraint,
                           std::string& in_place);
  void note_set_aside(tracked_table& table, std::string_view key, const row_values& values, const std::string& reason,
                      std::uint32_t waits);
  local_stamp claim_of(tracked_table& table, const row_record& record);
  bool has_earlier_claim(tracked_table& table, std::string_view key, std::string_view other_key);
  void explain(tracked_table& table, std::string_view key, const row_values& values, const std::string& reason,
               std::uint32_t waits);

  core& c_;
  conflict_store& conflicts_;
  bool is_prepared_ = false;
  std::vector<link_check> checks_;
  std::map<std::uint32_t, row_queue> written_;
  std::map<std::uint32_t, row_queue> vacated_;
  std::set<std::uint32_t> stirred_;        ///< tables in which something changed since quarantine was last tried
  std::set<row_name> changed_quarantine_;  ///< quarantined rows whose own values changed
  std::set<const tracked_table*> circles_; ///< tables whose rows are decided on together
  std::set<std::uint32_t> ever_stirred_;   ///< in this transaction
  std::uint64_t set_aside_count_ = 0;
  std::uint64_t readmitted_count_ = 0;
};

} // namespace tandem::storage
