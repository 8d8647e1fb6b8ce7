// What a page may do to the database: SQLite asks here while it compiles each statement of a page.
#pragma once

#include <set>
#include <string>
#include <string_view>

struct sqlite3;

namespace tandem::storage {

/// True if a name or literal of the statement begins like a name of ours. Checked on the text, because SQLite tells its
/// authorizer of subqueries and triggers by the names that the statement gave them.
bool names_ours(std::string_view sql);

/// One for each connection of a page, which it must outlive.
class page_guard {
public:
  /// Makes SQLite ask from now on.
  void attach(sqlite3* connection);
  /// A statement is about to be compiled.
  void begin();
  /// Why the last statement was refused; empty: it was not.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  /// Tables that the last statement reads, and that it writes, by their names in the schema.
  [[nodiscard]] const std::set<std::string>& tables_read() const { return read_; }
  [[nodiscard]] const std::set<std::string>& tables_written() const { return written_; }

  /// Lets statements of our own through for as long as it lives.
  class trust {
  public:
    explicit trust(page_guard& guard) : guard_{guard} { ++guard_.trusted_; }
    ~trust() { --guard_.trusted_; }
    trust(const trust&) = delete;
    trust& operator=(const trust&) = delete;

  private:
    page_guard& guard_;
  };

private:
  struct question {
    int action = 0;
    std::string_view first;   ///< mostly a table
    std::string_view second;  ///< mostly a column
    std::string_view context; ///< the trigger, view or subquery that does it
  };

  static int answer(void* guard, int action, const char* first, const char* second, const char* schema,
                    const char* context);
  bool allows(const question& asked);
  bool allows_pragma(std::string_view name, bool has_argument);
  bool refuse(std::string text);
  bool allows_table(const question& asked);

  int trusted_ = 0;
  std::string refusal_;
  std::set<std::string> read_;
  std::set<std::string> written_;
};

} // namespace tandem::storage
