// Tandem within your app: keeps the app's own SQLite database in step with others.
//
//   tandem::options options;
//   options.path = "notes.db";
//   options.peers = {"ws://hub.local:7450/"};
//   tandem::runtime sync{options};
//   sync.track({"notes"});
//   sync.on_change([](const tandem::change& change) { redraw(change.tables); });
//   sync.start();
//
// Go on writing plain SQL from any thread or process. C++17; link with tandem::runtime.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tandem/export.h>
#include <utility>
#include <vector>

struct sqlite3;

namespace tandem {

/// The text says what happened, where, and what to do about it.
class TANDEM_EXPORT error : public std::runtime_error {
public:
  error(std::string code, const std::string& text) : std::runtime_error{text}, code_{std::move(code)} {}
  /// "usage", "storage", "busy", "full", "read_only", "corrupt", "schema", "protocol", "limit", "clock", "denied",
  /// "not_found", "network" or "defect".
  [[nodiscard]] const std::string& code() const { return code_; }

private:
  std::string code_;
};

struct options {
  std::string path;               ///< of the app's database
  bool create = false;            ///< a file that does not exist becomes one that takes over its peers' tables
  std::string listen;             ///< "HOST:PORT" to accept links on (port 0: any free one); empty: nowhere
  std::vector<std::string> peers; ///< URLs (ws://HOST:PORT/) to keep links with
  std::string token;              ///< the secret that all nodes share; needed to listen beyond loopback
  std::string name;               ///< what peers call this node; empty: its site id
  bool durable = true;            ///< fsync before anything is sent or acknowledged
  std::string user;               ///< who settles conflicts here, for the audit trail; may be empty
  /// How long settled conflicts stay in the audit trail: so many days, and the newest so many. 0: for ever, all;
  /// negative: as it was set before. What is removed here is removed everywhere.
  std::int64_t audit_keep_days = -1;
  std::int64_t audit_keep_count = -1;
  /// How long changes are collected before they are sent; negative: not at all while a link is quiet, else as suits it.
  std::int64_t batch_window_ms = -1;
  bool measures = true; ///< for monitor_json, metrics_text, /metrics and /monitor; costs next to nothing
};

/// Rows of tracked tables have changed.
struct change {
  bool is_remote = false; ///< they came from a peer
  std::uint64_t rows = 0;
  std::uint64_t conflicts = 0;     ///< newly found
  std::vector<std::string> tables; ///< empty where that is not known: any may have changed
};

/// Where a link stands.
struct link {
  std::string peer;      ///< URL or address
  std::string site;      ///< 32 hex digits; empty until known
  std::string state;     ///< "connecting", "linked", "refused", "paused"
  std::string text;      ///< why it is not linked, or what else is wrong
  bool is_level = false; ///< the peer has acknowledged all that was sent to it
};

/// Two writes of one cell that met, of which the host says what shall stand. Values are JSON.
struct question {
  std::string table;
  std::string column;
  std::string key;     ///< a value, or an array where the key has several columns
  std::string earlier; ///< the earlier write's value
  std::string later;
};

struct state {
  std::vector<link> links;
  std::string trouble;    ///< why the runtime has stopped by itself; empty: it has not
  bool is_paused = false; ///< `pause` was called: there are no links until `resume` is
};

/// What the monitor warns of, with `options.measures`: docs/monitoring.md lists the rules.
struct alert {
  bool is_over = false; ///< it holds no more; the rest is as it was last
  std::string rule;     ///< "link_down"
  std::string severity; ///< "info", "warning", "critical"
  std::string subject;  ///< what it is about: a peer, a table, an actor; may be empty
  double value = 0;     ///< the figure that is beyond its limit
  std::string evidence; ///< the same in words
  std::string cause;
  std::string step; ///< what to do
};

/// `fields` takes a JSON object of columns, each with "current", "other" or {"value": V}; `reinsert` the key under
/// which the row that lost is inserted again.
enum class choice { current, other, value, undo, fields, reinsert };

/// Functions throw tandem::error and nothing else, and may be called from any thread unless they say so.
/// Callbacks come on threads of the runtime, one at a time, and may not call `start` or `stop`, nor wait for
/// long, nor throw.
class TANDEM_EXPORT runtime {
public:
  explicit runtime(options options);
  /// Stops if need be.
  ~runtime();
  runtime(runtime&&) noexcept;
  runtime& operator=(runtime&&) noexcept;

  /// Opens the database and begins to sync. A peer that can't be reached is called again for ever.
  void start();
  /// Ends all threads and links; what was written stays and syncs after the next start.
  void stop();

  /// Starts to sync the tables. Needs no running runtime.
  void track(const std::vector<std::string>& tables);
  /// How soon changes of a table leave here: "critical" (at once), "normal" (when it suits the link) or "background" (a
  /// few times a second, unless something else leaves anyway). Stays in the file; needs no running runtime.
  void prioritize(const std::string& table, const std::string& priority);
  /// The app has just committed: saves the time (well under a millisecond) until that is noticed.
  void hint();
  /// Calls `hint` after each commit of this connection, through sqlite3_commit_hook: for hosts that share the
  /// system's SQLite library with Tandem and have no commit hook of their own. Call `detach` before the
  /// connection is closed and before this object goes.
  void attach(sqlite3* connection);
  void detach(sqlite3* connection);

  /// Ends all links and makes no new ones until `resume` is called, or the runtime starts again. What is written
  /// meanwhile stands in the log, and goes out then.
  void pause();
  void resume();

  /// Set callbacks before `start`.
  void on_change(std::function<void(const change&)> callback);
  void on_state(std::function<void(const state&)> callback);
  /// Called when something comes up, and again when it is over. Each is also a line of the log.
  void on_alert(std::function<void(const alert&)> callback);
  /// Asked about columns whose policy is `callback`: returns the value that shall stand, as JSON, or "" for no answer.
  /// It has 50 ms, must not use the database, and must answer the same on every device, whatever was settled first (as
  /// a union does). If it throws, is late or answers with a type that neither value has, the later write stands, and
  /// the audit trail says so. Comes on a thread of its own.
  void on_conflict(std::function<std::string(const question&)> callback);

  /// Where this runtime listens; empty: nowhere.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] state current_state() const;
  /// All that is known about the replica and its links, as one JSON document.
  [[nodiscard]] std::string status_json() const;
  /// What this runtime has measured of itself, and what it warns of: docs/monitoring.md lists the fields. "{}" if it
  /// does not run.
  [[nodiscard]] std::string monitor_json() const;
  /// The same figures in Prometheus' text format, for an HTTP server of the app's own; empty if it does not run.
  [[nodiscard]] std::string metrics_text() const;
  /// Conflicts as a JSON array; `open_only`: those that wait for a person.
  [[nodiscard]] std::string conflicts_json(bool open_only = false) const;
  /// Carries out what a person chose for a conflict; `value_json` goes with choice::value, fields and reinsert. `force`
  /// settles anew what is settled already, and undoes what was written over since.
  void resolve(const std::string& conflict_id, choice take, const std::string& value_json = {}, bool force = false);
  /// Waits until all that was committed here before has reached every peer, and all that they had when the link
  /// began has come. False if `ms` milliseconds passed first.
  bool wait_until_level(std::int64_t ms);

private:
  friend class page;
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

} // namespace tandem
