// What cells with the policy `text` were before: the common base of two edits that were made at once.
//
// Each value that is written over is kept with the pos at which it was written, by which link, and the pos of the write
// that took its place. So the kept values of a cell are a chain that leads back from what stands now; where a link of
// it is missing, there is no base, and texts are not merged. A value is needed as long as some peer may not have
// applied the write that took its place: until the log is compacted up to there.
#pragma once

#include <optional>
#include <string_view>

#include "storage/core.hpp"

namespace tandem::storage {

class base_book {
public:
  explicit base_book(core& c) : c_{c} {}

  /// Keeps what stood in a cell until the write at pos `until` took its place.
  void keep(const table& of, std::string_view key, std::uint32_t column, const cell_origin& had,
            const value_view& stood, std::uint64_t until);
  /// `until` may be 0 as long as it is not known; then this tells it for all cells of the row, or drops them all.
  void close(const table& of, std::string_view key, std::uint64_t until);
  void drop_open() { forget_until(0); }
  /// Keeps what a peer had when the write at pos `until` stood against it, or was merged from it and what stood before:
  /// the peer goes on from there.
  void keep_heard(const table& of, std::string_view key, std::uint32_t column, std::uint32_t link,
                  const value_view& given, std::uint64_t until, bool is_merged);
  /// The last value of the cell that a peer knew, as far as it had applied this log (`ack`) or sent it itself.
  /// `now` is the write that stands, `here` its text. Nothing if it is not known, or was no text.
  std::optional<value> base_for(const table& of, std::string_view key, std::uint32_t column, const cell_origin& now,
                                const value& here, std::uint32_t link, std::uint64_t ack);
  /// What nobody needs any more once the log is compacted up to a pos.
  void forget_until(std::uint64_t pos);

private:
  bool make_room(const table& of, std::string_view key, std::uint32_t column, std::size_t bytes);
  void put(const table& of, std::string_view key, std::uint32_t column, std::int64_t pos, std::uint32_t via,
           const value_view& given, std::uint64_t until);

  core& c_;
};

/// Takes notice of policies that came, went, or found their column: triggers keep values from before from now on, or
/// no more.
void level_bases(core& c);

} // namespace tandem::storage
