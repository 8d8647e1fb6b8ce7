// What must come out, known independently: the app's commits as rows that differ before and after, and for each commit
// which others its writer had seen. Nothing here looks at stamps, logs or cursors.
//
// Who has seen what travels with the data: each commit counts up its writer's row in the table `sim_seen`, so that
// this table, read at any replica, says which commits that replica has. A replica that has a commit's count
// without its rows, or its rows without the count, has torn a transaction.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/replica.hpp"
#include "tests/property/app_database.hpp"
#include "tests/property/table_spec.hpp"

namespace tandem::simulation {

using property::value;

/// Counts of commits by writer.
using knowledge = std::map<std::string, std::int64_t>;

/// Table and the key's values, encoded.
using row_name = std::pair<std::string, std::string>;

struct row_now {
  std::string key_json;
  std::map<std::string, value> cells;
};
using image = std::map<row_name, row_now>;

/// All that a check looks at in one replica.
struct standing {
  image rows;
  knowledge seen;
  std::vector<storage::conflict> audit;
  std::vector<storage::quarantined_row> quarantine;
  bool has_pending = false; ///< writes that nobody has stamped yet
};

/// The rows of all modelled tables as a stock program reads them.
image read_image(property::app_database& app, const property::schema_spec& schema);
knowledge read_knowledge(property::app_database& app);

/// Something that is wrong with one row of one replica.
struct complaint {
  std::string table;
  std::string key_json;
  std::string text;
};

/// What the rules leave open in some histories.
struct leniency {
  bool may_quarantine = false;          ///< constraints set rows aside
  bool may_revive = false;              ///< a copied or restored file offers anew what others have deleted
  bool must_have_true_conflicts = true; ///< the audit trail names no writes of which one had seen the other
};

class model {
public:
  /// A commit of `writer`, which had seen `seen` (itself included). Rows in `rewritten` may have been written without
  /// a change.
  void add(const std::string& writer, const knowledge& seen, const image& before, const image& after,
           const std::set<row_name>& rewritten);
  /// Commits of the writer beyond `last` are gone with a crash or a restore.
  void forget(const std::string& writer, std::int64_t last);
  [[nodiscard]] std::int64_t last_of(const std::string& writer) const;
  [[nodiscard]] std::size_t commits() const { return commits_; }

  /// What is wrong with a replica, given what it says to have seen; empty: nothing.
  std::vector<complaint> check(const standing& now, const leniency& how) const;

private:
  struct touch {
    std::string writer;
    std::int64_t number = 0;
    std::shared_ptr<const knowledge> seen;
    value written;
    bool is_hidden = false;   ///< some value that nobody but its writer could see
    bool is_optional = false; ///< perhaps written: nothing changed, but a statement went over it
  };
  struct row_history {
    std::string key_json;
    std::vector<touch> deletes;
    std::vector<touch> inserts;
    std::map<std::string, std::vector<touch>> cells;
  };
  struct row_check;

  /// Who wrote, whatever number of lives its app had: `b` of `b.2`.
  static std::string node_of(const touch& each);
  static bool has_seen(const touch& later, const touch& earlier);
  static bool has_seen(const std::vector<touch>& any_of, const touch& earlier, bool with_optional = true);

  std::map<row_name, row_history> rows_;
  std::map<std::string, std::int64_t> last_;
  std::size_t commits_ = 0;
};

} // namespace tandem::simulation
