#include "storage/bases.hpp"

#include "messages/limits.hpp"
#include "storage/compacting.hpp"
#include "storage/policies.hpp"
#include "storage/tracking.hpp"

namespace tandem::storage {
namespace {

/// In the place of a pos: a peer had this value, whatever it had applied of our log, and it was passed over...
constexpr std::int64_t heard = -1;
/// ... or merged into what took the place of the value that stood here.
constexpr std::int64_t merged = -2;

std::optional<value> text_at(const statement& row, int column) {
  if (row.is_null(column))
    return std::nullopt;
  return value{value_view::of_text(row.blob(column))};
}

void bind_cell(statement& query, const table& of, std::string_view key, std::uint32_t column) {
  query.bind_at(1, of.id);
  query.bind_blob(2, key);
  query.bind_at(3, column);
}

std::string columns_with_texts(core& c) {
  std::string result;
  const policy_book policies{c};
  for (const auto& [id, table] : c.tables)
    if (const auto policy = policies.of(id))
      for (const auto& [column, rule] : policy->columns)
        if (merges_text(rule))
          result += std::to_string(id) + " " + std::to_string(column) + " ";
  return result;
}

} // namespace

void base_book::put(const table& of, std::string_view key, std::uint32_t column, std::int64_t pos, std::uint32_t via,
                    const value_view& given, std::uint64_t until) {
  auto& query = c_.cached("INSERT OR REPLACE INTO main.tandem_bases(t, k, col, until, pos, via, val) "
                          "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  bind_cell(query, of, key, column);
  query.bind_at(4, until);
  query.bind_at(5, pos);
  query.bind_at(6, via);
  // As a blob, whose length is known without reading it.
  if (given.type == value_type::text && given.bytes.size() <= limits::merged_text_bytes_max)
    query.bind_blob(7, given.bytes);
  else
    query.bind_at(7, value_view::of_null());
  query.run();
}

// False if there is none.
bool base_book::make_room(const table& of, std::string_view key, std::uint32_t column, std::size_t bytes) {
  auto& size = c_.cached("SELECT count(*), total(length(val)) FROM main.tandem_bases "
                         "WHERE t = ?1 AND k = ?2 AND col = ?3");
  const auto fits = [&] {
    const statement_guard guard{size};
    bind_cell(size, of, key, column);
    size.step();
    return size.unsigned_integer(0) < limits::bases_each_cell_max &&
           size.unsigned_integer(1) + bytes <= limits::bases_each_cell_bytes_max;
  };
  if (fits())
    return true;
  auto& forget = c_.cached("DELETE FROM main.tandem_bases WHERE t = ?1 AND k = ?2 AND col = ?3 AND until <= ?4");
  bind_cell(forget, of, key, column);
  forget.bind_at(4, need_of_log(c_).free_to);
  forget.run();
  return fits();
}

void base_book::keep(const table& of, std::string_view key, std::uint32_t column, const cell_origin& had,
                     const value_view& stood, std::uint64_t until) {
  if (make_room(of, key, column, stood.bytes.size())) {
    put(of, key, column, static_cast<std::int64_t>(had.pos), had.via, stood, until);
    return;
  }
  // The last of them becomes a stretch of which nothing is known but that it is of this replica alone, so that what was
  // kept before is found behind it.
  auto& stretch = c_.cached("UPDATE main.tandem_bases SET until = ?4, val = NULL WHERE t = ?1 AND k = ?2 AND col = ?3 "
                            "AND until = ?5 AND via = 0 AND pos >= 0");
  bind_cell(stretch, of, key, column);
  stretch.bind_at(4, until);
  stretch.bind_at(5, had.pos);
  if (had.via == via_here)
    stretch.run();
}

void base_book::close(const table& of, std::string_view key, std::uint64_t until) {
  auto& query = c_.cached("UPDATE OR REPLACE main.tandem_bases SET until = ?3 WHERE t = ?1 AND k = ?2 AND until = 0");
  query.bind_at(1, of.id);
  query.bind_blob(2, key);
  query.bind_at(3, until);
  query.run();
}

void base_book::keep_heard(const table& of, std::string_view key, std::uint32_t column, std::uint32_t link,
                           const value_view& given, std::uint64_t until, bool is_merged) {
  if (make_room(of, key, column, given.bytes.size()))
    put(of, key, column, is_merged ? merged : heard, link, given, until);
}

std::optional<value> base_book::base_for(const table& of, std::string_view key, std::uint32_t column,
                                         const cell_origin& now, const value& here, std::uint32_t link,
                                         std::uint64_t ack) {
  auto& query = c_.cached("SELECT until, pos, via, val FROM main.tandem_bases WHERE t = ?1 AND k = ?2 AND col = ?3 "
                          "ORDER BY until DESC, pos");
  const statement_guard guard{query};
  bind_cell(query, of, key, column);
  auto since = now.pos; // when `standing` came to stand
  std::optional<value> standing = here;
  bool is_heard = false, is_merged = false;
  std::optional<value> of_link;
  while (query.step()) {
    if (query.unsigned_integer(0) != since)
      continue;
    const auto pos = query.integer(1);
    const bool is_of_link = static_cast<std::uint32_t>(query.integer(2)) == link;
    if (pos < 0) {
      if (is_of_link) {
        is_heard = true;
        is_merged = pos == merged;
        of_link = text_at(query, 3);
      }
      continue;
    }
    const bool is_known = is_of_link || static_cast<std::uint64_t>(pos) <= ack;
    if (is_known && is_merged)
      return standing; // the peer knew both, and made the same of them
    if (is_heard)
      return of_link;
    if (is_known)
      return text_at(query, 3);
    since = static_cast<std::uint64_t>(pos);
    standing = text_at(query, 3);
  }
  return of_link;
}

void base_book::forget_until(std::uint64_t pos) {
  c_.cached("DELETE FROM main.tandem_bases WHERE until <= ?1").bind(pos).run();
}

void level_bases(core& c) {
  const auto wanted = columns_with_texts(c);
  if (c.meta_text("texts") == wanted)
    return;
  c.set_meta_text("texts", wanted);
  auto& forget = c.cached("DELETE FROM main.tandem_bases WHERE t = ?1 AND col = ?2");
  for (const auto& [id, table] : c.tables) {
    auto described = table->info;
    const auto based = c.based_columns(id);
    if (described.based.covers(based) && based.covers(described.based))
      continue;
    described.based.each([&, of = id](std::uint32_t column) {
      if (!based.has(column))
        forget.bind(of, column).run();
    });
    capture(c, described);
  }
}

} // namespace tandem::storage
