// The messages that stay within one node: from actor to actor, never from outside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "messages/failure.hpp"
#include "messages/fields.hpp"
#include "messages/frame.hpp"
#include "messages/limits.hpp"
#include "messages/priority.hpp"
#include "messages/site.hpp"

namespace tandem::messages {

enum class internal : std::uint8_t {
  wake = 64,
  grown,
  flush,
  queue_state,
  tables_changed,
  open_link,
  link_ready,
  start_link,
  announce,
  announced,
  consumed,
  end_link,
  link_opened,
  link_closed,
  dial_failed,
  actor_ended,
  close_all_links,
  choice,
  choice_done,
  data_changed,
  link_phase,
  link_sent,
  link_applied,
  gave_up,
  stop_node,
  compare_now,
  compare_done,
  drained,
  measurements,
  handled,
  database_figures,
  pause_links,
  alert_news,
};

#define TANDEM_MESSAGE(name)                                                                                           \
  static constexpr auto tag = internal::name;                                                                          \
  static constexpr unsigned version = 1

/// File watch, host or timer to the observer: somebody may have written. Also the queue, which found
/// writes that are not stamped yet and wants to hear `grown` in any case (`must_answer`).
struct wake {
  TANDEM_MESSAGE(wake);
  bool must_answer = false;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.must_answer);
  }
};

/// How long the oldest of some changes has taken at each station so far (see `bundle_part::trail`), and when it passed
/// the last of them, by this node's clock that never runs back. Without stations: nobody measures.
struct passage {
  std::vector<std::uint64_t> trail_us;
  std::int64_t at_us = 0;
  std::string trace = {}; ///< see `bundle_part::trace`
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.trail_us, limits::trail_items_max);
    visit(message.at_us);
    visit(message.trace, limits::trace_id_bytes);
  }
};

/// Whoever stamped or merged to the batcher: the log has grown to `head`. Without rows: it may be known already.
struct grown {
  TANDEM_MESSAGE(grown);
  std::uint64_t head = 0;
  std::uint64_t rows = 0;     ///< row changes since the last such message of this sender
  std::uint64_t via_link = 0; ///< the link that all of it came by; 0: it was written here
  passage way = {};
  priority urgency = priority::normal;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.head);
    visit(message.rows);
    visit(message.via_link);
    visit(message.way);
    visit(message.urgency);
  }
};

/// Batcher to a queue: send what the peer lacks.
struct flush {
  TANDEM_MESSAGE(flush);
  std::uint64_t head = 0;
  passage way = {}; ///< of the oldest change that waits
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.head);
    visit(message.way);
  }
};

/// Queue to the batcher: after each flush, and whenever the count falls to zero.
struct queue_state {
  TANDEM_MESSAGE(queue_state);
  std::uint64_t bundles_unacked = 0;
  bool answers_flush = false;
  bool is_up = true;          ///< false, last of all: the link has ended
  std::uint64_t round_us = 0; ///< from sending the bundle that was acknowledged last until that came; 0: none was
  std::uint64_t held_us = 0;  ///< of it, what the peer took to merge
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.bundles_unacked);
    visit(message.answers_flush);
    visit(message.is_up);
    visit(message.round_us);
    visit(message.held_us);
  }
};

/// Observer to the arbiter: tracked tables have changed, peers have to hear it.
struct tables_changed {
  TANDEM_MESSAGE(tables_changed);
  std::uint64_t schema_version = 0;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.schema_version);
  }
};

/// Endpoint to the arbiter: a connection is open; tell it our hello.
struct open_link {
  TANDEM_MESSAGE(open_link);
  std::uint64_t dialer = 0; ///< who of us called them; 0: they called us
  std::string peer_name;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.dialer);
    visit(message.peer_name, limits::url_bytes_max);
  }
};

/// Arbiter to the endpoint: both sides know each other; let the peer send.
struct link_ready {
  TANDEM_MESSAGE(link_ready);
  site_id site;
  std::string peer_name;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.site);
    visit(message.peer_name, limits::url_bytes_max);
  }
};

/// Arbiter to the queue: send what lies beyond `start`.
struct start_link {
  TANDEM_MESSAGE(start_link);
  site_id site;
  std::uint64_t epoch = 0;          ///< of our own log
  std::uint64_t start = 0;          ///< how far the peer has applied it
  std::uint64_t schema_version = 0; ///< what our last hello told
  std::uint64_t run = 0;            ///< the latest run of our log in it
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.site);
    visit(message.epoch);
    visit(message.start);
    visit(message.schema_version);
    visit(message.run);
  }
};

/// Queue to the arbiter: the next bundle speaks of tables or of a run that the peer has not heard of.
struct announce {
  TANDEM_MESSAGE(announce);
  template <class Visit, class Message>
  static void fields(Visit&&, Message&) {}
};

/// Arbiter to the queue: the endpoint has our tables of this version, and our runs, to send; bundles may follow.
struct announced {
  TANDEM_MESSAGE(announced);
  std::uint64_t schema_version = 0;
  std::uint64_t run = 0; ///< the latest one
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.schema_version);
    visit(message.run);
  }
};

/// Arbiter and queue to the endpoint: so many of the messages that it handed on are off the mailbox.
struct consumed {
  TANDEM_MESSAGE(consumed);
  std::uint64_t items = 0;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.items);
  }
};

/// Anyone to an endpoint: close the link and tell the peer why.
struct end_link {
  TANDEM_MESSAGE(end_link);
  bool is_refusal = false; ///< somebody has to act first; trying again at once is no use
  failure_code code = failure_code::protocol;
  std::string text;
  bool is_planned = false; ///< see `goodbye`
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.is_refusal);
    visit(message.code);
    visit(message.text, limits::reason_bytes_max);
    visit(message.is_planned);
  }
};

/// Transport to the supervisor: a connection is there, under the link number of the sender.
struct link_opened {
  TANDEM_MESSAGE(link_opened);
  std::uint64_t link = 0;
  std::uint64_t dialer = 0; ///< 0: it was accepted
  bool is_page = false;     ///< a page is at its other end, not a node
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.link);
    visit(message.dialer);
    visit(message.is_page);
  }
};

/// Transport to a page's endpoint: what was queued for the page has gone.
struct drained {
  TANDEM_MESSAGE(drained);
  template <class Visit, class Message>
  static void fields(Visit&&, Message&) {}
};

/// Transport to the supervisor, supervisor to the dialer and the arbiter: it is gone.
struct link_closed {
  TANDEM_MESSAGE(link_closed);
  std::uint64_t link = 0;
  bool is_refusal = false; ///< one of the two sides refused the other
  bool was_ready = false;  ///< both sides had got to know each other
  std::string text;
  bool is_planned = false; ///< see `goodbye`
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.link);
    visit(message.is_refusal);
    visit(message.was_ready);
    visit(message.text, limits::reason_bytes_max);
    visit(message.is_planned);
  }
};

/// Transport to a dialer: no connection came about.
struct dial_failed {
  TANDEM_MESSAGE(dial_failed);
  std::string text;
  bool is_refusal = false; ///< somebody answered, and did not take our token
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.text, limits::reason_bytes_max);
    visit(message.is_refusal);
  }
};

/// The supervisor's own shell to its core: an actor has ended.
struct actor_ended {
  TANDEM_MESSAGE(actor_ended);
  role who = role::host;
  std::uint64_t number = 0;
  bool was_ordered = false;
  std::string text;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.who);
    visit(message.number);
    visit(message.was_ordered);
    visit(message.text, limits::reason_bytes_max);
  }
};

/// Arbiter to the supervisor: this replica has a new identity; every link has to begin anew.
struct close_all_links {
  TANDEM_MESSAGE(close_all_links);
  std::string text;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.text, limits::reason_bytes_max);
  }
};

/// Host to the arbiter: what a person chose for a conflict.
struct choice {
  TANDEM_MESSAGE(choice);
  std::uint64_t request = 0;
  std::string conflict;
  std::uint8_t take = 0; ///< 0 current, 1 other, 2 value, 3 undo, 4 fields, 5 reinsert
  std::string value_json;
  std::string who = {}; ///< what the user is called
  bool is_forced = false;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.request);
    visit(message.conflict, limits::label_bytes_max);
    visit(message.take);
    visit(message.value_json, limits::value_bytes_max);
    visit(message.who, limits::label_bytes_max);
    visit(message.is_forced);
  }
};

/// Arbiter to the host.
struct choice_done {
  TANDEM_MESSAGE(choice_done);
  std::uint64_t request = 0;
  bool is_done = false;
  failure_code code = failure_code::not_found; ///< if it is not
  std::string text;                            ///< the conflict's id, or why not
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.request);
    visit(message.is_done);
    visit(message.code);
    visit(message.text, limits::reason_bytes_max);
  }
};

/// Whoever stamped or merged to the host: rows of tracked tables have changed.
struct data_changed {
  TANDEM_MESSAGE(data_changed);
  bool is_remote = false; ///< it came from a peer
  std::uint64_t rows = 0;
  std::uint64_t head = 0;
  std::uint64_t conflicts = 0;
  std::vector<std::string> tables; ///< empty where that is not known
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.is_remote);
    visit(message.rows);
    visit(message.head);
    visit(message.conflicts);
    visit(message.tables, limits::tables_max, limits::name_bytes_max);
  }
};

/// Arbiter, supervisor and dialers to the host: where a link stands.
struct link_phase {
  TANDEM_MESSAGE(link_phase);
  enum class phase : std::uint8_t { connecting, linked, closed, refused, paused };
  phase now = phase::connecting;
  std::uint64_t link = 0;   ///< 0: no connection yet
  std::uint64_t dialer = 0; ///< 0: the peer called us
  site_id site;             ///< null until known
  std::string peer_name;
  std::string text;             ///< why, for connecting (again), closed and refused
  std::uint64_t applied = 0;    ///< pos of their log that is applied here
  std::uint64_t their_head = 0; ///< as their hello said
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.now);
    visit(message.link);
    visit(message.dialer);
    visit(message.site);
    visit(message.peer_name, limits::url_bytes_max);
    visit(message.text, limits::reason_bytes_max);
    visit(message.applied);
    visit(message.their_head);
  }
};

/// Queue to the host: how far a peer is.
struct link_sent {
  TANDEM_MESSAGE(link_sent);
  std::uint64_t link = 0;
  std::uint64_t sent = 0;  ///< pos of our log that has been sent
  std::uint64_t acked = 0; ///< and acknowledged
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.link);
    visit(message.sent);
    visit(message.acked);
  }
};

/// Arbiter to the host: how far we are with a peer's log.
struct link_applied {
  TANDEM_MESSAGE(link_applied);
  std::uint64_t link = 0;
  std::uint64_t applied = 0;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.link);
    visit(message.applied);
  }
};

/// Supervisor to the host: an actor died too often, the node has stopped.
struct gave_up {
  TANDEM_MESSAGE(gave_up);
  std::string text;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.text, limits::reason_bytes_max);
  }
};

/// Host to the arbiter: compare all tables with the first peer that we call.
struct compare_now {
  TANDEM_MESSAGE(compare_now);
  std::uint64_t request = 0;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.request);
  }
};

/// Arbiter to the host.
struct compare_done {
  TANDEM_MESSAGE(compare_done);
  std::uint64_t request = 0;
  bool is_done = false;     ///< all tables are equal now
  std::uint64_t ranges = 0; ///< that differed
  std::uint64_t rows = 0;   ///< that were mended here
  std::string text;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.request);
    visit(message.is_done);
    visit(message.ranges);
    visit(message.rows);
    visit(message.text, limits::reason_bytes_max);
  }
};

/// Host or page to the supervisor, and the supervisor to dialers, host and monitor: no links from now on, or links
/// again.
struct pause_links {
  TANDEM_MESSAGE(pause_links);
  bool is_paused = false;
  template <class Visit, class Message>
  static void fields(Visit&& visit, Message& message) {
    visit(message.is_paused);
  }
};

/// Host to the supervisor.
struct stop_node {
  TANDEM_MESSAGE(stop_node);
  template <class Visit, class Message>
  static void fields(Visit&&, Message&) {}
};

#undef TANDEM_MESSAGE

} // namespace tandem::messages
