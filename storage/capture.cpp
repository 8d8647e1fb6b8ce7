#include "storage/capture.hpp"

#include <algorithm>

namespace tandem::storage {
namespace {

// Layout of `o`: 3 bits of kind, 8 bits of block, then one bit for each of the block's 48 columns. One
// integer holds a hint for up to 48 columns; wider tables take one hint per block that changed.
constexpr unsigned block_shift = 3;
constexpr unsigned mask_shift = 11;
constexpr std::uint32_t columns_per_block = 48;

// Wall time as a real: the cheapest clock that plain SQL has. Stamping turns it into milliseconds.
constexpr std::string_view wall_time = "julianday('now')";

std::string name_of_trigger(std::string_view what, const table& tracked) {
  return "tandem_" + std::string{what} + "_" + std::to_string(tracked.id);
}

std::string head_of_trigger(std::string_view what, std::string_view event, const table& tracked) {
  return "CREATE TRIGGER " + name_of_trigger(what, tracked) + " " + std::string{event} + " ON " +
         quoted(tracked.stored_as) + " ";
}

std::string pending_columns(const table& tracked) {
  std::vector<std::string> columns{"t", "o", "w"};
  for (std::size_t i = 0; i < tracked.key.size(); ++i)
    columns.push_back(pending_key_column(i));
  return "tandem_pending(" + joined(columns, ", ") + ")";
}

std::string append_hint(const table& tracked, const std::string& what, std::string_view row) {
  return "INSERT INTO " + pending_columns(tracked) + " VALUES (" + std::to_string(tracked.id) + ", " + what + ", " +
         std::string{wall_time} + ", " + tracked.key_list(std::string{row} + ".") + "); ";
}

std::string kind_literal(hint_kind kind) {
  return std::to_string(static_cast<int>(kind));
}

std::string deleted_columns(const table& tracked) {
  std::vector<std::string> columns{"id"};
  for (const auto index : tracked.cells)
    columns.push_back("c" + std::to_string(tracked.columns[index].id));
  return tracked.deleted_table() + "(" + joined(columns, ", ") + ")";
}

std::vector<std::string> cell_list(const table& tracked, const std::string& prefix,
                                   const std::string& id = "last_insert_rowid()") {
  std::vector<std::string> columns{id};
  for (const auto index : tracked.cells)
    columns.push_back(prefix + quoted(tracked.columns[index].name));
  return columns;
}

// A deleted row's values are kept, because a concurrent update may bring the row back whole.
std::string keep_old_values(const table& tracked) {
  return "INSERT INTO " + deleted_columns(tracked) + " VALUES (" + joined(cell_list(tracked, "OLD."), ", ") + "); ";
}

// Compared byte by byte: a column's own collation would take 'a' and 'A' for the same, IS alone 1 and 1.0.
std::string is_changed(const table_column& column) {
  const auto name = quoted(column.name);
  auto result = "OLD." + name + " IS NOT NEW." + name + " COLLATE BINARY";
  if (column.is_typeless)
    result += " OR typeof(OLD." + name + ") <> typeof(NEW." + name + ")";
  return "(" + result + ")";
}

// What texts were before, under the hint that was just written.
std::string keep_bases(const table& tracked, std::uint32_t block) {
  std::vector<std::string> into{"id"}, values{"last_insert_rowid()"}, changed;
  for (const auto index : tracked.cells) {
    const auto& column = tracked.columns[index];
    if (!tracked.based.has(column.id) || (column.id - 1) / columns_per_block != block)
      continue;
    into.push_back("c" + std::to_string(column.id));
    values.push_back("OLD." + quoted(column.name));
    changed.push_back(is_changed(column));
  }
  if (changed.empty())
    return {};
  return "INSERT INTO " + tracked.deleted_table() + "(" + joined(into, ", ") + ") SELECT " + joined(values, ", ") +
         " WHERE " + joined(changed, " OR ") + "; ";
}

std::string update_trigger(const table& tracked) {
  std::string body;
  for (std::uint32_t block = 0;; ++block) {
    std::vector<std::string> bits;
    bool is_last = true;
    for (const auto index : tracked.cells) {
      const auto place = tracked.columns[index].id - 1;
      if (place / columns_per_block == block)
        // SQLite gives | and << the same rank.
        bits.push_back("(" + is_changed(tracked.columns[index]) + " << " +
                       std::to_string(mask_shift + place % columns_per_block) + ")");
      is_last = is_last && place / columns_per_block <= block;
    }
    const auto fixed = (static_cast<unsigned>(hint_kind::updated)) | (block << block_shift);
    if (!bits.empty())
      body +=
          append_hint(tracked, std::to_string(fixed) + " | " + joined(bits, " | "), "NEW") + keep_bases(tracked, block);
    if (is_last)
      break;
  }
  return head_of_trigger("update", "AFTER UPDATE", tracked) + "BEGIN " + body + "END";
}

std::string key_change_trigger(const table& tracked) {
  std::vector<std::string> changed;
  for (const auto index : tracked.key)
    changed.push_back(is_changed(tracked.columns[index]));
  // Named columns keep other updates from paying; a rowid goes by three more names that OF can't tell.
  const auto event = tracked.has_integer_key ? std::string{"AFTER UPDATE"} : "AFTER UPDATE OF " + tracked.key_list();
  return head_of_trigger("key", event, tracked) + "WHEN " + joined(changed, " OR ") + " BEGIN " +
         append_hint(tracked, kind_literal(hint_kind::deleted), "OLD") + keep_old_values(tracked) +
         append_hint(tracked, kind_literal(hint_kind::inserted), "NEW") + "END";
}

// The primary key is among them where different keys compare as equal: 'a' and 'A', or 1 and 1.0. And where texts are
// merged, for REPLACE fires no trigger that tells what the row was before.
std::vector<unique_key> keys_that_displace(const table& tracked) {
  auto result = tracked.unique_keys;
  unique_key primary;
  bool is_needed = !tracked.based.empty();
  for (const auto index : tracked.key) {
    const auto& column = tracked.columns[index];
    primary.columns.push_back(column.name);
    is_needed = is_needed || column.is_collated || (column.is_typeless && !tracked.has_integer_key);
  }
  if (is_needed)
    result.push_back(std::move(primary));
  return result;
}

// The id of the hint that was just written for the row at hand. Where the key is that of another collation, or a
// partial index whose new row is not in it, a statement writes hints for several rows at once.
std::string hint_of_held(const table& tracked, const std::string& from) {
  std::vector<std::string> same;
  for (std::size_t i = 0; i < tracked.key.size(); ++i)
    same.push_back("hint." + pending_key_column(i) + " IS " + quoted(tracked.stored_as) + "." +
                   quoted(tracked.columns[tracked.key[i]].name));
  return "(SELECT max(hint.id) FROM tandem_pending AS hint WHERE hint.id > last_insert_rowid() - (SELECT count(*)" +
         from + ") AND " + joined(same, " AND ") + ")";
}

// REPLACE removes rows that hold a UNIQUE value without firing their delete triggers (unless the writer
// turned recursive_triggers on), so look at them before.
std::string displace_body(const table& tracked) {
  // By its own name, as a partial index may call it.
  const auto held = quoted(tracked.stored_as) + ".";
  std::string body;
  for (const auto& key : keys_that_displace(tracked)) {
    if (std::ranges::count(key.columns, std::string{}))
      continue; // an index over an expression
    std::vector<std::string> same;
    for (const auto& column : key.columns)
      same.push_back(held + quoted(column) + " = NEW." + quoted(column));
    if (!key.condition.empty())
      same.push_back("(" + key.condition + "\n)");
    const auto from = " FROM " + quoted(tracked.stored_as) + " WHERE " + joined(same, " AND ");
    body += "INSERT INTO " + pending_columns(tracked) + " SELECT " + std::to_string(tracked.id) + ", " +
            kind_literal(hint_kind::displaced) + ", " + std::string{wall_time} + ", " + tracked.key_list(held) + from +
            "; ";
    body += "INSERT INTO " + deleted_columns(tracked) + " SELECT " +
            joined(cell_list(tracked, held, hint_of_held(tracked, from)), ", ") + from + "; ";
  }
  return body;
}

std::string unique_columns(const table& tracked) {
  std::vector<std::string> names;
  for (const auto& key : keys_that_displace(tracked))
    for (const auto& column : key.columns)
      if (!column.empty() && tracked.column_named(column) && !std::ranges::count(names, quoted(column)))
        names.push_back(quoted(column));
  return joined(names, ", ");
}

} // namespace

hint hint::unpack(std::uint64_t packed) {
  hint result;
  result.kind = static_cast<hint_kind>(packed & ((1U << block_shift) - 1));
  const auto block = static_cast<std::uint32_t>((packed >> block_shift) & 0xff);
  for (auto bits = packed >> mask_shift; bits; bits &= bits - 1)
    result.columns.add(block * columns_per_block + static_cast<std::uint32_t>(std::countr_zero(bits)) + 1);
  return result;
}

std::string pending_key_column(std::size_t index) {
  return index == 0 ? "k" : "k" + std::to_string(index + 1);
}

std::vector<std::string> capture_statements(const table& tracked) {
  std::vector<std::string> columns{"id INTEGER PRIMARY KEY"};
  for (const auto index : tracked.cells)
    columns.push_back("c" + std::to_string(tracked.columns[index].id));
  std::vector<std::string> result{
      "CREATE TABLE IF NOT EXISTS " + tracked.deleted_table() + "(" + joined(columns, ", ") + ")",
      head_of_trigger("insert", "AFTER INSERT", tracked) + "BEGIN " +
          append_hint(tracked, kind_literal(hint_kind::inserted), "NEW") + "END",
      head_of_trigger("delete", "AFTER DELETE", tracked) + "BEGIN " +
          append_hint(tracked, kind_literal(hint_kind::deleted), "OLD") + keep_old_values(tracked) + "END",
      key_change_trigger(tracked),
  };
  if (!tracked.cells.empty())
    result.push_back(update_trigger(tracked));
  const auto displaced = displace_body(tracked);
  if (!displaced.empty()) {
    result.push_back(head_of_trigger("displace_insert", "BEFORE INSERT", tracked) + "BEGIN " + displaced + "END");
    result.push_back(head_of_trigger("displace_update", "BEFORE UPDATE OF " + unique_columns(tracked), tracked) +
                     "BEGIN " + displaced + "END");
  }
  return result;
}

std::vector<std::string> release_statements(std::uint32_t table_id) {
  const auto id = std::to_string(table_id);
  std::vector<std::string> result;
  for (const char* what : {"insert", "update", "delete", "key", "displace_insert", "displace_update"})
    result.push_back("DROP TRIGGER IF EXISTS tandem_" + std::string{what} + "_" + id);
  return result;
}

} // namespace tandem::storage
