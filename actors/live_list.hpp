// What a page shows of a live query, and how that becomes what the query gives now.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "messages/page.hpp"
#include "messages/value.hpp"

namespace tandem::actors {

/// Names a row within one live query.
struct row_identity {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const row_identity&) const = default;
};

struct row_identity_hash {
  std::size_t operator()(const row_identity& identity) const { return identity.low; }
};

/// One result of a query, encoded, with what is needed to compare it.
class live_rows {
public:
  /// `key_columns`: indexes of the columns that name a row; empty: all of them do.
  explicit live_rows(std::vector<std::size_t> key_columns) : key_columns_{std::move(key_columns)} {}

  void add(const std::vector<messages::value_view>& values);
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  [[nodiscard]] std::size_t bytes() const { return encoded_.size(); }

private:
  friend class live_list;
  struct row {
    row_identity identity;
    std::uint64_t content = 0;
    std::size_t end = 0; ///< in the encoded bytes
    std::uint32_t values = 0;
  };
  [[nodiscard]] std::string_view bytes_of(std::size_t index) const;

  std::vector<std::size_t> key_columns_;
  std::vector<row> rows_;
  messages::encoder encoded_;
  messages::encoder key_;
  std::unordered_map<row_identity, std::uint32_t, row_identity_hash> seen_;
};

struct live_difference {
  std::vector<std::uint32_t> removed;
  std::vector<std::uint32_t> inserted;
  std::vector<std::uint32_t> changed;
  messages::page::encoded_values inserted_values;
  messages::page::encoded_values changed_values;
  std::uint32_t total = 0;
  bool is_all = true; ///< false: more has to follow, for it was too much for one message

  [[nodiscard]] bool is_empty() const { return removed.empty() && inserted.empty() && changed.empty(); }
};

/// Keeps 24 bytes a row.
class live_list {
public:
  /// The page shows nothing again.
  void clear() { shown_.clear(); }
  /// How to go on from what is shown; from now on that counts as shown. About `bytes_target` of values at most.
  live_difference become(const live_rows& fresh, std::size_t bytes_target);
  [[nodiscard]] std::size_t size() const { return shown_.size(); }

private:
  struct row {
    row_identity identity;
    std::uint64_t content = 0;
  };
  [[nodiscard]] std::vector<std::int64_t> stays(const live_rows& fresh) const;

  std::vector<row> shown_;
};

} // namespace tandem::actors
