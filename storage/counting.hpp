// The policy `counter`: increments that were made at once add up. What a cell shows is the sum of what each site has
// counted, in rows of the tracked table tandem_counts that travel as rows do. Each is written only by its own site,
// so they never conflict, however often and by whichever way they come. A row with an empty site holds what the cell
// was before anybody counted.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "storage/admission.hpp"
#include "storage/core.hpp"

namespace tandem::storage {

/// The sum of the numbers among `parts`; NULL if there are none. Integers beyond 64 bits stay at the limit.
value sum_of(std::span<const value> parts);
/// What a site must have counted so that the sum, which is `known` now, becomes `wanted`. What is no number counts
/// as 0.
value recounted(const value& own, const value& known, const value& wanted);
/// False if the cell must be written for it to show the sum. Sums of reals differ in their last digits.
bool shows_sum(const value& shown, const value& sum);
/// A value that can't be counted, and that counting would lose.
bool is_uncountable(const value_view& each);

/// Keeps counter cells and what was counted in step, within the caller's write transaction.
class counter_book {
public:
  counter_book(core& c, admission& admitted, conflict_store& conflicts)
      : c_{c}, admitted_{admitted}, conflicts_{conflicts} {}

  /// This site has written the cells: what they became is counted as its doing.
  void count_written(tracked_table& table, std::string_view key, const column_set& cells,
                     std::optional<local_stamp> stamp = std::nullopt);

  /// Notes a row whose cells or counts came from a peer. `is_concurrent`: its counters were written here too;
  /// `is_refused`: what came was rolled back.
  void note_received(const tracked_table& table, std::string_view key, bool is_concurrent, bool is_refused);
  /// The same for a row of tandem_counts.
  void note_count(std::string_view counts_key);
  /// Lets the rows that were noted show what was counted. What came after `pos` is the peer's doing.
  void show_received(std::uint64_t pos);

  /// Takes notice of policies that came, went, or found their column. `is_setter`: this replica wrote them, so that
  /// what its cells show counts; else what was counted before the policy came here goes before what they show.
  void level(bool is_setter);

private:
  struct counted {
    std::size_t rows = 0;
    value own, sum;
  };
  counted read_counts(const table& of, std::string_view key, std::uint32_t column);
  void put_count(const table& of, std::string_view key, std::uint32_t column, std::string_view site, const value& total,
                 std::optional<local_stamp> stamp = std::nullopt);
  void count(const table& of, std::string_view key, std::uint32_t column, const value& shown,
             std::optional<local_stamp> stamp);
  std::optional<row_values> values_of(tracked_table& table, std::string_view key, const row_record& record);
  void show(tracked_table& table, std::string_view key, row_record record, std::uint32_t column, row_values& values,
            const value& sum);
  void show_row(tracked_table& table, std::string_view key, bool is_concurrent, bool is_refused, std::uint64_t pos);
  void keep_uncounted(tracked_table& table, std::string_view key, const row_record& record, std::uint32_t column,
                      const value& shown, const value& sum);
  void begin_counting(tracked_table& table, const std::vector<std::uint32_t>& columns, bool is_setter);

  core& c_;
  admission& admitted_;
  conflict_store& conflicts_;
  bool has_received_ = false;
  std::vector<value> parts_;
};

} // namespace tandem::storage
