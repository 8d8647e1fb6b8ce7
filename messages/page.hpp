// The messages between a node and a page, a program in a browser or WebView. docs/page-protocol.md explains them; the
// golden vectors in tests/unit/messages/golden prove that the TypeScript side reads the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "messages/failure.hpp"
#include "messages/fields.hpp"
#include "messages/page_limits.hpp"
#include "messages/value.hpp"

namespace tandem::messages::page {

constexpr std::uint32_t protocol_min = 1;
constexpr std::uint32_t protocol_max = 1;

/// Numbers of messages; never used again for something else. 32 to 47: page to node; 48 to 63: node to page.
enum class kind : std::uint8_t {
  open = 32,
  query = 33,
  more = 34,
  execute = 35,
  begin = 36,
  finish = 37,
  watch = 38,
  observe = 39,
  cancel = 40,
  ask = 41,
  taken = 42,
  opened = 48,
  rows = 49,
  done = 50,
  told = 51,
  failed = 52,
  live = 53,
  changed = 54,
  beat = 55
};

/// True if `bytes` begins like a message that a page may send.
bool is_of_page(std::string_view bytes);

#define TANDEM_PAGE_MESSAGE(name)                                                                                      \
  static constexpr auto tag = kind::name;                                                                              \
  static constexpr unsigned version = 1

/// The page's first message on each connection.
struct open {
  TANDEM_PAGE_MESSAGE(open);
  std::uint32_t lowest = protocol_min;
  std::uint32_t highest = protocol_max;
  std::string session; ///< 32 random hex digits
  std::string token;   ///< may be empty
  std::string name;    ///< of the page, for people
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.lowest);
    visit(message.highest);
    visit(message.session, limits::page_session_digits);
    visit(message.token, limits::token_bytes_max);
    visit(message.name, limits::label_bytes_max);
  }
};

struct query {
  TANDEM_PAGE_MESSAGE(query);
  std::uint64_t id = 0;
  std::uint32_t deadline_ms = 0; ///< 0: the usual one
  std::uint64_t transaction = 0; ///< the id of its `begin`; 0: none
  std::string sql;
  std::vector<value> parameters;
  std::uint32_t page_rows = 0; ///< rows of one answer; 0: the usual number
  std::uint32_t pages = 0;     ///< answers that may come before `more`; 0: the usual number
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.deadline_ms);
    visit(message.transaction);
    visit(message.sql, limits::page_sql_bytes_max);
    visit(message.parameters, limits::page_parameters_max);
    visit(message.page_rows);
    visit(message.pages);
  }
};

struct more {
  TANDEM_PAGE_MESSAGE(more);
  std::uint64_t id = 0;
  std::uint32_t pages = 0;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.pages);
  }
};

struct sql_call {
  std::string sql;
  std::vector<value> parameters;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.sql, limits::page_sql_bytes_max);
    visit(message.parameters, limits::page_parameters_max);
  }
};

/// All statements in one transaction, all or nothing.
struct execute {
  TANDEM_PAGE_MESSAGE(execute);
  std::uint64_t id = 0;
  std::uint32_t deadline_ms = 0;
  std::uint64_t transaction = 0;
  std::string once; ///< names the write, so that it is done once however often it is asked for; empty: it has no name
  std::vector<sql_call> statements;
  std::uint64_t after = 0; ///< an earlier write: if that comes to no decision, this one is not tried; 0: none
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.deadline_ms);
    visit(message.transaction);
    visit(message.once, limits::page_once_bytes_max);
    visit(message.statements, limits::page_statements_max);
    visit(message.after);
  }
};

/// An interactive write transaction; later messages name it by this id.
struct begin {
  TANDEM_PAGE_MESSAGE(begin);
  std::uint64_t id = 0;
  std::uint32_t deadline_ms = 0; ///< to wait for other writers
  std::uint32_t limit_ms = 0;    ///< rolled back after it
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.deadline_ms);
    visit(message.limit_ms);
  }
};

struct finish {
  TANDEM_PAGE_MESSAGE(finish);
  std::uint64_t id = 0;
  std::uint32_t deadline_ms = 0;
  std::uint64_t transaction = 0;
  bool is_commit = false;
  std::string once;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.deadline_ms);
    visit(message.transaction);
    visit(message.is_commit);
    visit(message.once, limits::page_once_bytes_max);
  }
};

/// A query whose result is told again, as a difference, whenever it changes.
struct watch {
  TANDEM_PAGE_MESSAGE(watch);
  std::uint64_t id = 0;
  std::uint32_t deadline_ms = 0; ///< of each run
  std::string sql;
  std::vector<value> parameters;
  std::vector<std::string> key_columns; ///< columns of the result that name a row; empty: its whole content does
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.deadline_ms);
    visit(message.sql, limits::page_sql_bytes_max);
    visit(message.parameters, limits::page_parameters_max);
    visit(message.key_columns, limits::page_key_columns_max, limits::name_bytes_max);
  }
};

struct observe {
  TANDEM_PAGE_MESSAGE(observe);
  std::uint64_t id = 0;
  std::vector<std::string> tables; ///< empty: all
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.tables, limits::tables_max, limits::name_bytes_max);
  }
};

struct cancel {
  TANDEM_PAGE_MESSAGE(cancel);
  std::uint64_t id = 0;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
  }
};

struct ask {
  TANDEM_PAGE_MESSAGE(ask);
  std::uint64_t id = 0;
  std::uint32_t deadline_ms = 0;
  std::string what;
  std::string argument; ///< JSON; may be empty
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.deadline_ms);
    visit(message.what, limits::label_bytes_max);
    visit(message.argument, limits::page_argument_bytes_max);
  }
};

/// The page has shown that `live` or `changed`; the next one may come.
struct taken {
  TANDEM_PAGE_MESSAGE(taken);
  std::uint64_t id = 0;
  std::uint64_t sequence = 0;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.sequence);
  }
};

struct opened {
  TANDEM_PAGE_MESSAGE(opened);
  std::uint32_t protocol = protocol_max;
  std::string site; ///< 32 hex digits
  std::string name;
  std::string program;
  bool is_read_only = false;
  std::int64_t time_ms = 0;
  std::uint64_t rows_max = 0;
  std::uint64_t bytes_max = 0;
  std::uint32_t statement_ms_max = 0;
  std::uint32_t heartbeat_ms = 0;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.protocol);
    visit(message.site, limits::label_bytes_max);
    visit(message.name, limits::label_bytes_max);
    visit(message.program, limits::label_bytes_max);
    visit(message.is_read_only);
    visit(message.time_ms);
    visit(message.rows_max);
    visit(message.bytes_max);
    visit(message.statement_ms_max);
    visit(message.heartbeat_ms);
  }
};

/// A part of a query's result. `values`: `count` times as many as there are columns, row by row.
struct rows {
  TANDEM_PAGE_MESSAGE(rows);
  std::uint64_t id = 0;
  std::uint32_t number = 0;         ///< of the part, from 0
  std::vector<std::string> columns; ///< in part 0 only
  std::uint32_t count = 0;
  std::vector<value> values;
  bool is_last = false;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.number);
    visit(message.columns, limits::columns_max, limits::page_sql_bytes_max);
    visit(message.count);
    visit(message.values, limits::frame_bytes_max);
    visit(message.is_last);
  }
};

struct done {
  TANDEM_PAGE_MESSAGE(done);
  std::uint64_t id = 0;
  std::uint64_t changes = 0;
  std::int64_t last_rowid = 0;
  bool is_repeat = false; ///< this `once` had been done before
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.changes);
    visit(message.last_rowid);
    visit(message.is_repeat);
  }
};

struct told {
  TANDEM_PAGE_MESSAGE(told);
  std::uint64_t id = 0;
  std::string json;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.json, limits::frame_bytes_max);
  }
};

/// A request could not be carried out; or, with id 0, the connection ends.
struct failed {
  TANDEM_PAGE_MESSAGE(failed);
  std::uint64_t id = 0;
  std::string code;
  std::string text;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.code, limits::label_bytes_max);
    visit(message.text, limits::reason_bytes_max);
  }
};

/// How the list of rows that the page shows becomes the new one: `removed` go (indexes in the old list), then
/// `inserted` come in and `changed` are replaced (indexes in the new one).
struct live {
  TANDEM_PAGE_MESSAGE(live);
  std::uint64_t id = 0;
  std::uint64_t sequence = 0;
  bool is_whole = false;            ///< the list begins empty
  std::vector<std::string> columns; ///< where it is whole
  std::vector<std::uint32_t> removed;
  std::vector<std::uint32_t> inserted;
  std::vector<value> inserted_values;
  std::vector<std::uint32_t> changed;
  std::vector<value> changed_values;
  std::uint32_t total = 0;   ///< rows of the new list
  bool more_follows = false; ///< a part: the list is no result of the query until the last one
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.sequence);
    visit(message.is_whole);
    visit(message.columns, limits::columns_max, limits::page_sql_bytes_max);
    visit(message.removed, limits::page_watch_rows_max);
    visit(message.inserted, limits::page_watch_rows_max);
    visit(message.inserted_values, limits::frame_bytes_max);
    visit(message.changed, limits::page_watch_rows_max);
    visit(message.changed_values, limits::frame_bytes_max);
    visit(message.total);
    visit(message.more_follows);
  }
};

struct changed {
  TANDEM_PAGE_MESSAGE(changed);
  std::uint64_t id = 0;
  std::uint64_t sequence = 0;
  std::vector<std::string> tables; ///< empty: any
  bool is_remote = false;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.id);
    visit(message.sequence);
    visit(message.tables, limits::tables_max, limits::name_bytes_max);
    visit(message.is_remote);
  }
};

/// Over transports without pings: this side is still there.
struct beat {
  TANDEM_PAGE_MESSAGE(beat);
  std::int64_t time_ms = 0;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.time_ms);
  }
};

#undef TANDEM_PAGE_MESSAGE

/// Values of rows that were encoded as they were read: what is large is written once.
struct encoded_values {
  encoder bytes;
  std::size_t count = 0;

  void add(const value_view& view) {
    bytes.value(view);
    ++count;
  }
};

/// `rows` with these values instead of its own.
shared_bytes encode_rows(const rows& head, const encoded_values& values);
/// `live` with these values instead of its own.
shared_bytes encode_live(const live& head, const encoded_values& inserted, const encoded_values& changed);

/// What a page is told by `failed`: a code beyond those of nodes ("cancelled", "deadline", "transaction_lost",
/// "constraint", "sql", "refused").
class page_failure : public failure {
public:
  page_failure(std::string_view code, const std::string& text) : failure{failure_code::usage, text}, page_code_{code} {}
  [[nodiscard]] const std::string& page_code() const { return page_code_; }

private:
  std::string page_code_;
};

} // namespace tandem::messages::page
