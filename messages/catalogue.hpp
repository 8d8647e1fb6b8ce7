// The messages that travel between nodes. The TypeScript side reads the same catalogue; the golden
// vectors in tests/unit/messages/golden prove that both agree.
//
// Protocol versions
//   1  hello, resume, refuse, bundle_part, ack, demand, goodbye, compare, compared, mend
//
// A link's life: both sides say hello; once a side has the other's hello it says resume; then demand,
// bundle parts and acks flow both ways. A hello may come again when tables change. Each side closes
// with goodbye, or with refuse if something has to be done about it first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "messages/bundle.hpp"
#include "messages/failure.hpp"
#include "messages/fields.hpp"
#include "messages/frame.hpp"
#include "messages/limits.hpp"
#include "messages/lineage.hpp"
#include "messages/schema.hpp"
#include "messages/site.hpp"

namespace tandem::messages {

constexpr std::uint32_t protocol_version_min = 1;
constexpr std::uint32_t protocol_version_max = 1;

/// Numbers of messages; never used again for something else. Below 64: between nodes. From 64 on
/// (internal.hpp): within one node, refused if they come from outside.
enum class wire : std::uint8_t {
  hello = 1,
  resume = 2,
  refuse = 3,
  bundle_part = 4,
  ack = 5,
  demand = 6,
  goodbye = 7,
  compare = 8,
  compared = 9,
  mend = 10
};

/// True if `bytes` begins like a message that may come from outside.
bool is_wire_message(std::string_view bytes);

template <>
struct layout_of<column_schema> {
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& column) {
    visit(column.id);
    visit(column.name, limits::name_bytes_max);
    visit(column.declared_type, limits::name_bytes_max);
    visit(column.key_position);
    visit(column.former_names, limits::former_names_max, limits::name_bytes_max);
  }
};

template <>
struct layout_of<table_schema> {
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& table) {
    visit(table.id);
    visit(table.name, limits::name_bytes_max);
    visit(table.columns, limits::columns_max);
    visit(table.ddl, limits::ddl_items_max, limits::ddl_bytes_max);
    visit(table.former_names, limits::former_names_max, limits::name_bytes_max);
  }
};

template <>
struct layout_of<schema> {
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& tables) {
    visit(tables.version);
    visit(tables.tables, limits::tables_max);
  }
};

template <>
struct layout_of<log_run> {
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& run) {
    visit(run.token);
    visit(run.start);
  }
};

/// Each side to the other, first of all, and again when its tables or its log's runs have changed.
struct hello {
  static constexpr auto tag = wire::hello;
  static constexpr unsigned version = 1;

  std::uint32_t protocol_min = protocol_version_min;
  std::uint32_t protocol_max = protocol_version_max;
  site_id site;
  std::uint64_t epoch = 0;    ///< of the sender's log
  std::uint64_t head = 0;     ///< its last pos
  std::int64_t time_ms = 0;   ///< the sender's clock now
  std::uint64_t instance = 0; ///< random for each run, so that a node notices when it calls itself
  bool adopting = false;      ///< it takes over the other side's tables
  std::string name;           ///< what the sender calls itself
  std::string program;        ///< its version, for people
  messages::schema tables;
  lineage runs;                ///< of the sender's log
  std::uint64_t log_start = 0; ///< up to where it was compacted; who has applied less of it gets a snapshot

  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.protocol_min);
    visit(message.protocol_max);
    visit(message.site);
    visit(message.epoch);
    visit(message.head);
    visit(message.time_ms);
    visit(message.instance);
    visit(message.adopting);
    visit(message.name, limits::label_bytes_max);
    visit(message.program, limits::label_bytes_max);
    visit(message.tables);
    visit(message.runs, limits::runs_max);
    visit(message.log_start);
  }
};

/// Each side to the other, as soon as it knows who that is: where to go on.
struct resume {
  static constexpr auto tag = wire::resume;
  static constexpr unsigned version = 1;

  std::uint32_t protocol = protocol_version_max; ///< the version that this side will speak
  std::uint64_t epoch = 0;                       ///< of the other side's log, as remembered; 0: never met
  std::uint64_t applied = 0;                     ///< how far it was applied
  std::uint64_t run = 0;                         ///< the latest of its runs that was heard of

  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.protocol);
    visit(message.epoch);
    visit(message.applied);
    visit(message.run);
  }
};

/// Either side, last: why this link can't go on and what somebody has to do.
struct refuse {
  static constexpr auto tag = wire::refuse;
  static constexpr unsigned version = 1;

  failure_code code = failure_code::protocol;
  std::string text;

  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.code);
    visit(message.text, limits::reason_bytes_max);
  }
};

/// How far the sender has applied the receiver's log: sent after each durable merge.
struct ack {
  static constexpr auto tag = wire::ack;
  static constexpr unsigned version = 1;

  std::uint64_t pos = 0;     ///< of the receiver's log, whose epoch the handshake named
  std::uint64_t held_us = 0; ///< from the bundle's arrival to this: the rest of the round trip is the way

  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.pos);
    visit(message.held_us);
  }
};

/// The consumer of bundles to their producer: so much more may come.
struct demand {
  static constexpr auto tag = wire::demand;
  static constexpr unsigned version = 1;

  std::uint64_t bytes = 0;
  std::uint64_t items = 0;

  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.bytes);
    visit(message.items);
  }
};

/// Either side, last, when nothing is wrong.
struct goodbye {
  static constexpr auto tag = wire::goodbye;
  static constexpr unsigned version = 1;

  std::string text;
  bool is_planned = false; ///< somebody has stopped that node, or paused its sync: it will be missed by nobody

  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.text, limits::reason_bytes_max);
    visit(message.is_planned);
  }
};

template <>
struct layout_of<table_ranges> {
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& ranges) {
    visit(ranges.table, limits::name_bytes_max);
    visit(ranges.columns);
    visit(ranges.digests, limits::ranges_max * limits::range_digest_bytes);
  }
};

template <>
struct layout_of<range_rows> {
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& rows) {
    visit(rows.table, limits::name_bytes_max);
    visit(rows.count);
    visit(rows.ranges, limits::ranges_max);
    visit(rows.schema_version);
    visit(rows.block, limits::block_bytes_max);
  }
};

/// The side that called to the other: this is what I have of a table; do you have the same?
struct compare {
  static constexpr auto tag = wire::compare;
  static constexpr unsigned version = 1;

  std::uint64_t number = 0;  ///< of the question
  std::uint64_t head = 0;    ///< of the sender's log
  std::uint64_t applied = 0; ///< how far it has applied the receiver's
  table_ranges ranges;

  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.number);
    visit(message.head);
    visit(message.applied);
    visit(message.ranges);
  }
};

/// The answer: with the rows that the called side has in ranges that differ, as many as fit.
struct compared {
  static constexpr auto tag = wire::compared;
  static constexpr unsigned version = 1;

  std::uint64_t number = 0;
  comparison how = comparison::equal;
  std::string text; ///< why not, if never
  range_rows rows;

  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.number);
    visit(message.how);
    visit(message.text, limits::reason_bytes_max);
    visit(message.rows);
  }
};

/// The side that called, in return: what it has in those ranges.
struct mend {
  static constexpr auto tag = wire::mend;
  static constexpr unsigned version = 1;

  range_rows rows;

  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.rows);
  }
};

/// The producer's offline queue to the consumer's arbiter: one part of a bundle. Written once, at the
/// log; handed on unopened by all others. On the wire the header comes with part 0 only and without
/// its epochs, which the handshake has named: what is said once costs nothing in every bundle.
struct bundle_part {
  static constexpr auto tag = wire::bundle_part;
  static constexpr unsigned version = 1;

  std::uint64_t number = 0; ///< of the bundle, counted up from 1 on each link
  std::uint64_t index = 0;  ///< of the part, from 0
  bool is_last = false;
  bundle_header header;   ///< with part 0 only; epochs are not set
  std::string_view block; ///< a row block (row_block.hpp), or nothing; points into the message
  /// With the last part, if the sender measures: microseconds that the oldest change in the bundle took at each
  /// station, seen and stamped where it was written, then bundled, sent, received, merged for each link. Durations, so
  /// that nobody's clock matters. The last one is how long the way to the receiver took lately.
  std::vector<std::uint64_t> trail;
  /// With a trail, of some changes: 16 bytes that this change has at every node, a trace id of OpenTelemetry.
  std::string trace;
};

shared_bytes encode(const bundle_part& part);
template <>
bundle_part decode<bundle_part>(std::string_view bytes);

} // namespace tandem::messages
